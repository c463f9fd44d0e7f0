// The cost on a grid, from the service. Where it would take too long, the grid is coarser, and for
// large data it is computed for a part of the sequences.
import { Problem, postJson } from "./api.js";
import { toDataset, toNetwork, toWindow } from "./requests.js";

/** Of the first grid, which has to follow a change of the view. */
export const RESOLUTION = 140;
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
    if (resolution >= RESOLUTION) return { grid, note: "", requested };
    const [some, all] = [part?.targets.length ?? 0, dataset?.n_total ?? 0].map((n) => n.toLocaleString("en"));
    const sequences = part ? ` with ${some} of ${all} sequences` : "";
    const note = `The surface is approximate: a grid of ${resolution} × ${resolution}${sequences}, because all of it would take too long.`;
    return { grid, note, requested };
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
