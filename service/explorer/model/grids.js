// The cost on a grid, from the service. Where it would take too long, the grid is coarser.
import { postJson } from "./api.js";
import { toObjective, toWindow } from "./requests.js";

const MIN_LOG10 = -320; // below the smallest float64
const MAX_LOG10 = 309; // above the largest float64

const MAX_RESOLUTION = 300; // in a coarse grid, a narrow valley looks like islands
const COARSE = 140; // a grid with less is called approximate
const MIN_RESOLUTION = 28;
const MAX_WORK = 3.8e8; // inputs times points; about three seconds

/**
 * Fetch the costs in the view, on a grid that takes a few seconds at most.
 * @param {{state: State, n_inputs: number}} query @param {AbortSignal} signal
 * @returns {Promise<{costs: CostSource, note: string}>}
 */
export async function fetchGrid({ state, n_inputs }, signal) {
  const affordable = Math.max(MIN_RESOLUTION, Math.floor(Math.sqrt(MAX_WORK / n_inputs)));
  const resolution = Math.min(MAX_RESOLUTION, affordable);
  const body = { ...toObjective(state), windows: [{ ...toWindow(state), resolution }], points: [] };
  const { windows } = await postJson("v1/cost-surface", body, signal);
  const grid = `a grid of ${resolution} × ${resolution}`;
  const coarse = `The surface is approximate: ${grid}, because a finer one would take too long.`;
  return { costs: makeGridCosts(windows[0]), note: resolution < COARSE ? coarse : "" };
}

/**
 * Return log10(cost), interpolated between the points of a grid. It is NaN outside the grid.
 * @param {{w_in: number[], w_rec: number[], cost: (number | null)[][]}} grid
 * @returns {CostSource}
 */
function makeGridCosts(grid) {
  const n_columns = grid.w_in.length;
  const n_rows = grid.w_rec.length;
  const logs = grid.cost.map((row) =>
    Float64Array.from(row, (cost) => (cost === null ? MAX_LOG10 : Math.max(MIN_LOG10, Math.log10(cost)))),
  );
  const [left, bottom] = [grid.w_in[0], grid.w_rec[0]];
  const dx = (grid.w_in[n_columns - 1] - left) / (n_columns - 1);
  const dy = (grid.w_rec[n_rows - 1] - bottom) / (n_rows - 1);
  return {
    fill(w_rec, w_in, step, values) {
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
      }
    },
    logarithmic: true,
    bestWIn: null,
  };
}
