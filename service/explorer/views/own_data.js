// The user's own data: dropped, pasted, chosen from a file or an example, previewed, described and deleted.
import { createButton, html } from "../lib/dom.js";
import { formatNumber } from "../lib/format.js";
import { FULL_VIEW } from "../lib/scales.js";
import { saveTable } from "../lib/handover.js";
import { Problem, absoluteUrl } from "../model/api.js";
import { EXAMPLE_DATA, deleteDataset, fetchOwnData, uploadExample, uploadTable } from "../model/own_data.js";
import { describeProblem, dropIncompleteRows, readTable } from "../model/table.js";
import { openDrawer } from "./drawers.js";
import { acceptFiles } from "./files.js";
import { showProblem } from "./problems.js";
import { TablePreview } from "./table_preview.js";

const HELP = "One sequence per row, with its target. Drop a CSV file on the page, or paste rows from a spreadsheet.";

/** @typedef {{root: HTMLElement, problem: HTMLElement, drawer: HTMLElement, sequence: HTMLInputElement, count: HTMLElement}} Elements */

export class OwnDataPanel {
  /** @param {Store} store @param {Elements} elements */
  constructor(store, elements) {
    this.store = store;
    this.elements = elements;
    this.generation = 0; // rises when other data are loaded, which makes pending requests obsolete
    this.n_dropped = 0;
    this.text = "";
    const { dataset, view } = store.state;
    this.adapts = dataset !== "" && String(view) === String(FULL_VIEW);
    this.summary = html("p", { role: "status" });
    this.preview = html("div");
    const file = html("input", { type: "file", id: "data-file", class: "visually-hidden", accept: ".csv,.tsv,.txt,text/*" });
    this.back = createButton("Use random bits again", () => this.load(async () => ""));
    this.remove = createButton("Delete from the server", () => this.delete());
    const choose = html("label", { class: "button", for: "data-file" }, "Choose a CSV file");
    const examples = EXAMPLE_DATA.map((each) => createButton(each.title, () => this.load(() => uploadExample(each))));
    const text = html("textarea", {
      rows: 4,
      "aria-label": "Rows of numbers",
      placeholder: "0,1,1,2\n1,0,0,1",
      spellcheck: "false",
    });
    const look = createButton("Preview these rows", () => this.loadText(text.value, "pasted"));
    this.paste = html("details", {}, html("summary", {}, "Paste a table"), text, look);
    elements.root.append(
      this.summary,
      this.preview,
      html("p", { class: "muted" }, HELP),
      html("p", { class: "muted" }, "One step per row instead, with a target at each? ", this.linkToFit("Fit this kind of table"), "."),
      html("div", { class: "actions" }, file, choose, this.back, this.remove),
      html("div", { class: "actions", role: "group", "aria-label": "Example data" }, html("span", {}, "Examples:"), ...examples),
      this.paste,
    );
    acceptFiles(file, (each) => this.loadFile(each));
    store.watch(["dataset"], () => this.update());
  }

  /** Return a link to the page of fits, which takes the table along. @param {string} text */
  linkToFit(text) {
    const link = html("a", { href: absoluteUrl("fit") }, text);
    link.addEventListener("click", () => saveTable(this.text));
    return link;
  }

  /** Load what was pasted, if it may be a table. @param {ClipboardEvent} event @param {File | undefined} file @param {string} text */
  acceptPaste({ target }, file, text) {
    const isTyped = /** @type {Element} */ (target).closest("input, textarea");
    if (isTyped || !(file || /[\n,;\t]/.test(text.trim()))) return;
    if (file) this.loadFile(file);
    else this.loadText(text, "pasted");
  }

  /** @param {File | undefined} file */
  async loadFile(file) {
    if (file) this.loadText(await file.text(), file.name);
  }

  /** Preview a table. @param {string} text @param {string} name */
  loadText(text, name) {
    this.text = text;
    showProblem(this.elements.problem.id, null);
    openDrawer(this.elements.drawer);
    try {
      const table = readTable(name, text);
      const use = (/** @type {string} */ whole, /** @type {string} */ title) => this.upload(whole, title);
      this.preview.replaceChildren(new TablePreview(table, use, () => this.preview.replaceChildren()).element);
      this.preview.scrollIntoView({ block: "nearest" });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.preview.replaceChildren();
      showProblem(this.elements.problem.id, error);
    }
  }

