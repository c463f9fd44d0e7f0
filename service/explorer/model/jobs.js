// Computations that may take long: started, asked about until they end, and cancelled.
import { Problem, getJson, postJson } from "./api.js";

const INTERVAL_MS = 500;

/**
 * Wait for a computation.
 * @param {any} started a training run, a basin map or a fit, as the API returns it
 * @param {string} noun for messages
 * @param {Watcher} watcher
 * @param {AbortSignal} [signal] stops waiting
 * @returns {Promise<any>} the computation, which has succeeded
 */
export async function completeJob(started, noun, watcher, signal) {
  let result = started;
  const isUnfinished = () => ["queued", "running"].includes(result.status);
  const cancel = () => postJson(result.links.cancel, {}).catch(() => {}); // it may have finished already
  const show = () => watcher.onProgress(result, cancel);
  try {
    if (isUnfinished()) show();
    while (isUnfinished()) {
      await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
      try {
        result = await getJson(result.links.self, signal);
        show();
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof Problem && error.isTemporary)) throw error;
        watcher.onLost();
      }
    }
  } finally {
    watcher.onEnd();
  }
  if (result.status === "succeeded") return result;
  const failure = `The ${noun} ${result.status === "cancelled" ? "was cancelled" : "failed"}`;
  throw new Problem(result.error?.title ?? failure, result.error?.detail ?? "");
}
