// Training runs: started and fetched, with their trajectories.
// @ts-check
import { formatNumber, formatPoint } from "../lib/format.js";
import { Problem, getJson, postJson } from "./api.js";
import { RATES } from "./optimizers.js";

/**
 * @typedef {object} Trajectory
 * @property {number[]} iteration rising
 * @property {(number | null)[]} w_in
 * @property {(number | null)[]} w_rec
 * @property {(number | null)[]} cost
 * @property {(number | null)[]} log10_cost
 *
 * @typedef {{result: any, trajectory: Trajectory}} Run a training run that succeeded, as the API returns it
 */

const POLL_MS = 1000;
const FAILURES = { failed: "The training run failed", cancelled: "The training run was cancelled" };

/** Start a training run and wait for its result. @param {object} body @returns {Promise<Run>} */
export async function startRun(body) {
  return completeRun(await postJson("v1/training-runs", body));
}

/** Fetch a training run and wait for its result. @param {string} id @returns {Promise<Run>} */
export async function fetchRun(id) {
  return completeRun(await getJson(`v1/training-runs/${id}`));
}

/** @param {any} result @returns {Promise<Run>} */
async function completeRun(result) {
  while (result.status === "queued" || result.status === "running") {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    result = await getJson(`v1/training-runs/${result.id}`);
  }
  if (result.status !== "succeeded") {
    const failure = FAILURES[/** @type {keyof typeof FAILURES} */ (result.status)];
    throw new Problem(result.error?.title ?? failure, result.error?.detail ?? "");
  }
  return { result, trajectory: await getJson(result.links.trajectory) };
}

/** Describe what tells runs of one optimizer apart. @param {Run} run */
export function describeSettings({ result: { request } }) {
  const { initial_weights, optimizer, clip } = request;
  const rate = RATES.find((name) => name in optimizer);
  return [
    rate ? `${rate.split("_").at(-1)} ${formatNumber(optimizer[rate])}` : "",
    clip ? `clip ${clip.by} ${formatNumber(clip.threshold)}` : "",
    `from ${formatPoint(initial_weights.w_in, initial_weights.w_rec)}`,
  ]
    .filter(Boolean)
    .join(", ");
}

/**
 * Return the index of the last record at or before an iteration.
 * @param {number[]} iterations rising @param {number} iteration
 */
export function findRecord(iterations, iteration) {
  let [low, high] = [0, iterations.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (iterations[middle] <= iteration) low = middle;
    else high = middle - 1;
  }
  return low;
}