  /** Store a table and use it. @param {string} text @param {string} name @param {number} [n_dropped] rows that were left out of it */
  async upload(text, name, n_dropped = 0) {
    const isLoaded = await this.load(() =>
      uploadTable(text, name).catch((problem) => {
        throw problem instanceof Problem ? describeProblem(problem) : problem;
      }),
    );
    if (isLoaded) {
      this.n_dropped = n_dropped;
      this.paste.open = false;
      return;
    }
    const complete = dropIncompleteRows(readTable(name, text));
    const { problem } = this.elements;
    problem.append(this.linkToFit("One step per row? Fit it on another page"));
    if (!complete.n_dropped || n_dropped) return;
    const label = complete.n_dropped === 1 ? "Leave out the incomplete row" : `Leave out ${complete.n_dropped} incomplete rows`;
    problem.append(createButton(label, () => this.upload(complete.text, name, complete.n_dropped)));
  }

  /** Delete the data in use from the server, with the computations of this page that use them. */
  async delete() {
    const { dataset } = this.store.state;
    await this.load(async () => {
      await deleteDataset(dataset);
      return "";
    });
  }

  /**
   * Use other data.
   * @param {() => Promise<string>} choose returns the id of the dataset
   * @returns {Promise<boolean>} whether they are used
   */
  async load(choose) {
    const generation = ++this.generation;
    const { drawer, problem, root } = this.elements;
    showProblem(problem.id, null);
    root.setAttribute("aria-busy", "true");
    try {
      const dataset = await choose();
      if (generation !== this.generation) return false;
      this.preview.replaceChildren();
      this.n_dropped = 0;
      this.adapts = true;
      this.store.set({ dataset, sequence: 1 });
      return true;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (generation === this.generation) {
        showProblem(problem.id, error);
        openDrawer(drawer);
        problem.scrollIntoView({ block: "nearest" });
      }
      return false;
    } finally {
      if (generation === this.generation) root.removeAttribute("aria-busy");
    }
  }

  /** Describe the data in use, and adapt the view to them. */
  async update() {
    const { dataset } = this.store.state;
    this.back.hidden = this.remove.hidden = dataset === "";
    this.summary.textContent = dataset ? "Loading…" : "";
    const own = dataset === "" ? null : await fetchOwnData(this.store.state).catch(catchProblem);
    await null; // the runs of the previous data are removed with their view
    if (dataset !== this.store.state.dataset) return;
    const { adapts } = this;
    this.adapts = false;
    if (own instanceof Problem) {
      this.summary.textContent =
        own.status === 404
          ? "This server does not have the data of this address. Load the file again."
          : "The data cannot be loaded now. To try again, reload the page.";
      return;
    }
    if (own) {
      this.describe(own.summary);
      this.store.n_inputs = own.summary.n_samples * own.summary.n_steps;
    }
    if (own) this.store.home = own.view;
    if (adapts) this.store.set(adaptState(this.store.state, this.store.home));
  }

  /** @param {Summary} summary */
  describe({ id, name, n_samples, n_steps, input_range, target_range }) {
    const example = EXAMPLE_DATA.find((each) => each.id === id);
    const title = html("strong", {}, example ? example.title : (name ?? "Your data"));
    const range = (/** @type {Summary["target_range"] | null | undefined} */ span) =>
      `from ${formatNumber(span?.low)} to ${formatNumber(span?.high)}`;
    const facts = `${count(n_samples, "row")} of ${count(n_steps, "step")} and a target. Inputs ${range(input_range)}, targets ${range(target_range)}. `;
    const missing = this.n_dropped ? `${count(this.n_dropped, "row")} with missing values left out.` : "No missing values.";
    this.summary.replaceChildren(title, `: ${facts}${missing} ${example?.note ?? ""}`);
    this.elements.sequence.max = String(n_samples);
    this.elements.count.textContent = `(1 to ${n_samples.toLocaleString("en")})`;
  }
}

/** Return the change that shows the whole view, with the point inside. @param {State} state @param {number[]} view */
function adaptState({ w_in, w_rec }, view) {
  const [, x, , y] = view;
  const isInside = Math.abs(w_in) < x && Math.abs(w_rec) < y;
  return { view: [...view], ...(isInside ? {} : { w_in: -x / 2, w_rec: (2 * y) / 3 }) };
}

/** @param {unknown} error @returns {Problem} which the data of the page report as well */
function catchProblem(error) {
  if (!(error instanceof Problem)) throw error;
  return error;
}

/** @param {number} n @param {string} noun */
const count = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;
