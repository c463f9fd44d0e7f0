// The cost over the two weights, row by row, computed here.
import { makeCostParabolas } from "./network.js";

/** Points per axis of the first grid of costs, which has to follow a change of the view. */
export const RESOLUTION = 140;

/** @param {number} length @returns {Row} */
export const makeRow = (length) => ({
  values: new Float64Array(length),
  by_w_in: new Float64Array(length),
  by_w_rec: new Float64Array(length),
});

/**
 * Return the exact cost of the network without an activation.
 * @param {Dataset} dataset @param {number} initial_state
 * @returns {CostSource}
 */
export function makeExactCosts(dataset, initial_state) {
  const parabolaAt = makeCostParabolas(dataset, initial_state);
  return {
    fill(w_rec, w_in, step, { values, by_w_in, by_w_rec }) {
      const { quadratic, linear, constant, slope } = parabolaAt(w_rec);
      for (let i = 0; i < values.length; i++) {
        const w = w_in + i * step;
        values[i] = (quadratic * w + linear) * w + constant;
        by_w_in[i] = 2 * quadratic * w + linear;
        by_w_rec[i] = (slope.quadratic * w + slope.linear) * w + slope.constant;
      }
    },
    logarithmic: false,
    bestWIn(w_rec) {
      const { quadratic, linear } = parabolaAt(w_rec);
      return -linear / (2 * quadratic);
    },
  };
}
