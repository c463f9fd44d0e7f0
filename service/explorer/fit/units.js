// Times with their units, and texts with symbols.
import { formatNumber } from "../lib/format.js";

/** Names of units of time, and how many of the unit before each has. */
const TIMES = [
  { names: /^(s|secs?|seconds?)$/i, unit: "second", size: 1 },
  { names: /^(min|mins|minutes?)$/i, unit: "minute", size: 60 },
  { names: /^(h|hrs?|hours?)$/i, unit: "hour", size: 60 },
  { names: /^(d|days?)$/i, unit: "day", size: 24 },
  { names: /^(years?)$/i, unit: "year", size: 365.25 },
];

const format = (/** @type {number | null} */ value) => formatNumber(value, 3);

/** Return the name of a unit. A column that is named time has none. @param {string} unit */
export const nameUnit = (unit) => (/^(time|t)$/i.test(unit) ? "unit of time" : unit);

/** @param {string} unit */
export function pluralize(unit) {
  const name = nameUnit(unit);
  if (name !== unit) return "units of time";
  return unit.length < 3 || /^(min|sec|hrs?)$|s$/i.test(unit) ? unit : `${unit}s`;
}

/**
 * Return the unit in which a time has a handy number, and its length in the given unit.
 * @param {number | null} value
 * @param {string} unit
 */
export function chooseUnit(value, unit) {
  let i = TIMES.findIndex(({ names }) => names.test(unit));
  let length = 1;
  const size = Math.abs(value ?? 0);
  while (i >= 0 && i + 1 < TIMES.length && size >= 2 * length * TIMES[i + 1].size) length *= TIMES[++i].size;
  while (i > 0 && size && size < 0.5 * length) length /= TIMES[i--].size;
  return { length, unit: length === 1 ? unit : TIMES[i].unit };
}

/** @param {number | null} value @param {string} unit */
const attach = (value, unit) => `${format(value)} ${format(value) === "1" ? nameUnit(unit) : pluralize(unit)}`;

/** Return a time in a handy unit. @param {number | null} value @param {string} unit */
export function withUnit(value, unit) {
  const handy = chooseUnit(value, unit);
  return attach(value === null ? null : value / handy.length, handy.unit);
}

/** Return the time constant of a w_rec. @param {number} w_rec @param {number} length of a step */
export function toTime(w_rec, length) {
  if (w_rec <= 0) return 0;
  return w_rec >= 1 ? Infinity : -length / Math.log(w_rec);
}
