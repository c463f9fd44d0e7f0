// Plans: the inputs of future steps, as the page fills, changes and reads them.
import { parseNumber } from "../lib/format.js";
import { Problem } from "../model/api.js";
import { fetchFields, readNumber } from "./service.js";

/**
 * Fetch the inputs of a series: one list of rows per sequence.
 * @param {Series} dataset @param {AbortSignal} signal @returns {Promise<number[][][]>}
 */
export async function fetchInputs({ id, inputs }, signal) {
  const [, ...lines] = await fetchFields(`v1/datasets/${id}.csv`, signal);
  const n_last = inputs.length + 1; // with the target; a sequence, whose name may contain a separator, is the first
  /** @type {number[][][]} */ const sequences = [];
  let last = null;
  for (const fields of lines) {
    const sequence = fields.slice(0, -n_last - 1).join();
    if (sequence !== last) sequences.push([]);
    last = sequence;
    sequences[sequences.length - 1].push(fields.slice(-n_last, -1).map(readNumber));
  }
  return sequences;
}

/**
 * Return the inputs of the steps after a sequence. The last step of own numbers is repeated if there are too few.
 * @param {Plan} plan @param {number[][]} past the inputs of the sequence @param {number} n_steps
 * @param {number} period after which the past is repeated
 */
export function fillPlan({ fill, rows }, past, n_steps, period) {
  const last = past[past.length - 1];
  const average = last.map((_, j) => past.reduce((sum, row) => sum + row[j] / past.length, 0));
  const size = Math.min(period, past.length);
  const choose = (/** @type {number} */ k) => {
    if (fill === "own") return rows[Math.min(k, rows.length - 1)];
    if (fill === "repeated") return past[past.length - size + (k % size)];
    if (fill === "zero") return last.map(() => 0);
    return fill === "average" ? average : last;
  };
  return Array.from({ length: n_steps }, (_, k) => choose(k));
}

/** Return the text of a plan, as in a spreadsheet. @param {string[]} names @param {number[][]} rows */
export const writePlan = (names, rows) => [names, ...rows].map((row) => row.join("\t")).join("\n");

/**
 * Read a plan, with or without a header, which may name further columns. It throws a Problem.
 * @param {string} text @param {string[]} names of the inputs
 */
export function readPlan(text, names) {
  const mark = ["\t", ";"].find((each) => text.includes(each)) ?? (names.length > 1 ? /[,\s]+/ : "\n");
  const table = text
    .split(/\r?\n/)
    .filter((line) => line.trim())
    .map((line) => line.split(mark).map((field) => field.trim()));
  const header = table[0]?.every((field) => Number.isNaN(parseNumber(field))) ? table.shift() : null;
  const columns = names.map((name, j) => (header?.includes(name) ? header.indexOf(name) : j));
  if (!table.length) throw new Problem("There are no rows", "Enter a row with one number per input for every step.");
  return table.map((fields, i) =>
    columns.map((column, j) => {
      const value = parseNumber(fields[column] ?? "");
      if (Number.isFinite(value)) return value;
      throw new Problem(`Row ${i + 1} has no number for ${names[j]}`, "Each row has one number per input.");
    }),
  );
}
