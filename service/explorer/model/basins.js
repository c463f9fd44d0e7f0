// Basin maps: the outcome of training from every point of a grid.
import { postJson, receive, send } from "./api.js";
import { completeJob } from "./jobs.js";
import { readNpz } from "./npz.js";
import { chooseMargin } from "./outcome.js";
import { toObjective, toTrainingRun, toWindow } from "./requests.js";

const RESOLUTION = 100;
const MIN_RESOLUTION = 20;
/** Inputs times cells, with an activation: at most a minute for 500 iterations on 1,000 inputs or fewer. */
const MAX_WORK = 4e5;

/**
 * Return the request for a map of the view.
 * @param {State} state
 * @param {number} n_inputs
 * @param {number} target_cost
 */
export function toBasinMap(state, n_inputs, target_cost) {
  const { optimizer, n_iterations, clip } = toTrainingRun(state);
  const affordable = Math.floor(Math.sqrt(MAX_WORK / n_inputs));
  const resolution =
    state.activation === "identity" ? RESOLUTION : Math.min(RESOLUTION, Math.max(MIN_RESOLUTION, affordable));
  return {
    ...toObjective(state),
    optimizer,
    n_iterations,
    clip,
    target_cost,
    window: { ...toWindow(state), resolution },
  };
}

/** Compute a map of the view, for the optimizer of the form. @param {Store} store @param {Watcher} watcher */
export async function computeBasinMap(store, watcher) {
  const state = { ...store.state };
  const n_inputs = (store.dataset?.n_total ?? state.n_samples) * (store.dataset?.inputs[0].length ?? state.n_steps);
  const body = toBasinMap(state, n_inputs, await chooseTarget(state, store.dataset));
  const result = await completeJob(await postJson("v1/basin-maps", body), "basin map", watcher);
  const archive = await send(result.links.npz);
  const { outcome, iterations } = await readNpz(await receive(archive.arrayBuffer()));
  return { result, outcome, iterations };
}

/**
 * Return the cost at which training succeeds: that of the form, or a little above the optimum, if it is known.
 * @param {State} state
 * @param {Dataset | null} dataset
 */
async function chooseTarget(state, dataset) {
  if (state.target_cost !== null) return state.target_cost;
  const own = state.dataset ? dataset : null;
  if (state.activation !== "identity") return chooseMargin(0, own);
  const { cost } = await postJson("v1/optimum", toObjective(state));
  return chooseMargin(cost ?? 0, own);
}
