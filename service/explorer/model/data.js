// What the point and the surface show: computed here without an activation, else by the service.
// @ts-check
import { get, latest, post, text } from "./api.js";
import { debounced, showProblem } from "../lib/dom.js";
import { exactSource, gridSource } from "../views/heatmap.js";
import { evaluate, states } from "./network.js";

/**
 * @typedef {import("./state.js").State} State
 * @typedef {import("./network.js").Evaluation & {log10_cost?: number | null}} Evaluation
 */

const RESOLUTION = 140;
const MAX_CELLS = 200_000;

/** @param {State} state */
export const datasetOf = ({ n_samples, n_steps, seed, noise }) => ({
  kind: "count_ones",
  n_samples,
  n_steps,
  seed,
  noise,
});
/** @param {State} state */
export const networkOf = ({ activation, initial_state }) => ({ activation, initial_state });
/** @param {State} state */
export const pointOf = ({ w_in, w_rec }) => ({ w_in, w_rec });
/** @param {State} state */
export const windowOf = ({ view }) => ({
  w_in: { low: view[0], high: view[1] },
  w_rec: { low: view[2], high: view[3] },
});
/** @param {State} state */
export const inputsOf = ({ bits }) => [[...bits].map(Number)];

/** @param {string} csv @returns {import("./network.js").Samples} a sequence a row, its target last */
export function parseSamples(csv) {
  const rows = csv.trim().split(/\r?\n/).map((line) => line.split(",").map(Number));
  if (rows[0].some(Number.isNaN)) rows.shift(); // the header
  return {
    inputs: rows.map((row) => Float64Array.from(row.slice(0, -1))),
    targets: rows.map((row) => row[row.length - 1]),
  };
}

/**
 * Keep surface, numbers and prediction at the state.
 * @param {import("./state.js").Store} store
 * @param {{
 *   source: (source: import("../views/heatmap.js").Source | null) => void,
 *   optimum: (weights: {w_in: number, w_rec: number} | null) => void,
 *   evaluation: (evaluation: Evaluation | null) => void,
 *   prediction: (states: (number | null)[] | null) => void,
 * }} show
 */
export function startScene(store, show) {
  const { state } = store;
  /** @type {import("./network.js").Samples | null} */ let samples = null;
  const exact = () => state.activation === "identity";

  const askSamples = latest(
    async (/** @type {State} */ asked, signal) => {
      if (asked.n_samples * asked.n_steps > MAX_CELLS) {
        return null;
      }
      const dataset = await post("v1/datasets", datasetOf(asked), signal);
      return parseSamples(await text(dataset.links.csv, signal));
    },
    (found) => {
      samples = found;
      place();
    },
    (problem) => showProblem("data-problem", problem),
  );

  const askOptimum = latest(
    (/** @type {State} */ asked, signal) =>
      post("v1/optimum", { dataset: datasetOf(asked), network: networkOf(asked) }, signal),
    ({ weights }) => show.optimum(weights.w_in === null || weights.w_rec === null ? null : weights),
    (problem) => problem && show.optimum(null),
  );

  const askGrid = latest(
    (/** @type {State} */ asked, signal) =>
      post(
        "v1/cost-surface",
        {
          dataset: datasetOf(asked),
          network: networkOf(asked),
          windows: [{ ...windowOf(asked), resolution: RESOLUTION }],
          points: [],
        },
        signal,
      ),
    ({ windows }) => show.source(gridSource(windows[0])),
    (problem) => showProblem("surface-problem", problem),
  );

  const askPoint = latest(
    async (/** @type {State} */ asked, signal) => {
      const question = { dataset: datasetOf(asked), network: networkOf(asked) };
      const [{ traces }, { initial }] = await Promise.all([
        post("v1/gradient-trace", { ...question, points: [pointOf(asked)] }, signal),
        post("v1/training-runs", { ...question, initial_weights: pointOf(asked), n_iterations: 0, keep: false }, signal),
      ]);
      return { ...traces[0], cost: initial.cost, log10_cost: initial.log10_cost };
    },
    (evaluation) => show.evaluation(evaluation),
    (problem) => {
      showProblem("point-problem", problem);
      if (problem) show.evaluation(null);
    },
  );

  const askPrediction = latest(
    (/** @type {State} */ asked, signal) =>
      post(
        "v1/predict",
        { model: { kind: "weights", ...pointOf(asked), ...networkOf(asked) }, inputs: inputsOf(asked), return_states: true },
        signal,
      ),
    (answer) => show.prediction(answer.states[0]),
    (problem) => {
      showProblem("predict-problem", problem);
      if (problem) show.prediction(null);
    },
  );

  const asked = () => ({ ...state });
  const grid = debounced(120, () => exact() || askGrid.ask(asked()));

  /** The field, once its data are known or another network is wanted. */
  function place() {
    for (const ask of [askGrid, askPoint, askPrediction]) ask.drop();
    for (const id of ["surface-problem", "point-problem", "predict-problem"]) showProblem(id, null);
    if (exact()) {
      show.source(samples && exactSource(samples, state.initial_state));
      askOptimum.ask(asked());
    } else {
      askOptimum.drop();
      show.optimum(null);
      askGrid.ask(asked());
    }
    look();
    count();
  }

  function look() {
    if (!exact()) askPoint.ask(asked());
    else if (samples) show.evaluation(evaluate(samples, pointOf(state), state.initial_state));
    else show.evaluation(null);
  }

  function count() {
    if (!/^[01]+$/.test(state.bits)) show.prediction(null);
    else if (!exact()) askPrediction.ask(asked());
    else show.prediction([...states(inputsOf(state)[0], pointOf(state), state.initial_state)]);
  }

  const fetchSamples = debounced(150, () => askSamples.ask(asked()));
  askSamples.ask(asked());
  let first = true;
  store.watch(["n_samples", "n_steps", "seed", "noise"], () => {
    if (!first) fetchSamples();
    first = false;
  });
  store.watch(["activation", "initial_state"], () => samples && place());
  store.watch(["view"], () => exact() || grid());
  store.watch(["w_in", "w_rec"], look);
  store.watch(["w_in", "w_rec", "bits"], count);
}

/** The registry of optimizers. @returns {Promise<Optimizer[]>} */
export async function optimizers() {
  return (await get("v1/optimizers")).items;
}

/**
 * @typedef {object} Parameter
 * @property {string} name
 * @property {"number" | "boolean"} type
 * @property {number | boolean} default
 * @property {number | null} minimum
 * @property {number | null} maximum
 * @property {number | null} exclusive_minimum
 * @property {number | null} exclusive_maximum
 * @property {string} description
 *
 * @typedef {object} Optimizer
 * @property {string} name
 * @property {string} title
 * @property {string} formula
 * @property {string} source
 * @property {string} dialect
 * @property {boolean} uses_magnitude
 * @property {Parameter[]} parameters
 */
