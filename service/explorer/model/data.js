// The dataset and all that follows from it, computed here without an activation and otherwise by the service.
import { debounce, throttle } from "../lib/throttle.js";
import { LatestRequest, postJson, receive } from "./api.js";
import { describePart, fetchDataset } from "./datasets.js";
import { computeStates, evaluate, makeExactCosts } from "./network.js";
import { toModel, toObjective, toTrace, toWeights } from "./requests.js";
import { SHOWN_KEYS, findSample, findShown, withShownWeights } from "./shown.js";

const DATASET_DELAY_MS = 150;
const GRID_DELAY_MS = 120;
const POINT_DELAY_MS = 150; // between requests while the point moves

/** Keeps what the page shows up to date with the state. */
export class DataSync {
  /**
   * @param {Store} store
   * @param {(subject: string, problem: Problem | null, retry?: () => void) => void} showProblem
   */
  constructor(store, showProblem) {
    this.store = store;
    this.showProblem = showProblem;
    this.requests = this.makeRequests();
    const { dataset, grid } = this.requests;
    const fetchDatasetSoon = debounce(DATASET_DELAY_MS, () => dataset.send({ ...store.state }));
    const fetchGridSoon = debounce(GRID_DELAY_MS, () => this.fetchGrid());

    dataset.send({ ...store.state });
    let first = true;
    store.watch(["dataset", "task", "n_samples", "n_steps", "seed", "noise"], () => {
      if (!first) fetchDatasetSoon();
      first = false;
    });
    store.watch(["activation", "initial_state"], () => store.dataset && this.update());
    store.watch(["view"], ({ activation }) => {
      if (activation === "identity") return;
      grid.cancel();
      fetchGridSoon();
    });
    const follow = (/** @type {() => void} */ update) => {
      const updateSoon = throttle(POINT_DELAY_MS, update);
      return (/** @type {State} */ { activation }) => (activation === "identity" ? update() : updateSoon());
    };
    const updatePoint = follow(() => this.updatePoint());
    const updatePrediction = follow(() => this.updatePrediction());
    store.watch(SHOWN_KEYS, updatePoint);
    store.watch([...SHOWN_KEYS, "bits", "sequence"], updatePrediction);
  }

  makeRequests() {
    const { store } = this;
    /**
     * @param {string} subject
     * @param {(nothing: null) => void} [clear]
     * @returns {(problem: Problem | null, retry?: () => void) => void}
     */
    const report = (subject, clear) => (problem, retry) => {
      this.showProblem(subject, problem, retry);
      if (problem) clear?.(null);
    };
    const showOptimum = (/** @type {Optimum | null} */ optimum) => {
      const { dataset, state } = store;
      const curvature = optimum && dataset ? evaluate(dataset, optimum, state.initial_state).curvature : undefined;
      store.publish({ optimum: optimum && { ...optimum, curvature } });
    };
    const showEvaluation = (/** @type {Evaluation | null} */ evaluation) => store.publish({ evaluation });
    const showPrediction = (/** @type {Prediction | null} */ prediction) => store.publish({ prediction });
    const adopt = (/** @type {LoadedDataset | null} */ dataset) => {
      store.dataset = dataset;
      this.update();
    };
    return {
      dataset: new LatestRequest(fetchDataset, adopt, report("data", adopt)),
      optimum: new LatestRequest(fetchOptimum, showOptimum, (problem) => problem && showOptimum(null)),
      grid: new LatestRequest(
        async (query, signal) => (await receive(import("./grids.js"))).fetchGrid(query, signal),
        ({ costs, note }) => store.publish({ costs, approximation: note }),
        report("surface"),
      ),
      point: new LatestRequest(findEvaluation, showEvaluation, report("point", showEvaluation)),
      prediction: new LatestRequest(findPrediction, showPrediction, report("predict", showPrediction)),
    };
  }

  fetchGrid() {
    const { dataset, state } = this.store;
    if (!dataset || state.activation === "identity") return;
    this.requests.grid.send({ state: { ...state }, n_inputs: dataset.n_total * dataset.inputs[0].length });
  }

  /** Update everything, for a new dataset or another network. What the service computes is removed until it arrives. */
  update() {
    const { requests, store } = this;
    const { dataset, state } = store;
    for (const request of [requests.optimum, requests.grid, requests.point, requests.prediction]) request.cancel();
    for (const subject of ["surface", "point", "predict"]) this.showProblem(subject, null);
    const exact = state.activation === "identity" ? dataset : null;
    store.publish({
      costs: exact && makeExactCosts(exact, state.initial_state),
      approximation: exact ? describePart(exact) : "",
    });
    if (exact) requests.optimum.send({ ...state });
    else {
      store.publish({ optimum: null, evaluation: null, prediction: null });
      this.fetchGrid();
    }
    this.updatePoint();
    this.updatePrediction();
  }

  updatePoint() {
    const { dataset } = this.store;
    if (dataset) {
      this.requests.point.send({ state: withShownWeights(this.store), dataset, shown: findShown(this.store) });
    } else this.store.publish({ evaluation: null });
  }

  updatePrediction() {
    const state = withShownWeights(this.store);
    const sample = findSample(state, this.store.dataset);
    this.store.sample = sample;
    if (sample) this.requests.prediction.send({ state, sample });
    else this.store.publish({ prediction: null });
  }
}

/** Fetch the optimum, if finite weights reach it. @param {State} state @param {AbortSignal} signal */
export async function fetchOptimum(state, signal) {
  const { weights, unique } = await postJson("v1/optimum", toObjective(state), signal);
  return weights.w_in === null || weights.w_rec === null ? null : { ...weights, unique: Boolean(unique) };
}

/**
 * @param {{state: State, dataset: LoadedDataset, shown: Shown}} query
 * @param {AbortSignal} signal
 * @returns {Promise<Evaluation>}
 */
async function findEvaluation({ state, dataset, shown: { number, cost, log10_cost } }, signal) {
  if (state.activation !== "identity") {
    const { evaluations } = await postJson(
      "v1/evaluate",
      { ...toObjective(state), points: [toWeights(state)] },
      signal,
    );
    return evaluations[0];
  }
  const evaluation = evaluate(dataset, toWeights(state), state.initial_state);
  return number ? { ...evaluation, cost: cost ?? NaN, log10_cost } : evaluation;
}

/** @param {{state: State, sample: Sample}} query @param {AbortSignal} signal @returns {Promise<Prediction>} */
async function findPrediction({ state, sample }, signal) {
  if (state.activation === "identity") {
    const { initial_state } = state;
    const samples = { inputs: [Float64Array.from(sample.inputs)], targets: [sample.target] };
    const states = [...computeStates(samples.inputs[0], state, initial_state)];
    return { sample, states, trace: evaluate(samples, state, initial_state) };
  }
  const body = { model: toModel(state), inputs: [sample.inputs], return_states: true };
  const [{ states }, { traces }] = await Promise.all([
    postJson("v1/predict", body, signal),
    postJson("v1/gradient-trace", toTrace(state, sample), signal),
  ]);
  return { sample, states: states[0], trace: traces[0] };
}
