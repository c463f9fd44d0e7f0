// Tables: what the service reads in them, and the roles of their columns.
import { Problem, postBody } from "./api.js";

const TYPE = "application/octet-stream"; // the service recognizes text, workbooks and compressed files

/** @param {string} path @param {Query} query */
export const writePath = (path, query) => `${path}?${new URLSearchParams(/** @type {any} */ (query))}`;

/**
 * Read a table without storing it.
 * @param {TableFile} file @param {Query} query @param {AbortSignal} [signal]
 * @returns {Promise<Table>}
 */
export async function readTable({ body }, query, signal) {
  return postBody(writePath("v1/tables", query), body, TYPE, signal).catch(refuse);
}

/** Throw an error of the service, which describes the table. @param {Problem} error @returns {never} */
function refuse(error) {
  const { message, members, status } = error;
  if (![400, 413, 422].includes(status)) throw error;
  throw new Refusal({ sentence: message, repairs: members.repairs ?? [] }, status);
}

/**
 * Store a table, and return what is stored.
 * @param {TableFile} file @param {string} path @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
export function storeTable({ body }, path, signal) {
  return postBody(path, body, TYPE, signal).catch(refuse);
}

/** A table that cannot be read, with repairs. */
export class Refusal extends Problem {
  /** @param {Pick<Table["problems"][number], "sentence" | "repairs">} problem @param {number} [status] */
  constructor({ sentence, repairs }, status = 422) {
    super(toSentence(sentence), "", [], status);
    this.repairs = repairs;
  }
}

/** @param {string} text */
export const toSentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`;

/** Return the query that gives every column its role. @param {Pick<Column, "name" | "role">[]} columns */
export function toRoles(columns) {
  const list = (/** @type {Role} */ wanted) => columns.filter(({ role }) => role === wanted).map(({ name }) => name);
  const first = (/** @type {Role} */ wanted) => list(wanted)[0] ?? "";
  const join = (/** @type {Role} */ wanted) =>
    list(wanted)
      .map((name) => (name.includes(",") ? `"${name}"` : name))
      .join(",");
  const [time, sequence] = [first("time"), first("sequence")];
  return { target: first("target"), inputs: join("input"), time, clock: join("clock"), sequence };
}

/**
 * Return the query that gives a role to a column. The column that has the role of the target becomes an input if the
 * new target was one; a time or a sequence is left out.
 * @param {Table} table @param {string} name @param {Role} role
 */
export function assignRole({ columns }, name, role) {
  const before = columns.find((each) => each.name === name)?.role;
  const isSwap = role === "target" && before === "input";
  const others = role === "input" || role === "left_out" ? role : isSwap ? "input" : "left_out";
  const change = (/** @type {Column} */ each) => (each.name === name ? role : each.role === role ? others : each.role);
  return toRoles(columns.map((each) => ({ name: each.name, role: change(each) })));
}
