// The weights that the readouts show: those of a run at the current iteration, or the point.
import { findRecord } from "./runs.js";

/** Keys of the state that the shown weights depend on. @type {(keyof State)[]} */
export const SHOWN_KEYS = ["w_in", "w_rec", "show", "runs", "iteration"];

/** Return the weights that the readouts show. @param {Store} store @returns {Shown} */
export function findShown({ state, runs }) {
  const run = runs[state.show - 1];
  if (run) return { number: state.show, ...readRun(run, state.iteration) };
  return { number: 0, w_in: state.w_in, w_rec: state.w_rec, iteration: 0, cost: null, log10_cost: null };
}

/** Return the state at the shown weights. @param {Store} store @returns {State} */
export function withShownWeights(store) {
  const { w_in, w_rec } = findShown(store);
  return { ...store.state, w_in, w_rec };
}

/**
 * Return the record of a run at or before an iteration. Records without finite weights are skipped.
 * @param {Run} run @param {number} iteration
 */
export function readRun({ trajectory }, iteration) {
  const { w_in, w_rec, cost, log10_cost } = trajectory;
  let at = findRecord(trajectory.iteration, iteration);
  while (at > 0 && (w_in[at] === null || w_rec[at] === null)) at--;
  return {
    w_in: Number(w_in[at]),
    w_rec: Number(w_rec[at]),
    iteration: trajectory.iteration[at],
    cost: cost[at],
    log10_cost: log10_cost?.[at],
  };
}
