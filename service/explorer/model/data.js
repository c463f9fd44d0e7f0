// The dataset and all that follows from it: the cost surface, the optimum, the numbers at the point
// and the prediction. Without an activation they are computed here, otherwise by the service.
// @ts-check
import { debounce, throttle } from "../lib/throttle.js";
import { LatestRequest, Problem, getText, postJson } from "./api.js";
import { makeExactCosts, makeGridCosts } from "./costs.js";
import { computeStates, evaluate } from "./network.js";
import { fetchSummary } from "./own_data.js";
import { toDataset, toModel, toNetwork, toObjective, toWeights, toWindow } from "./requests.js";
import { findSample } from "./samples.js";
import { SHOWN_KEYS, findShown, withShownWeights } from "./shown.js";
/** @import { CostSource } from "./costs.js" */
/** @import { Dataset, Evaluation, Weights } from "./network.js" */
/** @import { Sample } from "./samples.js" */
/** @import { State, Store } from "./state.js" */

/**
 * @typedef {Pick<Evaluation, "gradient" | "log10_magnitude">} Trace
 * @typedef {{states: (number | null)[], trace: Trace}} Prediction the gradient is that of the squared error
 *
 * @typedef {"data" | "surface" | "point" | "predict"} Subject
 *
 * @typedef {object} Handlers called with null when there is nothing to show
 * @property {(costs: CostSource | null) => void} costs
 * @property {(weights: Weights | null) => void} optimum
 * @property {(evaluation: Evaluation | null, targets: number[]) => void} evaluation the targets of the dataset
 * @property {(prediction: Prediction | null) => void} prediction of the sample in the store
 * @property {(subject: Subject, problem: Problem | null) => void} problem
 */

const RESOLUTION = 140; // of the first grid, which has to follow a change of the view
const FINE_RESOLUTION = 420; // of the second grid: in a coarse one, a narrow ravine looks like islands
const FINE_DELAY_MS = 500;
const MAX_FINE_INPUTS = 400; // about a second of work
const MAX_INPUTS = 200_000;
const MAX_FIT_INPUTS = 20_000; // sent with each evaluation, to predict every sequence
const DATASET_DELAY_MS = 150;
const GRID_DELAY_MS = 120;
const POINT_DELAY_MS = 150; // between requests while the point moves
const TOO_LARGE = new Problem(
  "The dataset is too large for this page",
  "The page shows datasets with up to 200,000 inputs (sequences times steps).",
);

/** Keeps what the page shows up to date with the state. */
export class DataSync {
  /** @param {Store} store @param {Handlers} handlers */
  constructor(store, handlers) {
    this.store = store;
    this.state = store.state;
    this.handlers = handlers;
    /** @type {Dataset | null} */ this.dataset = null;
    this.requests = this.makeRequests();
    const { dataset, grid } = this.requests;
    const fetchDatasetSoon = debounce(DATASET_DELAY_MS, () => dataset.send({ ...this.state }));
    const fetchGridSoon = debounce(GRID_DELAY_MS, () => this.fetchGrid(RESOLUTION));
    this.fetchFineGridSoon = debounce(FINE_DELAY_MS, () => this.isSmall(MAX_FINE_INPUTS) && this.fetchGrid(FINE_RESOLUTION));

    dataset.send({ ...this.state });
    let first = true;
    store.watch(["dataset", "n_samples", "n_steps", "seed", "noise"], () => {
      if (!first) fetchDatasetSoon();
      first = false;
    });
    store.watch(["activation", "initial_state"], () => this.dataset && this.update());
    store.watch(["view"], () => {
      if (this.isExact()) return;
      grid.cancel();
      fetchGridSoon();
    });
    const updatePointSoon = throttle(POINT_DELAY_MS, () => this.updatePoint());
    const updatePredictionSoon = throttle(POINT_DELAY_MS, () => this.updatePrediction());
    store.watch(SHOWN_KEYS, () => (this.isExact() ? this.updatePoint() : updatePointSoon()));
    store.watch([...SHOWN_KEYS, "bits", "sequence"], () => (this.isExact() ? this.updatePrediction() : updatePredictionSoon()));
  }

  makeRequests() {
    const { handlers } = this;
    /** @param {Subject} subject @param {(nothing: null) => void} clear */
    const report = (subject, clear) => (/** @type {Problem | null} */ problem) => {
      handlers.problem(subject, problem);
      if (problem) clear(null);
    };
    const showEvaluation = (/** @type {Evaluation | null} */ evaluation) => this.showEvaluation(evaluation);
    return {
      dataset: new LatestRequest(
        fetchDataset,
        (dataset) => {
          this.dataset = dataset;
          if (!dataset) handlers.problem("data", TOO_LARGE);
          this.update();
        },
        report("data", handlers.costs),
      ),
      optimum: new LatestRequest(fetchOptimum, handlers.optimum, (problem) => problem && handlers.optimum(null)),
      grid: new LatestRequest(
        fetchGrid,
        (grid) => {
          handlers.costs(makeGridCosts(grid));
          if (grid.w_in.length < FINE_RESOLUTION) this.fetchFineGridSoon();
        },
        (problem) => handlers.problem("surface", problem),
      ),
      point: new LatestRequest(fetchEvaluation, showEvaluation, report("point", showEvaluation)),
      prediction: new LatestRequest(fetchPrediction, handlers.prediction, report("predict", handlers.prediction)),
    };
  }

  isExact() {
    return this.state.activation === "identity";
  }

