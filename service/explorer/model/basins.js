// Basin maps: the outcome of training from every point of a grid.
import { postJson, receive, send } from "./api.js";
import { completeJob } from "./jobs.js";
import { readNpz } from "./npz.js";
import { chooseMargin } from "./outcome.js";
import { toObjective, toTrainingRun, toWindow } from "./requests.js";

const RESOLUTION = 100;
const MIN_RESOLUTION = 20;
const MAX_WORK = 4e5; // inputs times cells, with an activation; at most a minute for 500 iterations
const TUTORIAL_TARGET = 0.01; // with an activation, whose optimum is unknown

/** Return the request for a map of the view. @param {State} state @param {number} n_inputs @param {number} target_cost */
export function toBasinMap(state, n_inputs, target_cost) {
  const { optimizer, n_iterations, clip } = toTrainingRun(state);
  const affordable = Math.floor(Math.sqrt(MAX_WORK / n_inputs));
  const resolution = state.activation === "identity" ? RESOLUTION : Math.min(RESOLUTION, Math.max(MIN_RESOLUTION, affordable));
  return { ...toObjective(state), optimizer, n_iterations, clip, target_cost, window: { ...toWindow(state), resolution } };
}

/**
 * Compute a map of the view, for the optimizer of the form.
 * @param {Store} store @param {Watcher} watcher
 */
export async function computeBasinMap(store, watcher) {
  const { signal } = new AbortController(); // the page shows the job, with its button to cancel it, until it ends
  const state = { ...store.state };
  const n_inputs = state.dataset ? store.n_inputs : state.n_samples * state.n_steps;
  const body = toBasinMap(state, n_inputs, await chooseTarget(state, signal));
  const result = await completeJob(await postJson("v1/basin-maps", body, signal), "basin map", watcher, signal);
  const archive = await send(result.links.npz, { signal });
  const { outcome, iterations } = await readNpz(await receive(archive.arrayBuffer(), signal));
  return { result, outcome, iterations };
}

/**
 * Return the cost at which training succeeds: that of the form, or a little above the optimum.
 * @param {State} state @param {AbortSignal} signal
 */
async function chooseTarget(state, signal) {
  if (state.target_cost !== null) return state.target_cost;
  if (state.activation !== "identity") return TUTORIAL_TARGET;
  const { cost } = await postJson("v1/optimum", toObjective(state), signal);
  return chooseMargin(cost ?? 0);
}
