// The sequences that the page computes with: all of a dataset, or the first ones if it is large.
import { nameFirst } from "../lib/format.js";
import { postJson, receive, send } from "./api.js";
import { toDataset } from "./requests.js";

const MAX_INPUTS = 400_000; // which a drag can evaluate in each frame

/** @param {State} state @param {AbortSignal} signal @returns {Promise<LoadedDataset>} */
export async function fetchDataset(state, signal) {
  const summary = state.dataset
    ? await (await receive(import("./own_data.js"))).fetchSummary(state.dataset)
    : await postJson("v1/datasets", toDataset(state), signal);
  const { n_samples, n_steps, links } = summary;
  const n_rows = Math.min(n_samples, Math.max(1, Math.floor(MAX_INPUTS / n_steps)));
  const table = await receive((await send(links.csv, { signal })).text(), signal);
  return { ...parseDataset(table.trim().split("\n", n_rows + 1)), n_total: n_samples };
}

/**
 * @param {string[]} lines a header, then one sequence per line, with its target in the last column
 * @returns {Dataset}
 */
export function parseDataset(lines) {
  const rows = lines.slice(1).map((line) => line.split(",").map(Number));
  return {
    inputs: rows.map((row) => Float64Array.from(row.slice(0, -1))),
    targets: rows.map((row) => row[row.length - 1]),
  };
}

/** Describe the sequences that the page shows, if these are not all. @param {LoadedDataset} dataset */
export function describePart({ targets, n_total }) {
  const first = nameFirst(targets.length, n_total);
  return first && `The surface and the numbers are those of ${first}. Training and the optimum use all of them.`;
}
