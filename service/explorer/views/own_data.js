// The user's own data: dropped, pasted, chosen from a file or an example, and described.
import { byId, createButton, html } from "../lib/dom.js";
import { formatNumber } from "../lib/format.js";
import { FULL_VIEW } from "../lib/scales.js";
import { saveTable } from "../lib/handover.js";
import { Problem, absoluteUrl, receive } from "../model/api.js";
import { EXAMPLE_DATA, fetchOwnData, uploadExample, uploadTable } from "../model/own_data.js";
import { bindField } from "./fields.js";
import { openDrawer } from "./drawers.js";
import { acceptFiles } from "./files.js";
import { showProblem } from "./problems.js";

const HELP =
  "One sequence per row, its target in the column named target, or in the last. Drop a CSV file on the page, or paste rows from a spreadsheet.";

/** @param {Store} store */
export function createOwnData(store) {
  const panel = new OwnDataPanel(store);
  acceptFiles(panel.file, (file) => panel.loadFile(file));
  store.watch(["dataset"], () => panel.update());
  return panel;
}

class OwnDataPanel {
  /** @param {Store} store */
  constructor(store) {
    this.store = store;
    this.generation = 0; // rises when other data are loaded, which makes pending requests obsolete
    this.n_dropped = 0;
    this.text = "";
    const { dataset, view } = store.state;
    this.adapts = dataset !== "" && String(view) === String(FULL_VIEW);
    this.summary = html("p", { role: "status" });
    this.file = html("input", { type: "file", id: "data-file", class: "visually-hidden", accept: ".csv,.tsv,.txt,text/*" });
    this.back = createButton("Use random bits again", () => this.load(async () => ""));
    const choose = html("label", { class: "button", for: "data-file" }, "Choose a CSV file");
    const examples = EXAMPLE_DATA.map((each) => createButton(each.title, () => this.load(() => uploadExample(each))));
    const text = html("textarea", {
      rows: 4,
      "aria-label": "Rows of numbers",
      placeholder: "0,1,1,2\n1,0,0,1",
      spellcheck: "false",
    });
    const use = createButton("Use these rows", () => this.loadText(text.value));
    this.paste = html("details", {}, html("summary", {}, "Paste a table"), text, use);
    byId("own-data").append(
      this.summary,
      html("p", { class: "muted" }, HELP),
      html("p", { class: "muted" }, "One step per row instead, with a target at each? ", this.linkToFit("Fit this kind of table"), "."),
      html("div", { class: "actions" }, this.file, choose, this.back),
      html("div", { class: "actions", role: "group", "aria-label": "Example data" }, html("span", {}, "Examples:"), ...examples),
      this.paste,
    );
    bindField(store, "sequence");
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
    else this.loadText(text);
  }

  /** @param {File | undefined} file */
  async loadFile(file) {
    if (file) await this.loadText(await file.text());
  }

  /** @param {string} text @param {number} [n_dropped] rows that were left out of it */
  async loadText(text, n_dropped = 0) {
    this.text = text;
    let complete = { table: "", n_dropped: 0 };
    const isLoaded = await this.load(async () => {
      const { checkText, describeProblem, dropIncompleteRows } = await receive(import("../model/tables.js"));
      checkText(text);
      return uploadTable(text).catch((problem) => {
        complete = dropIncompleteRows(text);
        throw describeProblem(problem);
      });
    });
    if (isLoaded) {
      this.n_dropped = n_dropped;
      this.paste.open = false;
      return;
    }
    byId("upload-problem").append(this.linkToFit("One step per row? Fit it on another page"));
    if (!complete.n_dropped || n_dropped) return;
    const label = complete.n_dropped === 1 ? "Leave out the incomplete row" : `Leave out ${complete.n_dropped} incomplete rows`;
    byId("upload-problem").append(createButton(label, () => this.loadText(complete.table, complete.n_dropped)));
  }

  /**
   * Use other data.
   * @param {() => Promise<string>} upload returns the id of the dataset
   * @returns {Promise<boolean>} whether they are used
   */
  async load(upload) {
    const generation = ++this.generation;
    showProblem("upload-problem", null);
    byId("own-data").setAttribute("aria-busy", "true");
    try {
      const dataset = await upload();
      if (generation !== this.generation) return false;
      this.n_dropped = 0;
      this.adapts = true;
      this.store.set({ dataset, sequence: 1, example: "" });
      return true;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (generation === this.generation) {
        showProblem("upload-problem", error);
        openDrawer(byId("data-drawer"));
      }
      return false;
    } finally {
      if (generation === this.generation) byId("own-data").removeAttribute("aria-busy");
    }
  }

  /** Describe the data in use, and adapt the view to them. */
  async update() {
    const { dataset } = this.store.state;
    this.back.hidden = dataset === "";
    this.summary.textContent = dataset ? "Loading…" : "";
    const own = dataset === "" ? null : await fetchOwnData(this.store.state).catch(catchProblem);
    await null; // the runs of the previous data are removed with their view
    if (dataset !== this.store.state.dataset) return;
    const { adapts } = this;
    this.adapts = false;
    if (own instanceof Problem) {
      this.summary.textContent =
        own.status === 404
          ? "This server does not have the data of this address. Please load the file again."
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
  describe({ n_samples, n_steps, input_range, target_range }) {
    const example = EXAMPLE_DATA.find(({ id }) => id === this.store.state.dataset);
    const name = html("strong", {}, example ? example.title : "Your data");
    const facts =
      `${count(n_samples, "row")} of ${count(n_steps, "step")} and a target. ` +
      `Inputs from ${formatNumber(input_range.low)} to ${formatNumber(input_range.high)}, ` +
      `targets from ${formatNumber(target_range.low)} to ${formatNumber(target_range.high)}. `;
    const missing = this.n_dropped ? `${count(this.n_dropped, "row")} with missing values left out.` : "No missing values.";
    this.summary.replaceChildren(name, `: ${facts}${missing} ${example?.note ?? ""}`);
    byId("sequence").max = n_samples;
    byId("n_sequences").textContent = `(1 to ${n_samples.toLocaleString("en")})`;
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
