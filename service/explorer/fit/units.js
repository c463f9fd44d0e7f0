// Times, other numbers with few digits, and ranges, with their units.
import { html } from "../lib/dom.js";
import { formatNumber } from "../lib/format.js";

/** @typedef {{low: number | null, high: number | null, low_open?: boolean, high_open?: boolean}} Range an end that is null or open has no limit */

export const format = (/** @type {number | null} */ value) => formatNumber(value, 3);

/** Return the name of a unit. A column that is named time has none. @param {string} unit */
export const nameUnit = (unit) => (/^(time|t)$/i.test(unit) ? "unit of time" : unit);

/** @param {string} unit */
export function pluralize(unit) {
  const name = nameUnit(unit);
  if (name !== unit) return "units of time";
  return unit.length < 3 || /^(min|sec|hrs?)$|s$/i.test(unit) ? unit : `${unit}s`;
}

/** @param {number | null} value @param {string} unit */
export const withUnit = (value, unit) => `${format(value)} ${format(value) === "1" ? nameUnit(unit) : pluralize(unit)}`;

/** @param {number} n @param {string} noun in the singular */
export const count = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;

/** Return ranges as words. @param {Range[]} ranges @param {string} [unit] of a time */
export function describeRanges(ranges, unit) {
  const name = (/** @type {number} */ value) => (unit ? withUnit(value, unit) : format(value));
  const texts = ranges.map(({ low, high, low_open, high_open }) => {
    const hasLow = low !== null && !low_open;
    const hasHigh = high !== null && !high_open;
    if (hasLow && hasHigh) return `${format(low)} to ${name(high)}`;
    if (hasHigh) return `at most ${name(high)}`;
    return hasLow ? `at least ${name(low)}` : "anything";
  });
  return texts.join(", or ");
}

/** Return a text as nodes, in which w_rec is set as a symbol. @param {string} text @returns {(Node | string)[]} */
export function typeset(text) {
  const [first, ...rest] = text.split("w_rec");
  return [first, ...rest.flatMap((part) => [html("var", {}, "w"), html("sub", {}, "rec"), part])];
}

/** Return the time constant of a w_rec. @param {number} w_rec @param {number} length of a step */
export function toTime(w_rec, length) {
  if (w_rec <= 0) return 0;
  return w_rec >= 1 ? Infinity : -length / Math.log(w_rec);
}
