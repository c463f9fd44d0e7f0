// The user's own data: dropped, pasted, chosen from a file or an example, previewed, described and deleted.
import { createButton, html } from "../lib/dom.js";
import { count, formatNumber } from "../lib/format.js";
import { FULL_VIEW } from "../lib/scales.js";
import { saveTable } from "../lib/handover.js";
import { LatestRequest, Problem, absoluteUrl } from "../model/api.js";
import { EXAMPLE_DATA, deleteDataset, fetchOwnData, uploadExample } from "../model/own_data.js";
import { Refusal, storeTable, writePath } from "../model/tables.js";
import { openDrawer } from "./drawers.js";
import { acceptFiles } from "./files.js";
import { offerUndo, showProblem } from "./problems.js";
import { TablePreview } from "./table_preview.js";
import { createRepairs } from "./table_strip.js";

const HELP =
  "One sequence per row, with its target. " +
  "Drop a file on the page (CSV, TSV or xlsx), or paste rows from a spreadsheet.";
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
      (problem, retry) => this.report(problem, retry),
    );
    /** @type {TableFile | null} */ this.file = null;
    /** @type {TablePreview | null} */ this.preview = null;
    const { dataset, view } = store.state;
    this.adapts = dataset !== "" && String(view) === String(FULL_VIEW);
    this.summary = html("p", { role: "status" });
    this.place = html("div"); // of the preview
    const accept = ".csv,.tsv,.txt,.xlsx,.gz,text/*";
    const file = html("input", { type: "file", id: "data-file", class: "visually-hidden", accept });
    this.back = createButton("Use random bits again", () => this.load(async () => ""));
    this.remove = createButton("Delete from the server", () => confirm(DELETE) && this.load(() => this.delete()));
    const choose = html("label", { class: "button", for: "data-file" }, "Choose a file");
    const examples = EXAMPLE_DATA.map((each) => createButton(each.title, () => this.load(() => uploadExample(each))));
    const placeholder = "0,1,1,2\n1,0,0,1";
    const text = html("textarea", { rows: 4, "aria-label": "Rows of numbers", placeholder, spellcheck: "false" });
    const look = createButton("Preview these rows", () => this.loadText(text.value));
    this.paste = html("details", {}, html("summary", {}, "Paste a table"), text, look);
    const fit = [" One step per row instead, with a target at each? ", this.linkToFit("Fit this kind of table"), "."];
    const group = { class: "actions", role: "group", "aria-label": "Example data" };
    elements["own-data"].append(
      this.summary,
      this.place,
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
    link.addEventListener("click", () => saveTable(this.file?.body ?? ""));
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
    else this.loadText(text);
  }

  /** @param {File | undefined} file */
  async loadFile(file) {
    if (file) this.show({ name: file.name, body: await file.arrayBuffer() });
  }

  /** @param {string} body */
  loadText(body) {
    this.show({ name: "pasted", body });
  }

  /** Preview a table. @param {TableFile} file */
  show(file) {
    this.close();
    openDrawer(this.elements["data-drawer"]);
    this.file = file;
    this.preview = new TablePreview(file, {
      use: (query) => this.load(async () => (await storeTable(file, writePath("v1/datasets", query))).id),
      cancel: () => this.close(),
      report: (problem, retry) => this.report(problem, retry),
    });
    this.place.replaceChildren(this.preview.element);
  }

  /** Remove the preview. */
  close() {
    this.preview?.requests.cancel();
    this.preview = null;
    this.report(null);
    this.place.replaceChildren();
  }

  /** Show a problem with its repairs, or remove it. @param {Problem | null} problem @param {() => void} [retry] */
  report(problem, retry) {
    const { "data-drawer": drawer, "own-data": root, "upload-problem": element } = this.elements;
    root.removeAttribute("aria-busy");
    showProblem(element.id, problem, retry);
    if (!problem) return;
    openDrawer(drawer);
    if (problem instanceof Refusal) {
      element.append(...createRepairs(problem.repairs, (query) => this.preview?.change(query)));
      element.append(this.linkToFit("One step per row? Fit it on another page"));
    }
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
    this.close();
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
