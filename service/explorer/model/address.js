// The state as the fragment of an address. Only known keys with valid values are read, because the
// page also writes them into code that people copy.
// @ts-check
import { formatExact } from "../lib/format.js";
import { isView } from "../lib/scales.js";
import { LIMITS, describeLimits, isWithin } from "./limits.js";
import { ACTIVATIONS, CLIPS, DEFAULTS } from "./state.js";
/** @import { State } from "./state.js" */

/** @typedef {{pointer: string, detail: string}} Ignored an entry of the address that was not read, and why */

const PARAMETER_PREFIX = "optimizer.";
const NAME = /^[a-z][a-z0-9_]*$/;

/** @param {string} text */
const toNumber = (text) => (text.trim() === "" ? NaN : Number(text));

/** @param {string} text */
const readBoolean = (text) => (text === "true" ? true : text === "false" ? false : undefined);

/** @param {readonly string[]} names */
const oneOf = (names) => ({
  read: (/** @type {string} */ text) => (names.includes(text) ? text : undefined),
  expected: `one of ${names.filter(Boolean).join(", ")}`,
});

/** @param {RegExp} pattern @param {string} expected */
const matching = (pattern, expected) => ({
  read: (/** @type {string} */ text) => (pattern.test(text) ? text : undefined),
  expected,
});

/**
 * How to read a key: a function that returns undefined for an invalid value, and what is expected.
 * @type {Record<string, {read: (text: string) => any, expected: string}>}
 */
const READERS = {
  activation: oneOf(ACTIVATIONS),
  clip: oneOf(CLIPS),
  bits: matching(/^[01]{1,60}$/, "1 to 60 digits 0 or 1"),
  optimizer: matching(NAME, "the name of an optimizer"),
  view: {
    read: (text) => [text.split(",").map(toNumber)].find(isView),
    expected: "low and high of both weights, within ±10⁹ and at least 10⁻⁹ apart",
  },
  dataset: matching(/^ds_[0-9a-f]{32}$/, "the id of a dataset"),
  runs: {
    read: (text) => [text.split(",")].find((ids) => ids.every((id) => /^run_[0-9a-f]{32}$/.test(id))),
    expected: "ids of training runs",
  },
};

/** Return how to read a key of the state. @param {string} key */
function findReader(key) {
  if (READERS[key]) return READERS[key];
  const limits = LIMITS[key];
  if (limits) {
    const read = (/** @type {string} */ text) => [toNumber(text)].find((value) => isWithin(value, limits));
    return { read, expected: describeLimits(limits) };
  }
  if (typeof DEFAULTS[/** @type {keyof State} */ (key)] === "boolean") {
    return { read: readBoolean, expected: "true or false" };
  }
  return matching(/^[\w-]{0,64}$/, "a name");
}

/** Return what differs from the defaults, as the fragment of an address. @param {State} state */
export function toHash(state) {
  const fragment = new URLSearchParams();
  for (const [key, value] of Object.entries(state)) {
    if (key === "parameters") {
      for (const [name, each] of Object.entries(state.parameters)) fragment.set(PARAMETER_PREFIX + name, String(each));
    } else if (String(value) !== String(DEFAULTS[/** @type {keyof State} */ (key)])) {
      fragment.set(key, typeof value === "number" ? formatExact(value) : String(value ?? ""));
    }
  }
  return fragment.toString().replace(/%2C/g, ",");
}

/**
 * Read the fragment of an address. An entry that is not valid keeps its default and is reported.
 * @param {string} hash @returns {{state: State, ignored: Ignored[]}}
 */
export function readHash(hash) {
  /** @type {any} */ const state = { ...DEFAULTS, parameters: {} };
  const ignored = /** @type {Ignored[]} */ ([]);
  for (const [name, text] of new URLSearchParams(hash.replace(/^#/, ""))) {
    const key = name === "frame" ? "iteration" : name; // as in addresses of version 0.1
    const parameter = key.startsWith(PARAMETER_PREFIX) ? key.slice(PARAMETER_PREFIX.length) : "";
    if (parameter) {
      const value = readBoolean(text) ?? toNumber(text);
      if (NAME.test(parameter) && (typeof value === "boolean" || Number.isFinite(value))) state.parameters[parameter] = value;
      else ignored.push({ pointer: key, detail: "not a parameter of an optimizer" });
    } else if (!Object.hasOwn(DEFAULTS, key) || key === "parameters") {
      ignored.push({ pointer: key, detail: "not a setting of this page" });
    } else {
      const { read, expected } = findReader(key);
      const value = read(text);
      if (value === undefined) ignored.push({ pointer: key, detail: `must be ${expected}` });
      else state[key] = value;
    }
  }
  return { state, ignored };
}
