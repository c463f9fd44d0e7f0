// Times and other numbers with few digits and their units.
import { formatNumber } from "../lib/format.js";

export const format = (/** @type {number | null} */ value) => formatNumber(value, 3);

/** Return the name of a unit. A column that is named time has none. @param {string} unit */
export const nameUnit = (unit) => (/^(time|t)$/i.test(unit) ? "unit of time" : unit);

/** @param {string} unit */
export function pluralize(unit) {
  const name = nameUnit(unit);
  if (name !== unit) return "units of time";
  return unit.length < 4 || unit.endsWith("s") ? unit : `${unit}s`;
}

/** @param {number | null} value @param {string} unit */
export const withUnit = (value, unit) => `${format(value)} ${format(value) === "1" ? nameUnit(unit) : pluralize(unit)}`;

/** Return the time constant of a w_rec. @param {number} w_rec @param {number} length of a step */
export function toTime(w_rec, length) {
  if (w_rec <= 0) return 0;
  return w_rec >= 1 ? Infinity : -length / Math.log(w_rec);
}
