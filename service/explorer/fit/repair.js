// What may make a table readable that the service refuses: each repair is a button below the error.
import { count } from "../lib/format.js";
import { MISSING, NUMBER, findMarks, otherMark, readRows } from "../model/table.js";

const FILLED = { hold: "filled with the last value", zero: "filled with 0", drop: "left out" };
const SLASHED = /^(\d{1,2})([/-])(\d{1,2})\2(\d{4})/; // a date whose first number may be the day or the month

/**
 * @typedef {{action: string, text?: string, columns?: Partial<Columns>}} Repair a button with another text of the
 *   table, or other columns
 */

/** @param {string} field @param {string} separator */
export const quote = (field, separator) => (field.includes(separator) ? `"${field}"` : field);

/** @param {Table} table @param {string[][]} rows @param {string[]} [names] */
function write({ columns, separator }, rows, names = columns.map(({ name }) => name)) {
  return [names, ...rows].map((row) => row.map((field) => quote(field, separator)).join(separator)).join("\n");
}

/** Return the repairs that suit a table. @param {Question} question @returns {Repair[]} */
export function listRepairs({ table, columns }) {
  const rows = readRows(table);
  const places = (/** @type {string[]} */ names) =>
    table.columns.flatMap(({ name }, j) => (names.includes(name) ? [j] : []));
  const [inputs, [target]] = [places(columns.inputs), places([columns.target])];
  const [time = -1] = places([columns.time]);
  // These lines are no rows, so nothing else is said about them.
  const repairs = [...skipUnits(table, rows, [...inputs, target]), ...dropEmptyEnd(table, rows)];
  if (repairs.length) return repairs.slice(0, 1);
  return [
    ...chooseMarks(table, rows).filter(({ columns: marks }) => marks?.decimal !== columns.decimal),
    ...orderDates(table, rows, time < 0 ? table.columns.findIndex((_, j) => SLASHED.test(rows[0]?.[j] ?? "")) : time),
    ...markGaps(table, rows, target),
    ...(columns.fill ? [] : fillGaps(rows, inputs, places([columns.sequence])[0])),
  ];
}

/** @param {Table} table @param {string[][]} rows */
function dropEmptyEnd(table, rows) {
  const end = rows.reduce((last, row, i) => (row.some(Boolean) ? i + 1 : last), 0);
  const n = rows.length - end;
  const lines = n === 1 ? "empty line" : `${n} empty lines`;
  return n ? [{ action: `Leave out the ${lines} at the end`, text: write(table, rows.slice(0, end)) }] : [];
}

/**
 * Skip a line of units below the header, and append the units to the names.
 * @param {Table} table
 * @param {string[][]} rows
 * @param {number[]} numeric
 */
function skipUnits(table, [units = [], ...rows], numeric) {
  const isUnit = (/** @type {number} */ j) => !NUMBER.test(units[j] ?? "") && NUMBER.test(rows[0]?.[j] ?? "0");
  if (!rows.length || !numeric.every(isUnit) || !numeric.some((j) => units[j])) return [];
  const bare = units.map((unit) => unit.replace(/^[[(](.*)[\])]$/, "$1"));
  const names = table.columns.map(({ name }, j) => (numeric.includes(j) && bare[j] ? `${name} (${bare[j]})` : name));
  return [{ action: `Skip the line of units (${bare.filter(Boolean).join(", ")})`, text: write(table, rows, names) }];
}

/** Read grouped numbers, or request the decimal mark. @param {Table} table @param {string[][]} rows */
function chooseMarks(table, rows) {
  const { decimal, hasThousands, unclear: inAll } = findMarks(table);
  const read = (/** @type {string} */ field, /** @type {string} */ mark) =>
    field.replaceAll(otherMark(mark), "").replace(mark, ".");
  const isMixed = (/** @type {string} */ field) =>
    NUMBER.test(field) && field.includes(otherMark(decimal)) && field.includes(decimal);
  const example =
    rows.flat().find(isMixed) ?? rows.flat().find((field) => NUMBER.test(field) && field.includes(otherMark(decimal)));
  if (hasThousands && example) {
    return [{ action: `Read ${example} as ${read(example, decimal)}`, columns: { decimal } }];
  }
  // The service asks about every column in which no number decides.
  const unclear = inAll || table.columns.map((_, j) => findMarks(table, j).unclear).find(Boolean);
  if (!unclear) return [];
  return [".", ","].map((mark) => ({
    action: `${unclear} is ${Number(read(unclear, mark))}`,
    columns: { decimal: mark },
  }));
}

