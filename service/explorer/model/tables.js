// Tables of numbers as text, which the service reads.
import { Problem } from "./api.js";

const MISSING = /^("?)(na|n\/a|nan|null|none|-|\?)?\1$/i;
const NOT_TEXT = new Problem("This is not a text file", "Save the table as CSV in UTF-8, then load it again.");

/** Throw a problem unless a file may be a table. @param {string} text */
export function checkText(text) {
  if (text.includes("\0")) throw NOT_TEXT;
}

/** Return the rows without missing values, and the number of the others. @param {string} table */
export function dropIncompleteRows(table) {
  const lines = table.split(/\r?\n/);
  const separator = ["\t", ";"].find((each) => lines.some((line) => line.includes(each))) ?? ",";
  const isComplete = (/** @type {string} */ line) => !line.includes(separator) || !line.split(separator).some(isMissing);
  const complete = lines.filter(isComplete);
  return { table: complete.join("\n"), n_dropped: lines.length - complete.length };
}

/** @param {string} field */
const isMissing = (field) => MISSING.test(field.trim());

/** Return a problem of the service, which quotes the lines of the table. @param {Problem} problem @param {string} [title] */
export function describeProblem(problem, title = "The table cannot be read") {
  const details = problem.errors.map(({ detail }) => `${detail[0].toUpperCase()}${detail.slice(1)}.`);
  return new Problem(details.length ? title : problem.title, details.join(" ") || problem.message, [], problem.status);
}
