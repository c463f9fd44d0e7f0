// The tasks with generated data: where each starts, and which part of the plane it shows.
import { FULL_VIEW } from "../lib/scales.js";

const SMALL_VIEW = [-2, 2, -2, 2];

/** @type {Record<string, Partial<State> & {view: View}>} */
const STARTS = {
  count_ones: { w_in: -1.5, w_rec: 2, n_samples: 20, n_steps: 10, view: FULL_VIEW },
  // so long that costs at |w_rec| = 3 are astronomic
  remember: { w_in: 1, w_rec: 0.5, n_samples: 20, n_steps: 30, noise: 0, view: SMALL_VIEW },
};

/** Return the state in which a task starts. @param {string} task @returns {Partial<State>} */
export function startTask(task) {
  const start = STARTS[task];
  return { ...start, view: [...start.view], task, dataset: "", sequence: 1, show: 0 };
}

/** Return the whole view of a task. @param {string} task */
export const taskView = (task) => STARTS[task].view;
