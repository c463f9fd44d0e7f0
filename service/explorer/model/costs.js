// The cost over the two weights, row by row: computed here, or interpolated in a grid.
import { makeCostParabolas } from "./network.js";

const MIN_LOG10 = -320; // below the smallest float64
const MAX_LOG10 = 309; // above the largest float64

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

/**
 * Return log10(cost), interpolated between the points of a grid. It is NaN outside the grid.
 * @param {{w_in: number[], w_rec: number[], cost: (number | null)[][]}} grid
 * @returns {CostSource}
 */
export function makeGridCosts(grid) {
  const n_columns = grid.w_in.length;
  const n_rows = grid.w_rec.length;
  const logs = grid.cost.map((row) =>
    Float64Array.from(row, (cost) => (cost === null ? MAX_LOG10 : Math.max(MIN_LOG10, Math.log10(cost)))),
  );
  const [left, bottom] = [grid.w_in[0], grid.w_rec[0]];
  const dx = (grid.w_in[n_columns - 1] - left) / (n_columns - 1);
  const dy = (grid.w_rec[n_rows - 1] - bottom) / (n_rows - 1);
  return {
    fill(w_rec, w_in, step, { values, by_w_in, by_w_rec }) {
      const y = (w_rec - bottom) / dy;
      if (y < -0.01 || y > n_rows - 0.99) {
        values.fill(NaN);
        return;
      }
      const j = Math.min(n_rows - 2, Math.max(0, Math.floor(y)));
      const [below, above, v] = [logs[j], logs[j + 1], y - j];
      for (let n = 0; n < values.length; n++) {
        const x = (w_in + n * step - left) / dx;
        const i = Math.min(n_columns - 2, Math.max(0, Math.floor(x)));
        const u = x < -0.01 || x > n_columns - 0.99 ? NaN : x - i;
        const low = below[i] + u * (below[i + 1] - below[i]);
        const high = above[i] + u * (above[i + 1] - above[i]);
        values[n] = low + v * (high - low);
        by_w_rec[n] = (high - low) / dy;
        by_w_in[n] = ((1 - v) * (below[i + 1] - below[i]) + v * (above[i + 1] - above[i])) / dx;
      }
    },
    logarithmic: true,
    bestWIn: null,
  };
}
