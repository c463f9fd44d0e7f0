// The state of the page: one object, listeners by key, and its spelling in the address.
// @ts-check
import { plain } from "../lib/format.js";

/**
 * @typedef {object} State
 * @property {number} w_in the point
 * @property {number} w_rec
 * @property {number[]} view low and high of w_in, then of w_rec
 * @property {string} bits the sequence to predict
 * @property {number} n_samples
 * @property {number} n_steps
 * @property {number} seed
 * @property {number} noise
 * @property {string} activation
 * @property {number} initial_state
 * @property {string} optimizer
 * @property {Record<string, number | boolean>} parameters of the optimizer, where not its defaults
 * @property {number} n_iterations
 * @property {number | null} target_cost
 * @property {string} clip "", "norm" or "value"
 * @property {number} threshold
 * @property {string[]} runs ids
 * @property {number} frame the iteration shown
 * @property {number} speed iterations a second
 * @property {boolean} valley
 * @property {string} example
 */

/** @type {Readonly<State>} */
export const DEFAULTS = Object.freeze({
  w_in: -1.5,
  w_rec: 2,
  view: [-3, 3, -3, 3],
  bits: "011000010011",
  n_samples: 20,
  n_steps: 10,
  seed: 1,
  noise: 0,
  activation: "identity",
  initial_state: 0,
  optimizer: "rprop",
  parameters: {},
  n_iterations: 500,
  target_cost: null,
  clip: "",
  threshold: 1,
  runs: [],
  frame: 0,
  speed: 60,
  valley: false,
  example: "",
});

const PARAMETER = "optimizer.";

/** @param {State} state what differs from the defaults, as the part of an address after # */
export function toHash(state) {
  const written = new URLSearchParams();
  for (const [key, value] of Object.entries(state)) {
    if (key === "parameters") {
      for (const [name, each] of Object.entries(state.parameters)) written.set(PARAMETER + name, String(each));
    } else if (String(value) !== String(DEFAULTS[/** @type {keyof State} */ (key)])) {
      written.set(key, typeof value === "number" ? plain(value) : String(value ?? ""));
    }
  }
  return written.toString().replace(/%2C/g, ",");
}

/**
 * The state that an address spells; what it spells wrongly keeps its default.
 * @param {string} hash @returns {State}
 */
export function fromHash(hash) {
  /** @type {any} */ const state = { ...DEFAULTS, parameters: {} };
  for (const [key, text] of new URLSearchParams(hash.replace(/^#/, ""))) {
    const number = text.trim() === "" ? NaN : Number(text);
    if (key.startsWith(PARAMETER)) {
      const value = text === "true" || (text === "false" ? false : number);
      if (!Number.isNaN(value)) state.parameters[key.slice(PARAMETER.length)] = value;
    } else if (key === "view") {
      const view = text.split(",").map(Number);
      if (isView(view)) state.view = view;
    } else if (key === "runs") {
      state.runs = text.split(",").filter((id) => /^run_[0-9a-f]{32}$/.test(id));
    } else if (key === "valley") {
      state.valley = text === "true";
    } else if (key === "target_cost" || typeof DEFAULTS[/** @type {keyof State} */ (key)] === "number") {
      if (Number.isFinite(number)) state[key] = number;
    } else if (key in DEFAULTS) {
      state[key] = text;
    }
  }
  return state;
}

/** @param {number[]} view */
function isView(view) {
  return view.length === 4 && view.every(Number.isFinite) && view[0] < view[1] && view[2] < view[3];
}

/** Holds the state; listeners hear once a frame, however often it was changed. */
export class Store {
  /** @param {State} state */
  constructor(state) {
    this.state = state;
    /** @type {Set<string>} */ this.changed = new Set();
    /** @type {{keys: Set<string>, use: (state: State) => void}[]} */ this.listeners = [];
    this.waiting = false;
  }

  /** @param {Partial<State>} change */
  set(change) {
    for (const [key, value] of Object.entries(change)) {
      if (this.state[/** @type {keyof State} */ (key)] !== value) this.changed.add(key);
    }
    Object.assign(this.state, change);
    if (this.changed.size && !this.waiting) {
      this.waiting = true;
      requestAnimationFrame(() => this.tell());
    }
  }

  /**
   * Call `use` now, and after every frame in which one of the keys was set.
   * @param {(keyof State)[]} keys @param {(state: State) => void} use
   */
  watch(keys, use) {
    this.listeners.push({ keys: new Set(keys), use });
    use(this.state);
  }

  tell() {
    this.waiting = false;
    const changed = this.changed;
    this.changed = new Set();
    for (const { keys, use } of this.listeners) {
      if ([...changed].some((key) => keys.has(key))) use(this.state);
    }
  }
}
