// What a table will be taken for, before it is stored: its first rows, which columns are the steps and which is
// the target, and how its numbers are read.
import { hasKey } from "../lib/credentials.js";
import { createButton, html } from "../lib/dom.js";
import { count } from "../lib/format.js";
import { dropIncompleteRows, findMarks, otherMark, readRows, readTable, rewriteTable } from "../model/table.js";

const N_ROWS = 4;
const MAX_COLUMNS = 40; // that are shown
const SEPARATORS = /** @type {Record<string, string>} */ ({ ",": "commas", ";": "semicolons", "\t": "tabs" });
const MEANING =
  "Each row is one sequence: values of one quantity, in order, and the number they lead to. " +
  "The network has two parameters and no intercept. " +
  "It is the wrong model for columns of different quantities, such as temperature and price.";

export class TablePreview {
  /**
   * @param {import("../model/table.js").Table} table
   * @param {(text: string, name: string) => void} use called with the text to store
   * @param {() => void} cancel
   */
  constructor(table, use, cancel) {
    const { columns, name } = table;
    this.table = table;
    this.marks = findMarks(table);
    this.decimal = this.marks.unclear ? "" : this.marks.decimal;
    this.isUsed = columns.map(({ kind }) => kind === "number");
    this.named = columns.findIndex((column) => column.name.toLowerCase() === "target");
    this.target = this.named >= 0 ? this.named : this.isUsed.lastIndexOf(true);
    this.element = html("section", { class: "preview", "aria-label": "Preview" });
    this.name = html("input", { type: "text", maxlength: 100, value: name.replace(/\.\w+$/, "") });
    this.select = html("select", {}, ...columns.map((column, j) => html("option", { value: j }, column.name)));
    this.select.addEventListener("change", () => {
      this.target = Number(this.select.value);
      this.isUsed[this.target] = true;
      this.draw();
    });
    this.use = createButton("Use these rows", () => use(this.write(), this.name.value.trim()), { class: "primary" });
    this.cancel = createButton("Cancel", cancel);
    this.draw();
  }

  /** Return the columns of the steps. */
  listSteps() {
    return this.isUsed.flatMap((isUsed, j) => (isUsed && j !== this.target ? [j] : []));
  }

  /** Return the text to store: the table itself where the service reads the same from it. */
  write() {
    const { isUsed, marks, named, table, target } = this;
    const isUsual = target === (named < 0 ? table.columns.length - 1 : named);
    const isWhole = isUsual && isUsed.every(Boolean) && !marks.hasThousands && !marks.unclear;
    return isWhole ? table.text : rewriteTable(table, this.listSteps(), target, this.decimal);
  }

  draw() {
    const { isUsed, table } = this;
    const shown = table.columns.slice(0, MAX_COLUMNS).map((_, j) => j);
    const steps = this.listSteps();
    const head = html("tr", {}, ...shown.map((j) => this.createHeading(j, steps.indexOf(j) + 1)));
    const rows = readRows(table, N_ROWS).map((row) =>
      html("tr", {}, ...shown.map((j) => html("td", { class: isUsed[j] ? "" : "left-out" }, row[j] ?? ""))),
    );
    const focused = document.activeElement?.getAttribute("data-key");
    this.select.value = String(this.target);
    this.use.disabled = !this.decimal || !steps.length || this.target < 0;
    const first = html("table", {}, html("thead", {}, head), html("tbody", {}, ...rows));
    const readers = hasKey ? "anyone with a key of this service" : "anyone who can open this page";
    const storage = `The table is stored on this server until you delete it, and ${readers} can read it there.`;
    this.element.replaceChildren(
      html("p", {}, html("b", {}, "Is this right? "), this.describe(steps.length)),
      html("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "First rows" }, first),
      ...this.askMark(),
      ...this.offerToDrop(),
      html("p", { class: "muted" }, MEANING),
      html("div", { class: "fields" }, html("label", {}, "Target", this.select), html("label", {}, "Name", this.name)),
      html("p", { class: "muted" }, storage),
      html("p", { class: "actions" }, this.use, this.cancel),
    );
    if (focused) /** @type {HTMLElement | null} */ (this.element.querySelector(`[data-key="${focused}"]`))?.focus();
  }

  /** @param {number} n_steps */
  describe(n_steps) {
    const { columns, n_rows, separator } = this.table;
    const decimal = this.decimal ? `, decimal ${this.decimal === "," ? "comma" : "point"}` : "";
    const hidden =
      columns.length > MAX_COLUMNS ? ` The first ${MAX_COLUMNS} of ${columns.length} columns are shown.` : "";
    const shape = `${count(n_rows, "row")} of ${count(n_steps, "step")} and a target`;
    return `${shape}, separated by ${SEPARATORS[separator]}${decimal}.${hidden}`;
  }

  /** @param {number} j @param {number} step its number, if it is one */
  createHeading(j, step) {
    const { name, kind } = this.table.columns[j];
    const isUsed = this.isUsed[j];
    const part =
      j === this.target ? "target" : isUsed ? `step ${step}` : kind === "number" ? "left out" : `${kind}, left out`;
    const toggle = () => {
      this.isUsed[j] = !isUsed;
      this.draw();
    };
    const label = isUsed ? "Leave out" : "Use";
    const attributes = { class: "small-button", "data-key": j, "aria-label": `${label} ${name}` };
    const button = createButton(label, toggle, attributes);
    return html("th", { scope: "col" }, name, html("small", {}, part), ...(j === this.target ? [] : [button]));
  }

  /** Return the question how a number is read, if it can be read in two ways. */
  askMark() {
    const { unclear } = this.marks;
    if (!unclear) return [];
    const mark = unclear.replace(/[^.,]/g, "");
    const choices = [mark, otherMark(mark)].map((decimal) => {
      const choose = () => {
        this.decimal = decimal;
        this.draw();
      };
      const value = unclear.replace(mark, decimal === mark ? "." : "");
      const name = { class: "small-button", "data-key": decimal, "aria-label": `It is ${value}` };
      return createButton(value, choose, { ...name, "aria-pressed": String(decimal === this.decimal) });
    });
    return [html("p", { class: "actions" }, html("b", {}, `What is ${unclear}?`), ...choices)];
  }

  /** Offer to leave out the rows that lack a value, which the service refuses. */
  offerToDrop() {
    const { text, n_dropped } = dropIncompleteRows(this.table);
    const drop = () => {
      this.table = readTable(this.table.name, text);
      this.draw();
    };
    return n_dropped
      ? [html("p", { class: "actions" }, createButton(`Leave out ${count(n_dropped, "incomplete row")}`, drop))]
      : [];
  }
}
