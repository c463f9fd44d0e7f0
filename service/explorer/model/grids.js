// The cost on a grid, from the service. Where it would take too long, the grid is coarser.
import { Problem, postJson } from "./api.js";
import { toObjective, toWindow } from "./requests.js";

const MIN_LOG10 = -320; // below the smallest float64
const MAX_LOG10 = 309; // above the largest float64

const RESOLUTION = 140; // of a grid that follows a change of the view
const FINE_RESOLUTION = 420; // of the next one: in a coarse grid, a narrow valley looks like islands
const MIN_RESOLUTION = 28;
const MAX_SECONDS = 3; // to wait for a grid that the service refuses in full
const REFUSAL = /takes about ([\d.e+]+) seconds/;

/** Return a function that fetches grids for one dataset and network, and remembers which size the service accepts. */
export function createGridFetcher() {
  let limit = Infinity; // of the resolution
  /** @param {{state: State, isFine: boolean}} query @param {AbortSignal} signal @returns {Promise<{costs: CostSource, note: string, isFine: boolean}>} */
  return async function fetchGrid(query, signal) {
    const resolution = Math.min(query.isFine ? FINE_RESOLUTION : RESOLUTION, limit);
    const body = { ...toObjective(query.state), windows: [{ ...toWindow(query.state), resolution }], points: [] };
    try {
      const { windows } = await postJson("v1/cost-surface", body, signal);
      const coarse = `The surface is approximate: a grid of ${resolution} × ${resolution}, because a finer one would take too long.`;
      return { costs: makeGridCosts(windows[0]), note: resolution < RESOLUTION ? coarse : "", isFine: query.isFine };
    } catch (error) {
      const seconds = Number(error instanceof Problem && REFUSAL.exec(error.message)?.[1]);
      if (!seconds || limit < Infinity) throw error;
      limit = Math.max(MIN_RESOLUTION, Math.floor(resolution * Math.sqrt(MAX_SECONDS / seconds)));
      return fetchGrid(query, signal);
    }
  };
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
