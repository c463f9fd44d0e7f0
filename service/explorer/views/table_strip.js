// The first rows of a table with the roles of its columns, and what may be wrong with it.
import { createButton, html } from "../lib/dom.js";
import { assignRole, toSentence } from "../model/tables.js";

const SMALL = { class: "small-button" };

/** @typedef {(query: Query) => void} Change called with query parameters */

/** Replace what an element contains; the focus keeps its place. @param {Element} root @param {Node[]} children */
export function redraw(root, children) {
  const list = () => /** @type {HTMLElement[]} */ ([...root.querySelectorAll("button, input, select")]);
  const place = list().findIndex((each) => each === document.activeElement);
  root.replaceChildren(...children);
  list()[place]?.focus();
}

/**
 * @param {Table} table
 * @param {Partial<Record<Role, string>>} words those of the roles that are offered
 * @param {Change} change
 * @param {number} [most] columns that are shown
 */
export function createTable(table, words, change, most = Infinity) {
  const columns = table.columns.slice(0, most);
  const roles = columns.map((each) => html("td", {}, ...createRole(table, each, words, change)));
  const names = columns.map(({ name, unit }) =>
    html("th", { scope: "col" }, name, ...(unit ? [html("small", {}, ` ${unit}`)] : [])),
  );
  const n_rows = Math.max(...columns.map(({ first }) => first.length));
  const rows = Array.from({ length: n_rows }, (_, i) =>
    html("tr", {}, ...columns.map(({ first, role }) => html("td", { class: role }, first[i] ?? ""))),
  );
  const head = html("thead", {}, html("tr", {}, ...roles), html("tr", {}, ...names));
  return html("table", {}, head, html("tbody", {}, ...rows));
}

/** @param {Table} table @param {Column} column @param {Partial<Record<Role, string>>} words @param {Change} change */
function createRole(table, { name, role, because }, words, change) {
  if (!name) return [];
  // Another column takes the role of the target.
  const choices = Object.entries(words).filter(([each]) => role !== "target" || each === role);
  const options = choices.map(([each, word]) => html("option", { value: each }, word));
  const select = html("select", { class: role, "aria-label": `Role of ${name}`, title: because }, ...options);
  select.value = role;
  select.addEventListener("change", () => change(assignRole(table, name, select.value)));
  return [select];
}

/** Return what may be wrong, and a choice of the sheet. @param {Table} table @param {Change} change */
export function createProblems({ problems, sheet, sheets }, change) {
  return [
    ...(sheets.length > 1 ? [createSheets(sheet, sheets, change)] : []),
    ...problems
      .filter((each) => !each.is_error)
      .map(({ sentence, repairs }) => html("span", {}, toSentence(sentence), ...createRepairs(repairs, change))),
  ];
}

/** @param {string | null | undefined} sheet @param {string[]} sheets @param {Change} change */
function createSheets(sheet, sheets, change) {
  const select = html("select", { id: "sheet" }, ...sheets.map((name) => html("option", { value: name }, name)));
  select.value = sheet;
  select.addEventListener("change", () => change({ sheet: select.value }));
  return html("label", {}, "Sheet", select);
}

/** Return a button for each repair. @param {Repair[]} repairs @param {Change} change */
export const createRepairs = (repairs, change) =>
  repairs.map(({ label, query }) => createButton(label, () => change(query), SMALL));
