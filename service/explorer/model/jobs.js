// Computations that may take long: started, followed by their events, and cancelled.
// @ts-check
import { Problem, absoluteUrl, postJson } from "./api.js";

/**
 * @typedef {{done: number, total: number}} Progress
 *
 * @typedef {object} Watcher of a job, which is called only if the computation takes long
 * @property {(progress: Progress, cancel: () => void) => void} onProgress
 * @property {() => void} onEnd
 */

const MAX_STREAMS = 3; // a browser opens at most six connections to one server
const LOST = new Problem("The service stopped reporting progress", "Ask again, and the work continues where it is.");
const UNFINISHED = ["queued", "running"];

let n_streams = 0;
/** @type {(() => void)[]} */ const waiting = [];

/**
 * Wait for a computation.
 * @param {any} started a training run or a basin map, as the API returns it
 * @param {string} noun for messages
 * @param {Watcher} watcher
 * @param {AbortSignal} signal stops waiting
 * @returns {Promise<any>} the computation, which has succeeded
 */
export async function completeJob(started, noun, watcher, signal) {
  let result = started;
  if (UNFINISHED.includes(result.status)) {
    try {
      result = await followEvents(result, watcher, signal);
    } finally {
      watcher.onEnd();
    }
  }
  if (result.status === "succeeded") return result;
  const failure = `The ${noun} ${result.status === "cancelled" ? "was cancelled" : "failed"}`;
  throw new Problem(result.error?.title ?? failure, result.error?.detail ?? "");
}

/**
 * Follow the events of a job to its end. A browser reconnects by itself.
 * @param {any} job @param {Watcher} watcher @param {AbortSignal} signal @returns {Promise<any>}
 */
async function followEvents({ links, progress }, watcher, signal) {
  const cancel = () => {
    // The job may have finished already, and then there is nothing to cancel.
    postJson(links.cancel, {}).catch((error) => {
      if (!(error instanceof Problem)) throw error;
    });
  };
  const show = (/** @type {Progress} */ at) => watcher.onProgress(at, cancel);
  show(progress);
  await takeStream();
  const events = new EventSource(absoluteUrl(links.events));
  try {
    return await new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
      signal.throwIfAborted();
      events.addEventListener("progress", ({ data }) => show(JSON.parse(data)));
      events.addEventListener("done", ({ data }) => resolve(JSON.parse(data)));
      events.addEventListener("error", () => {
        if (events.readyState === EventSource.CLOSED) reject(LOST);
      });
    });
  } finally {
    events.close();
    releaseStream();
  }
}

async function takeStream() {
  if (n_streams < MAX_STREAMS) n_streams++;
  else await new Promise((resolve) => waiting.push(() => resolve(undefined)));
}

function releaseStream() {
  const next = waiting.shift();
  if (next) next();
  else n_streams--;
}
