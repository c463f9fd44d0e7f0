// The cost on a grid, from the service. Where it would take too long, the grid is coarser, and for
// large data it is computed for a part of the sequences.
import { Problem, postJson } from "./api.js";
import { RESOLUTION } from "./costs.js";
import { toDataset, toNetwork, toWindow } from "./requests.js";

const MIN_LOG10 = -320; // below the smallest float64
const MAX_LOG10 = 309; // above the largest float64

const MIN_RESOLUTION = 28;
const MAX_NUMBERS = 90_000; // in a JSON body, which has at most 2 MB
const MAX_SECONDS = 3; // to wait for a grid that the service refuses in full
const REFUSAL = /takes about ([\d.e+]+) seconds/;

/** Fetches grids for one dataset and network, and remembers which size the service accepts. */
export class GridFetcher {
  constructor() {
    this.limit = Infinity; // of the resolution
    this.share = 1; // of the sequences
  }

  /** @param {GridQuery} query @param {AbortSignal} signal @returns {Promise<GridResult>} */
  async fetch(query, signal) {
    try {
      return await this.request(query, signal);
    } catch (error) {
      const seconds = Number(error instanceof Problem && REFUSAL.exec(error.message)?.[1]);
      if (!seconds || this.limit < Infinity) throw error;
      this.adapt(seconds, query.resolution);
      return this.request(query, signal);
    }
  }

  /** Choose a coarser grid, and then fewer sequences. @param {number} seconds for the grid @param {number} resolution */
  adapt(seconds, resolution) {
    this.limit = Math.max(MIN_RESOLUTION, Math.floor(resolution * Math.sqrt(MAX_SECONDS / seconds)));
    this.share = Math.min(1, MAX_SECONDS / (seconds * (this.limit / resolution) ** 2));
  }

  /** @param {GridQuery} query @param {AbortSignal} signal @returns {Promise<GridResult>} */
  async request({ state, dataset, resolution: requested }, signal) {
    const resolution = Math.min(requested, this.limit);
    const part = this.share < 1 && dataset ? takePart(dataset, this.share) : null;
    const body = {
      dataset: part ?? toDataset(state),
      network: toNetwork(state),
      windows: [{ ...toWindow(state), resolution }],
      points: [],
    };
    const [grid] = (await postJson("v1/cost-surface", body, signal)).windows;
    const costs = makeGridCosts(grid);
    if (resolution >= RESOLUTION) return { costs, note: "", requested };
    const [some, all] = [part?.targets.length ?? 0, dataset?.n_total ?? 0].map((n) => n.toLocaleString("en"));
    const sequences = part ? ` with ${some} of ${all} sequences` : "";
    const note = `The surface is approximate: a grid of ${resolution} × ${resolution}${sequences}, because all of it would take too long.`;
    return { costs, note, requested };
  }
}

/**
 * Return a share of the sequences, evenly spread, as an explicit dataset.
 * @param {LoadedDataset} dataset @param {number} share
 */
function takePart({ inputs, targets, n_total }, share) {
  const n_sendable = Math.floor(MAX_NUMBERS / (inputs[0].length + 1));
  const n_taken = Math.max(1, Math.min(inputs.length, Math.floor(n_total * share), n_sendable));
  const rows = Array.from({ length: n_taken }, (_, i) => Math.floor((i * inputs.length) / n_taken));
  return { kind: "explicit", inputs: rows.map((row) => [...inputs[row]]), targets: rows.map((row) => targets[row]) };
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
