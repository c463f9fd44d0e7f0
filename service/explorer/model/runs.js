// Training runs, with their trajectories.
import { formatNumber, formatPoint } from "../lib/format.js";
import { Problem, getJson, postJson, receive } from "./api.js";
import { RATES } from "./optimizers.js";

/**
 * Start a training run and wait for its result.
 * @param {object} body @param {Watcher} watcher @param {AbortSignal} signal @returns {Promise<Run>}
 */
export async function startRun(body, watcher, signal) {
  const started = await postJson("v1/training-runs", body, signal);
  const { completeJob } = await receive(import("./jobs.js"));
  const result = await completeJob(started, "training run", watcher, signal);
  return { result, trajectory: await getJson(result.links.trajectory, signal) };
}

/**
 * Return the runs that succeeded, and the first problem of the others.
 * @param {PromiseSettledResult<Run>[]} results @returns {{runs: Run[], problem: Problem | null}}
 */
export function separateRuns(results) {
  const runs = results.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  const reason = results.find((each) => each.status === "rejected")?.reason ?? null;
  if (reason && !(reason instanceof Problem)) throw reason;
  return { runs, problem: reason };
}

/** Describe what distinguishes runs of one optimizer. @param {Run} run */
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

/** Return the rate of an optimizer in a request, or null if it has none. @param {Record<string, any>} optimizer @returns {number | null} */
export function findRate(optimizer) {
  const name = RATES.find((each) => each in optimizer);
  return name === undefined ? null : optimizer[name];
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