/** Read dates with slashes. @param {Table} table @param {string[][]} rows @param {number} time */
function orderDates(table, rows, time) {
  const dates = rows.map((row) => SLASHED.exec(row[time] ?? ""));
  const [first] = dates;
  if (!first) return [];
  const exceeds = (/** @type {number} */ k) => dates.some((date) => Number(date?.[k]) > 12);
  const orders = [
    { name: "month/day", month: 1, day: 3, isPossible: !exceeds(1) },
    { name: "day/month", month: 3, day: 1, isPossible: !exceeds(3) },
  ];
  return orders
    .filter(({ isPossible }) => isPossible)
    .map(({ name, month, day }) => {
      const rewrite = (/** @type {string} */ field, /** @type {RegExpExecArray | null} */ date) =>
        date
          ? `${date[4]}-${date[month].padStart(2, "0")}-${date[day].padStart(2, "0")}${field.slice(date[0].length)}`
          : field;
      const text = write(
        table,
        rows.map((row, i) => row.map((field, j) => (j === time ? rewrite(field, dates[i]) : field))),
      );
      return { action: `Read ${first[0]} as ${name}`, text };
    });
}

/** Read words such as NA as missing targets. @param {Table} table @param {string[][]} rows @param {number} target */
function markGaps(table, rows, target) {
  const word = rows.map((row) => row[target]).find((field) => field && MISSING.test(field));
  if (!word) return [];
  const clear = (/** @type {string} */ field, /** @type {number} */ j) =>
    j === target && MISSING.test(field) ? "" : field;
  return [
    {
      action: `Read ${word} as a missing target`,
      text: write(
        table,
        rows.map((row) => row.map(clear)),
      ),
    },
  ];
}

/**
 * Fill gaps of the inputs, or leave out the rows that have some.
 * @param {string[][]} rows @param {number[]} inputs @param {number | undefined} sequence @returns {Repair[]}
 */
function fillGaps(rows, inputs, sequence) {
  const n = rows.filter((row) => hasGap(row, inputs)).length;
  if (!n || n === rows.length) return [];
  const known = new Set();
  const canHold = rows.every((row) =>
    inputs.every((j) => {
      const key = `${sequence === undefined ? "" : row[sequence]}\t${j}`;
      if (!MISSING.test(row[j] ?? "")) known.add(key);
      return known.has(key);
    }),
  );
  const gaps = n === 1 ? "the gap in an input" : `the gaps in ${n} rows`;
  return [
    ...(canHold
      ? [{ action: `Fill ${gaps} with the last value`, columns: { fill: /** @type {const} */ ("hold") } }]
      : []),
    { action: `Fill ${gaps} with 0`, columns: { fill: "zero" } },
    { action: `Leave out ${count(n, "row")} without an input`, columns: { fill: "drop" } },
  ];
}

/** @param {string[]} row @param {number[]} inputs */
const hasGap = (row, inputs) => inputs.some((j) => MISSING.test(row[j] ?? ""));

/** Return what was repaired of a table when it was read. @param {Question} question */
export function describeRepairs({ table, columns }) {
  const { fill, gaps, inputs } = columns;
  const places = table.columns.flatMap(({ name }, j) => (inputs.includes(name) ? [j] : []));
  const n = fill ? readRows(table).filter((row) => hasGap(row, places)).length : 0;
  return [
    ...(fill && n ? [`${count(n, "row")} ${FILLED[fill]}`] : []),
    ...(gaps ? ["a new sequence after each gap"] : []),
  ];
}
