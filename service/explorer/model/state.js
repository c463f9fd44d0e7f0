// The state of the page: one object, and listeners for its keys.
import { byId } from "../lib/dom.js";
import { FULL_VIEW } from "../lib/scales.js";

const generated = Array.from(byId("task").querySelectorAll("[data-fields]"));
/**
 * The kinds of generated data, with the names of their fields: those of the service, which writes them into the page.
 */
export const TASKS = Object.fromEntries(generated.map(({ value, dataset }) => [value, dataset.fields.split(" ")]));
/** Those of the service, too. @type {string[]} */
export const ACTIVATIONS = Array.from(byId("activation").options, ({ value }) => value);
export const CLIPS = ["", "norm", "value"];
export const MAX_RUNS = 8;
export const MAX_STEPS = 30;
export const OWN_STEP = /** @type {const} */ ([
  "step_title",
  "step_text",
  "step_question",
  "step_hint",
  "step_answer",
  "step_figure",
]);

/** The state of a page whose address says nothing else. */
export const DEFAULTS = {
  // the point, where training starts
  w_in: -1.5,
  w_rec: 2,
  view: FULL_VIEW,
  bits: "011000010011", // the input of the prediction, for generated data
  sequence: 1, // the number of the sequence that is predicted, for other data
  task: "count_ones",
  dataset: "", // the id of the user's data, if the page shows them
  n_samples: 20,
  n_steps: 10,
  seed: 1,
  noise: 0,
  activation: "identity",
  initial_state: 0,
  optimizer: "rprop",
  /** without its defaults @type {Record<string, number | boolean>} */ parameters: {},
  n_iterations: 500,
  /** @type {number | null} */ target_cost: null,
  clip: "",
  threshold: 1,
  /** the request of each run, as text @type {string[]} */ runs: [],
  iteration: 0, // which the page shows
  show: 1, // the number of the run that the readouts follow, or 0 for the start
  speed: 60, // iterations per second
  valley: false,
  basins: false,
  unrolled: false,
  lesson: 0, // the number of its step
  essay: false, // whether the lesson is read as a whole
  // a step of the address, instead of the lesson
  step_title: "",
  step_text: "",
  step_question: "",
  step_hint: "",
  step_answer: "",
  step_figure: "cost", // the view that it is about
  /** each the fragment of an address, if the step is one of several @type {string[]} */ steps: [],
  step_number: 0, // of these
};
Object.freeze(DEFAULTS);

/**
 * Holds the state and what follows from it. Listeners of the state run at most once per animation frame, and those of
 * results as soon as these are published.
 */
export class Store {
  /** @param {State} state */
  constructor(state) {
    this.state = state;
    /** @type {Run[]} */ this.runs = [];
    /** @type {Sample | null} */ this.sample = null;
    /** @type {LoadedDataset | null} */ this.dataset = null;
    /** @type {CostSource | null} */ this.costs = null;
    /** @type {Optimum | null} */ this.optimum = null;
    /** @type {Evaluation | null} */ this.evaluation = null;
    /** @type {Prediction | null} */ this.prediction = null;
    /**
     * What the learning rate does from the point.
     * @type {ReturnType<typeof import("./descent.js").forecastDescent>}
     */
    this.forecast = null;
    this.n_read = Infinity; // inputs, after which the network is shown
    this.approximation = ""; // what the surface leaves out
    this.home = FULL_VIEW; // the view that suits the data
    /** @type {Set<string>} */ this.changed = new Set();
    /** @type {{keys: string[], listener: (state: State) => void}[]} */ this.listeners = [];
    this.scheduled = false;
  }

  /** @param {Partial<State>} change */
  set(change) {
    for (const [key, value] of Object.entries(change)) {
      if (this.state[/** @type {keyof State} */ (key)] !== value) this.changed.add(key);
    }
    Object.assign(this.state, change);
    if (this.changed.size && !this.scheduled) {
      this.scheduled = true;
      requestAnimationFrame(() => this.notify());
    }
  }

  /**
   * Call a listener now, and again after each animation frame in which one of the keys changed.
   * @param {(keyof State | keyof Store)[]} keys of the state, or names of results
   * @param {(state: State) => void} listener
   */
  watch(keys, listener) {
    this.listeners.push({ keys, listener });
    listener(this.state);
  }

  /** Adopt results, and call their listeners. @param {Partial<Store>} results */
  publish(results) {
    Object.assign(this, results);
    this.call(new Set(Object.keys(results)));
  }

  notify() {
    this.scheduled = false;
    const changed = this.changed;
    this.changed = new Set();
    this.call(changed);
  }

  /** @param {Set<string>} changed */
  call(changed) {
    for (const { keys, listener } of this.listeners) {
      if (keys.some((key) => changed.has(key))) listener(this.state);
    }
  }
}
