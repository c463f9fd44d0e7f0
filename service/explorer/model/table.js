// A table as text, for both pages: its separator, its header, how its numbers are written, and what its
// columns may be. The service reads the numbers and decides what is valid.
import { Problem } from "./api.js";

const SEPARATORS = [";", "\t", ","];
const N_SAMPLE_ROWS = 50;
const DAY = /(\d{1,4}[-/]\d{1,2}([-/]\d{1,4})?|\d{1,2}\.\d{1,2}\.\d{4})([ T].*)?/;
const WEEK = /\d{4}-?W\d\d(-?\d)?/;
const QUARTER = /(\d{4}[-/ ]?)?Q\d([-/ ]?\d{4})?/;
const DATE = new RegExp(`^(${[DAY, WEEK, QUARTER].map(({ source }) => source).join("|")})$`);
export const NUMBER = /^[-+]?[\d.,]*\d[\d.,]*(e[-+]?\d+)?$/i;
export const MISSING = /^(|na|n\/a|nan|null|none|-|\?)$/i;
const INDEX = /^(|#|no|nr|id|row|index|unnamed: 0)\.?$/i;
/** Digits that one mark may divide into thousands. */
const THOUSANDS = /^[-+]?[1-9]\d{0,2}([.,])\d{3}(\1\d{3})*$/;
const NOT_TEXT = new Problem("This is not text in UTF-8", "Save the table as CSV in UTF-8, then load it again.");

/** @typedef {"number" | "index" | "date" | "text"} Kind */
/**
 * @typedef {{name: string, text: string, separator: string, hasHeader: boolean, lines: string[], columns: {name:
 *   string, kind: Kind}[], n_rows: number}} Table
 */

/** @param {string} name @param {string} text @returns {Table} throws a problem if it is not text */
export function readTable(name, text) {
  if (/[\0\uFFFD]/.test(text)) throw NOT_TEXT;
  const lines = text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .filter((line) => line.trim());
  if (!lines.length) throw new Problem("This table is empty", "");
  const [first = ""] = lines;
  const separator = SEPARATORS.find((each) => first.includes(each)) ?? ",";
  const names = splitLine(first, separator);
  const hasHeader = names.some((field) => field && !NUMBER.test(field) && !DATE.test(field) && !MISSING.test(field));
  const start = hasHeader ? 1 : 0;
  const rows = lines.slice(start, start + N_SAMPLE_ROWS).map((line) => splitLine(line, separator));
  const columns = names.map((each, j) => {
    const title = hasHeader ? each : `column ${j + 1}`;
    const fields = rows.map((row) => row[j] ?? "");
    return { name: title, kind: findKind(title, fields) };
  });
  return { name, text, separator, hasHeader, lines, columns, n_rows: lines.length - start };
}

/** Return the fields of some rows, the first ones or all. @param {Table} table @param {number} [count] */
export function readRows({ lines, hasHeader, separator }, count = Infinity) {
  return lines.slice(hasHeader ? 1 : 0, count + (hasHeader ? 1 : 0)).map((line) => splitLine(line, separator));
}

/** @param {string} line @param {string} separator */
function splitLine(line, separator) {
  if (!line.includes('"')) return line.split(separator).map((field) => field.trim());
  const fields = [""];
  let isQuoted = false;
  for (const letter of line) {
    if (letter === '"') isQuoted = !isQuoted;
    else if (letter === separator && !isQuoted) fields.push("");
    else fields[fields.length - 1] += letter;
  }
  return fields.map((field) => field.trim());
}

/** @param {string} name @param {string[]} fields @returns {Kind} */
function findKind(name, fields) {
  const present = fields.filter((field) => !MISSING.test(field));
  if (present.length && present.every((field) => DATE.test(field))) return "date";
  const numbers = present.filter((field) => NUMBER.test(field)).map(Number);
  // A single invalid field does not make a column of numbers one of names: the service reports its position.
  if (numbers.length < present.length / 2) return "text";
  return INDEX.test(name) && numbers.every((value, i) => value === numbers[0] + i) ? "index" : "number";
}

/** @param {string} mark */
export const otherMark = (mark) => (mark === "," ? "." : ",");

/**
 * Return the decimal mark of the numbers, and whether the other mark divides thousands. If a number can be read
 * in two ways and no other number decides, `unclear` is that number.
 * @param {Table} table @param {number} [column] the only column to read
 * @returns {{decimal: string, hasThousands: boolean, unclear: string}}
 */
export function findMarks(table, column) {
  const decimals = new Set();
  const dividers = new Set();
  /** @type {Record<string, string>} */ const unclear = {};
  for (const field of readRows(table).flatMap((row) => (column === undefined ? row : (row[column] ?? "")))) {
    const marks = NUMBER.test(field) && !DATE.test(field) ? field.replace(/[^.,]/g, "") : "";
    const last = marks[marks.length - 1];
    if (!marks) continue;
    if (marks.includes(otherMark(last))) {
      decimals.add(last);
      dividers.add(otherMark(last));
    } else if (!THOUSANDS.test(field)) decimals.add(last);
    else if (marks.length > 1) dividers.add(last);
    else unclear[last] ??= field;
  }
  const [divider] = dividers;
  const [decimal = divider && otherMark(divider)] = decimals;
  // Beside semicolons and tabs, a point may divide thousands, because the decimal mark is often a comma there.
  const question = unclear[","] ?? (table.separator === "," ? "" : unclear["."]) ?? "";
  if (!decimal) return { decimal: ".", hasThousands: false, unclear: question };
  const other = otherMark(decimal);
  return { decimal, hasThousands: dividers.has(other) || other in unclear, unclear: "" };
}

/**
 * Return some columns as a table that has one meaning: commas between fields, decimal points, the target last.
 * @param {Table} table @param {number[]} steps indices of columns @param {number} target @param {string} decimal mark
 */
export function rewriteTable(table, steps, target, decimal) {
  const normalize = (/** @type {string} */ field) => field.replaceAll(otherMark(decimal), "").replace(decimal, ".");
  const rows = readRows(table).map((row) => [...steps, target].map((j) => normalize(row[j] ?? "")));
  return [[...steps.map((_, k) => `x_${k + 1}`), "target"], ...rows].map((row) => row.join(",")).join("\n");
}

/** Return the text without the rows that lack a value, and the number of these. @param {Table} table */
export function dropIncompleteRows({ lines, separator }) {
  const complete = lines.filter(
    (line) => !line.includes(separator) || !splitLine(line, separator).some((field) => MISSING.test(field)),
  );
  return { text: complete.join("\n"), n_dropped: lines.length - complete.length };
}

/**
 * Return a problem of the service, which quotes the lines of the table.
 * @param {Problem} problem
 * @param {string} [title]
 */
export function describeProblem(problem, title = "The table cannot be read") {
  const details = problem.errors.map(({ detail }) => `${detail[0].toUpperCase()}${detail.slice(1)}.`);
  return new Problem(details.length ? title : problem.title, details.join(" ") || problem.message, [], problem.status);
}
