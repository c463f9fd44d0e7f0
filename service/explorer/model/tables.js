// Tables of numbers as text: one sequence per row, with its target in the last column.
import { Problem } from "./api.js";

const MISSING = /^("?)(na|n\/a|nan|null|none|-|\?)?\1$/i;
const MAX_EXCERPT = 60;
const NOT_TEXT = new Problem("This is not a text file", "Save the table as CSV in UTF-8, then load it again.");

/**
 * Return a table with commas between its fields. Spreadsheets copy tabs, and export semicolons where
 * the comma is the decimal separator.
 * @param {string} text
 */
export function normalizeTable(text) {
  if (text.includes("\0")) throw NOT_TEXT;
  const first = text.trimStart().split(/\r?\n/, 1)[0];
  const separator = ["\t", ";"].find((each) => first.includes(each));
  return separator ? text.replaceAll(",", ".").replaceAll(separator, ",") : text;
}

/** Return the rows without missing values, and the number of the others. @param {string} table */
export function dropIncompleteRows(table) {
  const lines = table.split(/\r?\n/);
  const isComplete = (/** @type {string} */ line) => !line.includes(",") || !line.split(",").some(isMissing);
  const complete = lines.filter(isComplete);
  return { table: complete.join("\n"), n_dropped: lines.length - complete.length };
}

/** @param {string} field */
const isMissing = (field) => MISSING.test(field.trim());

/**
 * Return a problem of the service with the line and the column that it refers to.
 * @param {Problem} problem @param {string} table
 */
export function locateProblem(problem, table) {
  const details = problem.errors.map(({ pointer, detail }) => {
    const [, line, what] = /^line (\d+): (.*)$/s.exec(detail) ?? [];
    if (!line) return detail;
    const text = table.split(/\r?\n/)[Number(line) - 1] ?? "";
    const [, kind, , column] = pointer.split("/");
    const at = kind === "targets" ? text.split(",").length : column && Number(column) + 1;
    const excerpt = text.length > MAX_EXCERPT ? `${text.slice(0, MAX_EXCERPT)}…` : text;
    return `Line ${line}${at ? `, column ${at}` : ""}: ${what}. The line is: ${excerpt}`;
  });
  return new Problem(details.length ? "The table cannot be read" : problem.title, details.join(" ") || problem.message);
}
