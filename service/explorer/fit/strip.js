// The table of the page: its first rows with the roles of its columns, what was repaired, and what may be wrong.
import { byId, createButton, html } from "../lib/dom.js";
import { count } from "../lib/format.js";
import { assignRole, toRoles } from "../model/tables.js";
import { createProblems, createTable, redraw } from "../views/table_strip.js";

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

/** @param {FitStore} store @param {import("../views/table_strip.js").Change} change */
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
    redraw(strip, table ? [createTable(table, ROLES, change)] : []);
    redraw(notes, table ? createNotes(table, change) : []);
  });
}

/** @param {Source} source @param {Table | null | undefined} table */
function describeTable({ name }, table) {
  return [name || "A stored table", ...(table ? [count(table.n_rows, "row"), ...table.repairs] : [])].join(", ");
}

/** @param {Table} table @param {import("../views/table_strip.js").Change} change */
function createNotes(table, change) {
  const { columns } = table;
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
    ...(numbers.length > 2 ? [html("span", {}, `Inputs: ${inputs.length} of ${numbers.length}`, all, none)] : []),
    ...(hasOthers ? [html("span", {}, "Other targets:", ...targets)] : []),
    ...createProblems(table, change),
  ];
}

/** Return the columns that can be inputs or targets. @param {Table} table */
const listNumbers = ({ columns }) =>
  columns.filter(({ name, kind, role }) => name && kind === "number" && (role === "input" || role === "left_out"));
