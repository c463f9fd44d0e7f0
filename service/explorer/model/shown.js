// What the readouts show: the weights of a run at the current iteration or those of the point, and one sequence.

/** Keys of the state that the shown weights depend on. @type {(keyof State)[]} */
export const SHOWN_KEYS = ["w_in", "w_rec", "show", "runs", "iteration"];

/** Return the weights that the readouts show. @param {Store} store @returns {Shown} */
export function findShown({ state, runs }) {
  const run = runs[state.show - 1];
  if (run) return { number: state.show, ...readRun(run, state.iteration) };
  return {
    number: 0,
    w_in: state.w_in,
    w_rec: state.w_rec,
    iteration: 0,
    overflow: null,
    cost: null,
    log10_cost: null,
  };
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
  const record = findRecord(trajectory.iteration, iteration);
  let at = record;
  while (at > 0 && (w_in[at] === null || w_rec[at] === null)) at--;
  return {
    w_in: Number(w_in[at]),
    w_rec: Number(w_rec[at]),
    iteration: trajectory.iteration[at],
    overflow: at < record ? trajectory.iteration[record] : null, // the iteration that has none
    cost: cost[at],
    log10_cost: log10_cost?.[at],
  };
}

/**
 * Return the sequence that is predicted, or null if there is none: bits that the user types, or one of the dataset.
 * @param {State} state @param {Dataset | null} dataset @returns {Sample | null}
 */
export function findSample(state, dataset) {
  if (state.dataset || state.task !== "count_ones") {
    if (!dataset) return null;
    const at = Math.min(dataset.inputs.length, Math.max(1, Math.round(state.sequence))) - 1;
    return { number: at + 1, inputs: [...dataset.inputs[at]], target: dataset.targets[at], targets: null };
  }
  if (!/^[01]+$/.test(state.bits)) return null;
  const targets = [0];
  for (const bit of state.bits) targets.push(targets[targets.length - 1] + Number(bit));
  return { number: 1, inputs: [...state.bits].map(Number), target: targets[targets.length - 1], targets };
}

/**
 * Return the index of the last record at or before an iteration.
 * @param {number[]} iterations rising
 * @param {number} iteration
 */
export function findRecord(iterations, iteration) {
  const next = iterations.findIndex((each) => each > iteration);
  return (next < 0 ? iterations.length : next) - 1;
}
