// How the service reads a table, before it is stored: its first rows, which columns are the steps and which is the
// target, and what was repaired.
import { hasKey } from "../lib/credentials.js";
import { createButton, html } from "../lib/dom.js";
import { count } from "../lib/format.js";
import { LatestRequest } from "../model/api.js";
import { Refusal, assignRole, readTable } from "../model/tables.js";
import { createProblems, createTable, redraw } from "./table_strip.js";

const MAX_COLUMNS = 40; // that are shown
const ROLES = { input: "step", target: "target", left_out: "left out" };
const SEPARATORS = /** @type {Record<string, string>} */ ({
  ",": "commas",
  ";": "semicolons",
  "\t": "tabs",
  "|": "bars",
  " ": "blanks",
});
const MEANING =
  "Each row is one sequence: values of one quantity, in order, and the number they lead to. " +
  "The network has two parameters and no intercept. " +
  "It is the wrong model for columns of different quantities, such as temperature and price.";

export class TablePreview {
  /**
   * @param {TableFile} file
   * @param {{use: (query: Query) => void, cancel: () => void, report: (problem: Problem | null, retry?: () => void) =>
   *   void}} panel `use` stores the table as it is read
   */
  constructor(file, { use, cancel, report }) {
    /** @type {Query} */ this.query = { kind: "explicit" };
    this.report = report;
    /** @type {LatestRequest<Query, Table>} */ this.requests = new LatestRequest(
      (query, signal) => readTable(file, query, signal),
      (table) => this.draw(table),
      report,
    );
    this.description = html("p", {});
    this.strip = html("div", { class: "strip", tabindex: 0, role: "region", "aria-label": "First rows" });
    this.notes = html("div", { class: "notes" });
    this.target = html("select", {});
    this.name = html("input", { type: "text", maxlength: 100, value: file.name.replace(/\.\w+$/, "") });
    const store = () => use({ ...this.query, ...(this.name.value.trim() && { name: this.name.value.trim() }) });
    this.use = createButton("Use these rows", store, { class: "primary" });
    const readers = hasKey ? "anyone with a key of this service" : "anyone who can open this page";
    const storage = `The table is stored on this server until you delete it, and ${readers} can read it there.`;
    this.element = html(
      "section",
      { class: "preview", "aria-label": "Preview", hidden: true },
      this.description,
      this.strip,
      this.notes,
      html("p", { class: "muted" }, MEANING),
      html("div", { class: "fields" }, html("label", {}, "Target", this.target), html("label", {}, "Name", this.name)),
      html("p", { class: "muted" }, storage),
      html("p", { class: "actions" }, this.use, createButton("Cancel", cancel)),
    );
    this.change({});
  }

  /** Read the table again with further query parameters. @param {Query} query */
  change(query) {
    this.query = { ...this.query, ...query };
    this.use.disabled = true; // what is shown is read otherwise
    this.requests.send(this.query);
  }

  /** @param {Table} table */
  draw(table) {
    const { columns, problems } = table;
    const change = (/** @type {Query} */ query) => this.change(query);
    const error = problems.find(({ is_error }) => is_error);
    this.description.replaceChildren(html("b", {}, "Is this right? "), describe(table));
    redraw(this.strip, [createTable(table, ROLES, change, MAX_COLUMNS)]);
    redraw(this.notes, createProblems(table, change));
    this.target.replaceChildren(...columns.map(({ name }) => html("option", { value: name }, name)));
    this.target.value = columns.find(({ role }) => role === "target")?.name ?? "";
    this.target.onchange = () => change(assignRole(table, this.target.value, "target"));
    this.use.disabled = Boolean(error);
    const isNew = this.element.hidden;
    this.element.hidden = false;
    if (error) this.report(new Refusal(error));
    else if (isNew) this.element.scrollIntoView({ block: "nearest" });
  }
}

/** @param {Table} table */
function describe({ columns, decimal, n_rows, repairs, separator, sheet }) {
  const n_steps = columns.filter(({ role }) => role === "input").length;
  const shape = `${count(n_rows, "row")} of ${count(n_steps, "step")} and a target`;
  const place = sheet ? `in the sheet ${sheet}` : `separated by ${SEPARATORS[separator]}`;
  const mark = decimal ? [`decimal ${decimal === "," ? "comma" : "point"}`] : [];
  const facts = [shape, place, ...mark, ...repairs].join(", ");
  const hidden = `The first ${MAX_COLUMNS} of ${columns.length} columns are shown.`;
  return `${facts}.${columns.length > MAX_COLUMNS ? ` ${hidden}` : ""}`;
}