  /** Return whether the dataset has at most this many inputs. @param {number} n_inputs */
  isSmall(n_inputs) {
    const { dataset } = this;
    return dataset !== null && dataset.inputs.length * dataset.inputs[0].length <= n_inputs;
  }

  /** @param {number} resolution points per axis */
  fetchGrid(resolution) {
    if (!this.isExact()) this.requests.grid.send({ state: { ...this.state }, resolution });
  }

  /** Update everything, for a new dataset or another network. */
  update() {
    const { handlers, requests, state } = this;
    for (const request of [requests.grid, requests.point, requests.prediction]) request.cancel();
    for (const subject of /** @type {const} */ (["surface", "point", "predict"])) handlers.problem(subject, null);
    if (this.isExact()) {
      handlers.costs(this.dataset && makeExactCosts(this.dataset, state.initial_state));
      requests.optimum.send({ ...state });
    } else {
      requests.optimum.cancel();
      handlers.optimum(null);
      this.fetchGrid(RESOLUTION);
    }
    this.updatePoint();
    this.updatePrediction();
  }

  updatePoint() {
    const { dataset, store } = this;
    const state = withShownWeights(store);
    if (!this.isExact()) this.requests.point.send({ state, dataset });
    else if (!dataset) this.showEvaluation(null);
    else {
      const evaluation = evaluate(dataset, toWeights(state), state.initial_state);
      const { number, cost, log10_cost } = findShown(store);
      this.showEvaluation(number ? { ...evaluation, cost: cost ?? NaN, log10_cost } : evaluation);
    }
  }

  /** @param {Evaluation | null} evaluation */
  showEvaluation(evaluation) {
    this.handlers.evaluation(evaluation, this.dataset?.targets ?? []);
  }

  updatePrediction() {
    const { handlers, store } = this;
    const state = withShownWeights(store);
    const sample = (store.sample = findSample(state, this.dataset));
    if (!sample) handlers.prediction(null);
    else if (!this.isExact()) this.requests.prediction.send({ state, sample });
    else {
      const inputs = Float64Array.from(sample.inputs);
      const weights = toWeights(state);
      handlers.prediction({
        states: [...computeStates(inputs, weights, state.initial_state)],
        trace: evaluate({ inputs: [inputs], targets: [sample.target] }, weights, state.initial_state),
      });
    }
  }
}

/** @param {State} state @param {AbortSignal} signal @returns {Promise<Dataset | null>} null if it is too large */
async function fetchDataset(state, signal) {
  if (!state.dataset && state.n_samples * state.n_steps > MAX_INPUTS) return null;
  const stored = state.dataset
    ? await fetchSummary(state.dataset)
    : await postJson("v1/datasets", toDataset(state), signal);
  const { n_samples, n_steps, links } = stored;
  if (n_samples * n_steps > MAX_INPUTS) return null;
  return parseDataset(await getText(links.csv, signal));
}

/** @param {string} csv each row is one sequence, with its target in the last column @returns {Dataset} */
export function parseDataset(csv) {
  const rows = csv.trim().split(/\r?\n/).map((line) => line.split(",").map(Number));
  if (rows[0].some(Number.isNaN)) rows.shift(); // the header
  return {
    inputs: rows.map((row) => Float64Array.from(row.slice(0, -1))),
    targets: rows.map((row) => row[row.length - 1]),
  };
}

/** @param {State} state @param {AbortSignal} signal @returns {Promise<Weights | null>} */
async function fetchOptimum(state, signal) {
  const { weights } = await postJson("v1/optimum", toObjective(state), signal);
  return weights.w_in === null || weights.w_rec === null ? null : weights;
}

/** @param {{state: State, resolution: number}} query @param {AbortSignal} signal */
async function fetchGrid({ state, resolution }, signal) {
  const body = {
    ...toObjective(state),
    windows: [{ ...toWindow(state), resolution }],
    points: [],
  };
  return (await postJson("v1/cost-surface", body, signal)).windows[0];
}

/**
 * @param {{state: State, dataset: Dataset | null}} query @param {AbortSignal} signal
 * @returns {Promise<Evaluation>}
 */
async function fetchEvaluation({ state, dataset }, signal) {
  const body = toObjective(state);
  const run = { ...body, initial_weights: toWeights(state), n_iterations: 0, keep: false };
  const isSmall = dataset && dataset.inputs.length * dataset.inputs[0].length <= MAX_FIT_INPUTS;
  const inputs = isSmall ? dataset.inputs.map((row) => [...row]) : null;
  const [{ traces }, { initial }, prediction] = await Promise.all([
    postJson("v1/gradient-trace", { ...body, points: [toWeights(state)] }, signal),
    postJson("v1/training-runs", run, signal),
    inputs && postJson("v1/predict", { model: toModel(state), inputs }, signal),
  ]);
  const { cost, log10_cost } = initial;
  return { ...traces[0], cost, log10_cost, outputs: prediction?.outputs ?? null };
}

/** @param {{state: State, sample: Sample}} query @param {AbortSignal} signal @returns {Promise<Prediction>} */
async function fetchPrediction({ state, sample }, signal) {
  const inputs = [sample.inputs];
  const body = { model: toModel(state), inputs, return_states: true };
  const dataset = { kind: "explicit", inputs, targets: [sample.target] };
  const trace = { dataset, network: toNetwork(state), points: [toWeights(state)] };
  const [{ states }, { traces }] = await Promise.all([
    postJson("v1/predict", body, signal),
    postJson("v1/gradient-trace", trace, signal),
  ]);
  return { states: states[0], trace: traces[0] };
}
