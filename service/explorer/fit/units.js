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

/** @param {string} names */
const match = (names) => new RegExp(`^(${names.replaceAll(", ", "|")})$`, "i");

/** Names of units with a plural, and those without one, as in steps.py. */
const WORDS = match(
  "second, minute, hour, day, week, month, quarter, year, business day, weekday, workday, working day, trading day, " +
    "step, sample, frame, trial, cycle, generation, period, nanosecond, microsecond, millisecond, fortnight, decade",
);
const OTHERS = match(
  "(s, sec, min, mn, h, hr, stunde, heure, d, tag, jour, w, wk, woche, semaine, mo, mon, mth, monat, mois, q, qtr, " +
    "quartal, y, yr, a, jahr, an, année)s?\\.?",
);

/** Return the unit of a column such as "time (min)". @param {string} name */
const findBracketed = (name) => /^.*\S\s*[[(]([^[\]()]{1,12})[\])]$/.exec(name)?.[1] ?? name;

/** Return the name of a unit. Other columns, as "age", are counted in units. @param {string} name */
export function nameUnit(name, units = "unit") {
  const unit = findBracketed(name);
  const isKnown = WORDS.test(unit.replace(/s$/i, "")) || OTHERS.test(unit);
  return isKnown ? unit : `${units} of ${/^(time|t)$/i.test(unit) ? "time" : unit}`;
}

/** @param {string} name */
export const pluralize = (name) => nameUnit(name, "units") + (WORDS.test(findBracketed(name)) ? "s" : "");

/**
 * Return the unit in which a time has a handy number, and its length in the given unit.
 * @param {number | null} value
 * @param {string} unit
 */
export function chooseUnit(value, unit) {
  let i = TIMES.findIndex(({ names }) => names.test(findBracketed(unit)));
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
