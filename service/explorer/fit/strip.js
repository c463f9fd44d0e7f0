// The first rows of the table with the roles of its columns, what was repaired, and what may be wrong.
import { byId, createButton, html } from "../lib/dom.js";
import { count } from "../lib/format.js";
import { assignRole, listNumbers, toRoles, toSentence } from "./tables.js";

/** @type {Record<Role, string>} */
const ROLES = {
  time: "time",
  clock: "time of day",
  input: "input",
  target: "target",
  sequence: "sequence",
  left_out: "left out",
};
const N_NAMED = 12; // columns up to which each is offered as another target
const SMALL = { class: "small-button" };

/** @typedef {(query: Query) => void} Change */

/** @param {FitStore} store @param {Change} change called with query parameters */
export function createStrip(store, change) {
  /** @type {Source | null} */ let drawn = null;
  store.watch(["question"], () => {
    const { question } = store;
    const [strip, notes] = [byId("strip"), byId("notes")];
    byId("question").toggleAttribute("data-empty", !question);
    if (question?.source === drawn && !question?.table) return; // it is being read again
    drawn = question?.source ?? null;
    const { table, source } = question ?? {};
    byId("table-name").textContent = source ? describeTable(source, table) : "";
    redraw(strip, table ? [createTable(table, change)] : []);
    redraw(notes, table ? createNotes(table, change) : []);
  });
}

/** Replace what an element contains; the focus keeps its place. @param {Element} root @param {Node[]} children */
export function redraw(root, children) {
  const list = () => /** @type {HTMLElement[]} */ ([...root.querySelectorAll("button, input, select")]);
  const place = list().findIndex((each) => each === document.activeElement);
  root.replaceChildren(...children);
  list()[place]?.focus();
}

/** @param {Source} source @param {Table | null | undefined} table */
function describeTable({ name }, table) {
  return [name || "A stored table", ...(table ? [count(table.n_rows, "row"), ...table.repairs] : [])].join(", ");
}

/** @param {Table} table @param {Change} change */
function createTable(table, change) {
  const { columns } = table;
  const roles = columns.map((each) => html("td", {}, ...createRole(table, each, change)));
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

/** @param {Table} table @param {Column} column @param {Change} change */
function createRole(table, { name, role, because }, change) {
  if (!name) return [];
  // Another column takes the role of the target.
  const choices = role === "target" ? [role] : /** @type {Role[]} */ (Object.keys(ROLES));
  const options = choices.map((each) => html("option", { value: each }, ROLES[each]));
  const select = html("select", { class: role, "aria-label": `Role of ${name}`, title: because }, ...options);
  select.value = role;
  select.addEventListener("change", () => change(assignRole(table, name, select.value)));
  return [select];
}

/** @param {Table} table @param {Change} change */
function createNotes(table, change) {
  const { columns, problems, sheet, sheets } = table;
  const numbers = listNumbers(table);
  const hasTarget = columns.some(({ role }) => role === "target");
  const hasOthers = hasTarget && numbers.length > 1 && numbers.length <= N_NAMED;
  const targets = numbers.map(({ name }) => {
    const choose = () => change(assignRole(table, name, "target"));
    return createButton(name, choose, { ...SMALL, title: `Take ${name} as the target` });
  });
  const setInputs = (/** @type {Role} */ role) => () =>
    change(toRoles(columns.map((each) => (numbers.includes(each) ? { ...each, role } : each))));
  const inputs = numbers.filter(({ role }) => role === "input");
  const all = createButton("all", setInputs("input"), SMALL);
  const none = createButton("none", setInputs("left_out"), SMALL);
  return [
    ...(sheets.length > 1 ? [createSheets(sheet, sheets, change)] : []),
    ...(numbers.length > 2 ? [html("span", {}, `Inputs: ${inputs.length} of ${numbers.length}`, all, none)] : []),
    ...(hasOthers ? [html("span", {}, "Other targets:", ...targets)] : []),
    ...problems.filter((each) => !each.is_error).map((each) => createNote(each, change)),
  ];
}

/** @param {string | null | undefined} sheet @param {string[]} sheets @param {Change} change */
function createSheets(sheet, sheets, change) {
  const select = html("select", { id: "sheet" }, ...sheets.map((name) => html("option", { value: name }, name)));
  select.value = sheet;
  select.addEventListener("change", () => change({ sheet: select.value }));
  return html("label", {}, "Sheet", select);
}

/** @param {Table["problems"][number]} problem @param {Change} change */
function createNote({ sentence, repairs }, change) {
  return html("span", {}, toSentence(sentence), ...createRepairs(repairs, change));
}

/** Return a button for each repair. @param {Repair[]} repairs @param {Change} change */
export const createRepairs = (repairs, change) =>
  repairs.map(({ label, query }) => createButton(label, () => change(query), SMALL));
