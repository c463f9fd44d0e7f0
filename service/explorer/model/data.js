// The dataset and all that follows from it: the cost surface, the optimum, the numbers at the point
// and the prediction. Without an activation they are computed here, otherwise by the service.
import { debounce, throttle } from "../lib/throttle.js";
import { LatestRequest, postJson, receive } from "./api.js";
import { RESOLUTION, makeExactCosts } from "./costs.js";
import { describePart, fetchDataset } from "./datasets.js";
import { computeStates, evaluate } from "./network.js";
import { toModel, toNetwork, toObjective, toWeights } from "./requests.js";
import { findSample } from "./samples.js";
import { SHOWN_KEYS, findShown, withShownWeights } from "./shown.js";

const FINE_RESOLUTION = 420; // of the second grid: in a coarse one, a narrow valley looks like islands
const FINE_DELAY_MS = 500;
const MAX_FINE_INPUTS = 400; // about a second of work
const DATASET_DELAY_MS = 150;
const GRID_DELAY_MS = 120;
const POINT_DELAY_MS = 150; // between requests while the point moves

/** Keeps what the page shows up to date with the state. */
export class DataSync {
  /** @param {Store} store @param {Handlers} handlers */
  constructor(store, handlers) {
    this.store = store;
    this.state = store.state;
    this.handlers = handlers;
    /** @type {LoadedDataset | null} */ this.dataset = null;
    /** @type {Promise<import("./grids.js").GridFetcher> | null} */ this.grids = null;
    this.requests = this.makeRequests();
    const { dataset, grid } = this.requests;
    const fetchDatasetSoon = debounce(DATASET_DELAY_MS, () => dataset.send({ ...this.state }));
    const fetchGridSoon = debounce(GRID_DELAY_MS, () => this.fetchGrid(RESOLUTION));
    this.fetchFineGridSoon = debounce(FINE_DELAY_MS, () => this.isSmall(MAX_FINE_INPUTS) && this.fetchGrid(FINE_RESOLUTION));

    dataset.send({ ...this.state });
    let first = true;
    store.watch(["dataset", "task", "n_samples", "n_steps", "seed", "noise"], () => {
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
    const { handlers, store } = this;
    /** @param {Subject} subject @param {(nothing: null) => void} [clear] @returns {(problem: Problem | null, retry?: () => void) => void} */
    const report = (subject, clear) => (problem, retry) => {
      handlers.problem(subject, problem, retry);
      if (problem) clear?.(null);
    };
    const adopt = (/** @type {LoadedDataset | null} */ dataset) => {
      this.dataset = store.dataset = dataset;
      this.update();
    };
    const showEvaluation = (/** @type {Evaluation | null} */ evaluation) => this.showEvaluation(evaluation);
    return {
      dataset: new LatestRequest(fetchDataset, adopt, report("data", adopt)),
      optimum: new LatestRequest(fetchOptimum, handlers.optimum, (problem) => problem && handlers.optimum(null)),
      grid: new LatestRequest(
        async (query, signal) => (await (this.grids ??= loadGrids())).fetch(query, signal),
        ({ costs, note, requested }) => {
          handlers.costs(costs);
          handlers.approximation(note);
          if (requested < FINE_RESOLUTION) this.fetchFineGridSoon();
        },
        report("surface"),
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

  /** Update everything, for a new dataset or another network. What the service computes is removed until it arrives. */
  update() {
    const { dataset, handlers, requests, state } = this;
    for (const request of [requests.grid, requests.point, requests.prediction]) request.cancel();
    for (const subject of /** @type {const} */ (["surface", "point", "predict"])) handlers.problem(subject, null);
    const isExact = this.isExact();
    handlers.costs(dataset && isExact ? makeExactCosts(dataset, state.initial_state) : null);
    handlers.approximation(dataset && isExact ? describePart(dataset) : "");
    if (dataset && isExact) requests.optimum.send({ ...state });
    else {
      requests.optimum.cancel();
      handlers.optimum(null);
    }
    if (!isExact) {
      this.showEvaluation(null);
      handlers.prediction(null);
      this.grids = loadGrids();
      if (dataset) this.fetchGrid(RESOLUTION);
    }
    this.updatePoint();
    this.updatePrediction();
  }

  updatePoint() {
    const { dataset, store } = this;
    const state = withShownWeights(store);
    if (!dataset) this.showEvaluation(null);
    else if (!this.isExact()) this.requests.point.send(state);
    else {
      const evaluation = evaluate(dataset, toWeights(state), state.initial_state);
      const { number, cost, log10_cost } = findShown(store);
      this.showEvaluation(number ? { ...evaluation, cost: cost ?? NaN, log10_cost } : evaluation);
    }
  }

  /** @param {Evaluation | null} evaluation */
  showEvaluation(evaluation) {
    this.handlers.evaluation(evaluation, this.dataset);
  }

  updatePrediction() {
    const { handlers, store } = this;
    const state = withShownWeights(store);
    const sample = findSample(state, this.dataset);
    store.sample = sample;
    if (!sample) handlers.prediction(null);
    else if (!this.isExact()) this.requests.prediction.send({ state, sample });
    else {
      const inputs = Float64Array.from(sample.inputs);
      const weights = toWeights(state);
      handlers.prediction({
        sample,
        states: [...computeStates(inputs, weights, state.initial_state)],
        trace: evaluate({ inputs: [inputs], targets: [sample.target] }, weights, state.initial_state),
      });
    }
  }
}

/** Load what only a network with an activation needs. */
async function loadGrids() {
  return new (await receive(import("./grids.js"))).GridFetcher();
}

/** @param {State} state @param {AbortSignal} signal @returns {Promise<Optimum | null>} */
async function fetchOptimum(state, signal) {
  const { weights, unique } = await postJson("v1/optimum", toObjective(state), signal);
  if (weights.w_in === null || weights.w_rec === null) return null;
  const { curvature } = await fetchEvaluation({ ...state, ...weights }, signal);
  return { ...weights, unique, limit: curvature?.largest > 0 ? 2 / curvature.largest : null };
}

/** @param {State} state @param {AbortSignal} signal @returns {Promise<any>} an evaluation, as the API returns it */
async function fetchEvaluation(state, signal) {
  const { evaluations } = await postJson("v1/evaluate", { ...toObjective(state), points: [toWeights(state)] }, signal);
  return evaluations[0];
}

/** @param {{state: State, sample: Sample}} query @param {AbortSignal} signal @returns {Promise<Prediction>} */
async function fetchPrediction({ state, sample }, signal) {
  const inputs = [sample.inputs];
  const body = { model: toModel(state), inputs, return_states: true };
  const dataset = { kind: "explicit", inputs, targets: [sample.target] };
  const trace = { dataset, network: toNetwork(state), points: [toWeights(state)] };
  const [{ states }, { traces }] = await Promise.all([postJson("v1/predict", body, signal), postJson("v1/gradient-trace", trace, signal)]);
  return { sample, states: states[0], trace: traces[0] };
}
