// Computations that may take long: started, followed by their events, and cancelled.
import { Problem, postJson, receive } from "./api.js";

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
 * Follow the events of a job to its end.
 * @param {any} job @param {Watcher} watcher @param {AbortSignal} signal @returns {Promise<any>}
 */
async function followEvents({ links, progress }, watcher, signal) {
  const cancel = () => {
    // The job may have finished already, and then there is nothing to cancel.
    postJson(links.cancel, {}).catch((error) => {
      if (!(error instanceof Problem)) throw error;
    });
  };
  watcher.onProgress(progress, cancel);
  await takeStream();
  try {
    const { readEvents } = await receive(import("./events.js"));
    for await (const { event, data } of readEvents(links.events, signal, watcher.onLost)) {
      if (event === "progress") watcher.onProgress(JSON.parse(data), cancel);
      if (event === "done") return JSON.parse(data);
    }
    throw LOST;
  } catch (error) {
    throw error instanceof Problem ? LOST : error;
  } finally {
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
