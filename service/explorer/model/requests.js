// The parts of the state as the API takes them.
import { TASKS } from "./state.js";

const MAX_RECORDS = 2000;

/** The keys of the state that decide about the cost surface. @type {(keyof State)[]} */
export const OBJECTIVE_KEYS = [
  "dataset",
  "task",
  "n_samples",
  "n_steps",
  "seed",
  "noise",
  "activation",
  "initial_state",
];

/** @param {State} state */
export function toDataset({ dataset, task, n_samples, n_steps, seed, noise }) {
  if (dataset) return { kind: "stored", id: dataset };
  const fields = Object.entries({ kind: task, n_samples, n_steps, seed, noise });
  return Object.fromEntries(fields.filter(([name]) => TASKS[task].includes(name)));
}

/**
 * Return the part of the state that a request names.
 * @param {{dataset: any, network: any}} request
 * @returns {Partial<State>}
 */
export function fromObjective({ dataset: { kind, id, ...generated }, network }) {
  return { ...network, ...generated, ...(kind === "stored" ? { dataset: id } : { dataset: "", task: kind }) };
}

/** @param {State} state */
export const toNetwork = ({ activation, initial_state }) => ({ activation, initial_state });

/** @param {State} state */
export const toObjective = (state) => ({ dataset: toDataset(state), network: toNetwork(state) });

/**
 * Return true if a request has the dataset and the network of a state.
 * @param {{dataset: any, network: any}} request
 * @param {State} state
 */
export const isSameObjective = (request, state) =>
  Object.entries(fromObjective(request)).every(([key, value]) => state[/** @type {keyof State} */ (key)] === value);

/** @param {State} state */
export const toWeights = ({ w_in, w_rec }) => ({ w_in, w_rec });

/** @param {State} state */
export const toWindow = ({ view }) => ({
  w_in: { low: view[0], high: view[1] },
  w_rec: { low: view[2], high: view[3] },
});

/** @param {State} state @param {Sample | null} sample the sequence whose squared error is differentiated */
export const toTrace = (state, sample) => ({
  dataset: { kind: "explicit", inputs: [sample?.inputs ?? []], targets: [sample?.target ?? 0] },
  network: toNetwork(state),
  points: [toWeights(state)],
});

/** @param {State} state */
export const toModel = (state) => ({ kind: "weights", ...toWeights(state), ...toNetwork(state) });

/** @param {State} state */
export const toTrainingRun = (state) => ({
  ...toObjective(state),
  initial_weights: toWeights(state),
  optimizer: { name: state.optimizer, ...state.parameters },
  n_iterations: state.n_iterations,
  target_cost: state.target_cost,
  record_every: Math.max(1, Math.ceil(state.n_iterations / MAX_RECORDS)),
  clip: state.clip ? { by: state.clip, threshold: state.threshold } : null,
});
