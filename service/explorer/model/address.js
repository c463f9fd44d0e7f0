// The state as the fragment of an address. Only known keys with valid values are read.
import { formatExact, parseNumber } from "../lib/format.js";
import { isView } from "../lib/scales.js";
import { LIMITS, readWithin } from "./limits.js";
import { ACTIVATIONS, CLIPS, DEFAULTS, MAX_RUNS, MAX_STEPS, TASKS } from "./state.js";

const PARAMETER_PREFIX = "optimizer.";
/**
 * Keys that an address may have several times.
 * @type {Record<string, {list: "runs" | "steps", limit: number, noun: string, isValid: (text: string) => boolean}>}
 */
const LISTS = {
  run: { list: "runs", limit: MAX_RUNS, noun: "training runs", isValid: (text) => fromRunText(text) !== undefined },
  step: { list: "steps", limit: MAX_STEPS, noun: "steps", isValid: () => true },
};
const NAME = /^[a-z][a-z0-9_]*$/;

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

/** @type {Record<string, Reader>} */
const READERS = {
  task: oneOf(Object.keys(TASKS)),
  activation: oneOf(ACTIVATIONS),
  clip: oneOf(CLIPS),
  bits: matching(/^[01]{1,60}$/, "1 to 60 digits 0 or 1"),
  optimizer: matching(NAME, "the name of an optimizer"),
  view: {
    read: (text) => [text.split(",").map(parseNumber)].find(isView),
    expected: "low and high of both weights, within ±10⁹ and at least 10⁻⁹ apart",
  },
  dataset: matching(/^ds_[0-9a-f]{32}$/, "the id of a dataset"),
};

/** Return how to read a key of the state. @param {string} key @returns {Reader} */
export function findReader(key) {
  if (READERS[key]) return READERS[key];
  const initial = DEFAULTS[/** @type {keyof State} */ (key)];
  const limits = LIMITS[key];
  if (limits) {
    const { read, expected } = readWithin(limits);
    if (initial !== null) return { read, expected };
    return { read: (text) => (text === "" ? null : read(text)), expected: `${expected}, or empty` };
  }
  if (typeof initial === "boolean") return { read: readBoolean, expected: "true or false" };
  return key === "step_figure"
    ? matching(/^[a-z]{1,20}$/, "the name of a figure")
    : matching(/^[^\0]{0,800}$/, "at most 800 characters");
}

/** Return what differs from the defaults, as the fragment of an address. @param {Partial<State>} state */
export function toHash(state) {
  const fragment = new URLSearchParams();
  for (const [key, value] of Object.entries(state)) {
    if (key === "parameters") {
      for (const [name, each] of Object.entries(state.parameters ?? {})) {
        fragment.set(PARAMETER_PREFIX + name, String(each));
      }
    } else if (Array.isArray(value) && key !== "view") {
      for (const text of value) fragment.append(key.slice(0, -1), String(text));
    } else if (String(value) !== String(DEFAULTS[/** @type {keyof State} */ (key)])) {
      fragment.set(key, typeof value === "number" ? formatExact(value) : String(value ?? ""));
    }
  }
  return fragment.toString().replace(/%(2C|3A|3B)/g, decodeURIComponent);
}

/**
 * Return the request of a run as text: what differs from the defaults, except for data and network.
 * With it, a link to a race works on every server.
 * @param {any} request as the service returns it
 * @param {Parameter[]} described those of its optimizer
 */
export function toRunText({ initial_weights, optimizer, n_iterations, target_cost, clip }, described) {
  const { name, ...all } = optimizer;
  const isDefault = (/** @type {[string, unknown]} */ [key, value]) =>
    described.some((each) => each.name === key && each.default === value);
  const parameters = Object.fromEntries(Object.entries(all).filter((entry) => !isDefault(entry)));
  const threshold = clip?.threshold ?? DEFAULTS.threshold;
  const text = toHash({ ...initial_weights, parameters, n_iterations, target_cost, clip: clip?.by ?? "", threshold });
  return `optimizer=${name}${text && "&"}${text}`.replaceAll("=", ":").replaceAll("&", ";");
}

/**
 * Return the part of the state that the text of a run describes, or undefined if it is not valid.
 * @param {string} text
 */
export function fromRunText(text) {
  const { state, ignored } = readHash(text.replaceAll(":", "=").replaceAll(";", "&"), true);
  const { w_in, w_rec, optimizer, parameters, n_iterations, target_cost, clip, threshold } = state;
  return ignored.length
    ? undefined
    : { w_in, w_rec, optimizer, parameters, n_iterations, target_cost, clip, threshold };
}

/**
 * Read the fragment of an address. An entry that is not valid keeps its default and is reported.
 * @param {string} hash @returns {{state: State, ignored: Ignored[]}}
 */
export function readHash(hash, inRun = false) {
  /** @type {any} */ const state = { ...DEFAULTS, parameters: {} };
  const ignored = /** @type {Ignored[]} */ ([]);
  for (const [key, text] of new URLSearchParams(hash.replace(/^#/, ""))) {
    const parameter = key.startsWith(PARAMETER_PREFIX) ? key.slice(PARAMETER_PREFIX.length) : "";
    const entries = Object.hasOwn(LISTS, key) ? LISTS[key] : null;
    if (entries) {
      const { list, limit, noun, isValid } = entries;
      if (!inRun && state[list].length < limit && isValid(text)) state[list] = [...state[list], text];
      else ignored.push({ pointer: key, detail: `must be up to ${limit} ${noun}` });
    } else if (parameter) {
      const value = readBoolean(text) ?? parseNumber(text);
      if (NAME.test(parameter) && (typeof value === "boolean" || Number.isFinite(value))) {
        state.parameters[parameter] = value;
      } else ignored.push({ pointer: key, detail: "not a parameter of an optimizer" });
    } else if (!Object.hasOwn(DEFAULTS, key) || key === "parameters" || key === "runs" || key === "steps") {
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
