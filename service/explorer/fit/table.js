// Which columns of a table play which part in a fit.
import { parseNumber } from "../lib/format.js";
import { Problem } from "../model/api.js";
import { readRows } from "../model/table.js";

const TIME = /^(time|date|datetime|timestamp|second|minute|hour|day|week|month|quarter|year|step|t)s?$/i;
const SEQUENCE = /^(sequence|series|recording|test|run|trial|batch|patient|subject|region|group|id|unit)s?$/i;
const TARGET = /^(target|output|response|y)$/i;
const N_ROWS = 1000; // from which the parts are guessed
const N_COUNTED = 10; // rows of a column that may number them
const DAY = 86_400_000; // milliseconds

/** @typedef {Table["columns"][number]} Column */

/**
 * Return the part that each column probably plays; throws a problem without names or numbers.
 * @param {Table} table
 * @returns {Columns}
 */
export function recognizeColumns(table) {
  const { columns, hasHeader } = table;
  const rows = readRows(table, N_ROWS);
  const read = (/** @type {Column} */ column) => rows.map((row) => row[columns.indexOf(column)] ?? "");
  const repeats = (/** @type {Column} */ column) => {
    const fields = read(column);
    return !fields.includes("") && new Set(fields).size <= fields.length / 2;
  };
  // Amounts with a currency or a unit are text. The service reports their position.
  const isMeasured = (/** @type {Column} */ column) =>
    column.kind === "number" || (column.kind === "text" && read(column).every((field) => !field || /\d/.test(field)));
  const taken = new Set([""]);
  /** @param {(column: Column) => boolean} isMatch */
  const take = (isMatch, from = columns) => {
    const name = from.find((column) => !taken.has(column.name) && isMatch(column))?.name ?? "";
    taken.add(name);
    return name;
  };
  const isCounter = (/** @type {Column} */ column) => countsRows(read(column).map(parseNumber));
  const time = take(({ kind }) => kind === "date") || take(({ name, kind }) => kind !== "text" && TIME.test(name));
  const found =
    take((column) => SEQUENCE.test(column.name) && repeats(column)) ||
    take((column) => column.kind === "text" && repeats(column));
  const sequence = found && isOneRecording(table, time, found) ? "" : found;
  const backwards = [...columns].reverse();
  const target =
    take(({ name }) => TARGET.test(name)) ||
    take((column) => isMeasured(column) && !isCounter(column), backwards) ||
    take(isMeasured, backwards);
  const numbers = columns.filter(({ kind }) => kind === "number");
  if (!target) {
    throw new Problem("This table has no column of numbers", "It needs a header, and then one row per step.");
  }
  if (!hasHeader || (numbers.length && numbers.every(({ name }) => Number.isFinite(parseNumber(name))))) {
    throw new Problem(
      "This table has no header",
      "Its first line must contain the names of the columns: the time, the target and the inputs.",
    );
  }
  const inputs = numbers.filter((column) => !taken.has(column.name) && !isCounter(column)).map(({ name }) => name);
  return { time, sequence, target, inputs, isGuessed: Boolean(sequence) };
}

/**
 * Return true if numbers count the rows by one, with omissions or restarts.
 * @param {number[]} numbers
 */
function countsRows(numbers) {
  const later = numbers.slice(1);
  const n_by_one = later.filter((value, i) => value === numbers[i] + 1).length;
  const continues = later.every((value, i) => value > numbers[i] || value === numbers[0]);
  return numbers.length >= N_COUNTED && n_by_one >= 0.8 * later.length && continues;
}

/**
 * Return true if the times of all rows are those of one recording, with gaps if the values of a column without
 * the name of a sequence recur.
 * @param {Table} table @param {string} time @param {string} found the column that may be the sequence
 */
function isOneRecording(table, time, found) {
  const times = readTimes(table, time);
  if (!time || areEquallySpaced(times)) return Boolean(time);
  const j = table.columns.findIndex(({ name }) => name === found);
  const values = readRows(table).map((row) => row[j] ?? "");
  const starts = values.filter((value, i) => value !== values[i - 1]);
  return !SEQUENCE.test(found) && new Set(starts).size < starts.length && increase(times);
}

/** Return the times of all rows as numbers, none without a column. @param {Table} table @param {string} time */
export function readTimes(table, time) {
  const j = table.columns.findIndex(({ name }) => name === time);
  return time ? readRows(table).map((row) => parseTime(row[j] ?? "")) : [];
}

/** Return true if each time is later than the one before. @param {number[]} times */
export const increase = (times) => times.slice(1).every((time, i) => time > times[i]);

/** Return true if times increase in equal steps, months and business days included. @param {number[]} times */
export function areEquallySpaced(times) {
  const steps = times.slice(1).map((time, i) => time - times[i]);
  const shortest = steps.reduce((least, step) => Math.min(least, step), Infinity);
  const isEqual = (/** @type {number} */ step) => step < 1.5 * shortest || (shortest === DAY && step === 3 * DAY);
  return shortest > 0 && steps.every(isEqual);
}

/** Return a number or a date as a number, NaN for other text. @param {string} field */
export function parseTime(field) {
  const number = parseNumber(field);
  if (!Number.isNaN(number)) return number;
  const [a, b, c = 1, ...clock] = (field.match(/\d+/g) ?? []).map(Number);
  if (/W/i.test(field)) return Date.UTC(a, 0, 7 * b + c);
  if (/Q/i.test(field)) return Date.UTC(Math.max(a, b), 3 * Math.min(a, b));
  const isDayFirst = /^\d+\./.test(field) || a > 12;
  const [year, month, day] = a > 31 ? [a, b, c] : isDayFirst ? [c, b, a] : [c, a, b];
  return Date.UTC(year, month - 1, day, ...clock.slice(0, 3));
}

/** Return how far the numbers of a column lie apart. @param {Table} table @param {string} name */
export function findSpan(table, name) {
  const j = table.columns.findIndex((column) => column.name === name);
  let [low, high] = [Infinity, -Infinity];
  for (const row of readRows(table)) {
    const value = parseNumber(row[j] ?? "");
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return high - low;
}

/** Return the columns that a table still has to offer as inputs. @param {Table} table @param {Columns} columns */
export function listInputs({ columns: all }, { time, target, sequence }) {
  return all
    .filter(
      ({ name, kind }) => name && (kind === "number" || kind === "index") && ![time, target, sequence].includes(name),
    )
    .map(({ name }) => name);
}

/**
 * Give a part to another column, which loses the part that it had.
 * @param {Columns} columns
 * @param {"time" | "target" | "sequence"} part
 * @param {string} name
 */
export function assignColumn(columns, part, name) {
  const isGuessed = columns.isGuessed && part !== "sequence";
  const changed = { ...columns, isGuessed, inputs: columns.inputs.filter((each) => each !== name) };
  for (const other of /** @type {const} */ (["time", "target", "sequence"])) {
    if (changed[other] === name) changed[other] = "";
  }
  // What was the target becomes an input, so that two columns change places.
  if (part === "target" && columns.inputs.includes(name)) changed.inputs.push(columns.target);
  changed[part] = name;
  return changed;
}
