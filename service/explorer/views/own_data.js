// The user's own data: dropped, pasted, chosen from a file or an example, previewed, described and deleted.
import { createButton, html } from "../lib/dom.js";
import { count, formatNumber } from "../lib/format.js";
import { FULL_VIEW } from "../lib/scales.js";
import { saveTable } from "../lib/handover.js";
import { LatestRequest, Problem, absoluteUrl } from "../model/api.js";
import { EXAMPLE_DATA, deleteDataset, fetchOwnData, uploadExample, uploadTable } from "../model/own_data.js";
import { describeProblem, readTable } from "../model/table.js";
import { openDrawer } from "./drawers.js";
import { acceptFiles } from "./files.js";
import { offerUndo, showProblem } from "./problems.js";
import { TablePreview } from "./table_preview.js";

const HELP = "One sequence per row, with its target. Drop a CSV file on the page, or paste rows from a spreadsheet.";
const DELETE = "Delete the table from the server, with all training runs, basin maps and fits that use it?";

export class OwnDataPanel {
  /** @param {Store} store @param {AddressBar} addressBar @param {Record<string, any>} elements */
  constructor(store, addressBar, elements) {
    this.store = store;
    this.addressBar = addressBar;
    this.elements = elements;
    /** @type {LatestRequest<() => Promise<string>, string>} */ this.requests = new LatestRequest(
      (choose) => choose(), // returns the id of the dataset
      (dataset) => this.use(dataset),
      (problem) => this.report(problem),
    );
    this.text = "";
    const { dataset, view } = store.state;
    this.adapts = dataset !== "" && String(view) === String(FULL_VIEW);
    this.summary = html("p", { role: "status" });
    this.preview = html("div");
    const accept = ".csv,.tsv,.txt,text/*";
    const file = html("input", { type: "file", id: "data-file", class: "visually-hidden", accept });
    this.back = createButton("Use random bits again", () => this.load(async () => ""));
    this.remove = createButton("Delete from the server", () => confirm(DELETE) && this.load(() => this.delete()));
    const choose = html("label", { class: "button", for: "data-file" }, "Choose a CSV file");
    const examples = EXAMPLE_DATA.map((each) => createButton(each.title, () => this.load(() => uploadExample(each))));
    const placeholder = "0,1,1,2\n1,0,0,1";
    const text = html("textarea", { rows: 4, "aria-label": "Rows of numbers", placeholder, spellcheck: "false" });
    const look = createButton("Preview these rows", () => this.loadText(text.value, "pasted"));
    this.paste = html("details", {}, html("summary", {}, "Paste a table"), text, look);
    const fit = [" One step per row instead, with a target at each? ", this.linkToFit("Fit this kind of table"), "."];
    const group = { class: "actions", role: "group", "aria-label": "Example data" };
    elements["own-data"].append(
      this.summary,
      this.preview,
      html("p", { class: "muted" }, HELP, ...fit),
      html("div", { class: "actions" }, file, choose, this.back, this.remove),
      html("div", group, html("span", {}, "Examples:"), ...examples),
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

  /**
   * Load what was pasted, if it may be a table.
   * @param {ClipboardEvent} event
   * @param {File | undefined} file
   * @param {string} text
   */
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
    this.report(null);
    this.preview.replaceChildren();
    openDrawer(this.elements["data-drawer"]);
    try {
      const use = (/** @type {string} */ whole, /** @type {string} */ title) =>
        this.load(() => uploadTable(whole, title));
      this.preview.append(new TablePreview(readTable(name, text), use, () => this.preview.replaceChildren()).element);
      this.preview.scrollIntoView({ block: "nearest" });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.report(error);
    }
  }

  /** Show a problem, or remove it. @param {Problem | null} problem */
  report(problem) {
    const { "data-drawer": drawer, "own-data": root, "upload-problem": element } = this.elements;
    root.removeAttribute("aria-busy");
    showProblem(element.id, problem && describeProblem(problem));
    if (!problem) return;
    openDrawer(drawer);
    if (problem.errors.length) element.append(this.linkToFit("One step per row? Fit it on another page"));
    element.scrollIntoView({ block: "nearest" });
  }

  /** Use other data. @param {() => Promise<string>} choose returns the id of the dataset */
  load(choose) {
    this.report(null);
    this.elements["own-data"].setAttribute("aria-busy", "true");
    this.requests.send(choose);
  }

  /** Delete the data and their runs, which cannot be restored, and return the id of none. */
  async delete() {
    const { store } = this;
    const none = await deleteDataset(store.state.dataset);
    offerUndo("", null);
    store.runs = [];
    store.set({ runs: [], iteration: 0, show: 0, dataset: none });
    return none;
  }

  /** @param {string} dataset its id */
  use(dataset) {
    this.preview.replaceChildren();
    this.paste.open = false;
    this.adapts = true;
    this.addressBar.visit({ dataset, sequence: 1 });
  }

  /** Describe the data in use, and adapt the view to them. */
  async update() {
    const { adapts } = this;
    const { dataset } = this.store.state;
    this.adapts = false;
    this.back.hidden = this.remove.hidden = dataset === "";
    this.summary.textContent = dataset ? "Loading…" : "";
    const own = dataset === "" ? null : await fetchOwnData(this.store.state).catch(catchProblem);
    await null; // the runs of the previous data are removed with their view
    if (dataset !== this.store.state.dataset) return;
    if (own instanceof Problem) {
      this.summary.textContent = `${own.title}. ${own.message}`;
      return;
    }
    if (own) {
      this.describe(own.summary);
      this.store.home = own.view;
    }
    if (adapts) this.store.set(adaptState(this.store.state, this.store.home));
  }

  /** @param {Summary} summary */
  describe({ id, name, n_samples, n_steps, input_range, target_range }) {
    const example = EXAMPLE_DATA.find((each) => each.id === id);
    const title = html("strong", {}, example ? example.title : (name ?? "Your data"));
    const range = (/** @type {Summary["target_range"] | null | undefined} */ span) =>
      `from ${formatNumber(span?.low)} to ${formatNumber(span?.high)}`;
    const shape = `${count(n_samples, "row")} of ${count(n_steps, "step")} and a target`;
    const facts = `${shape}. Inputs ${range(input_range)}, targets ${range(target_range)}.`;
    this.summary.replaceChildren(title, `: ${facts} ${example?.note ?? ""}`);
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
