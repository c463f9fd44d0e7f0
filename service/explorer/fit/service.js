// What the page asks of the service: to store a series, fit it, and return the numbers that it draws.
import { Problem, getJson, postJson, postText, receive, send } from "../model/api.js";
import { completeJob } from "../model/jobs.js";
import { describeProblem } from "../model/table.js";
import { showProgress } from "../views/progress.js";

const POINT_SPAN = 3e-6; // the narrowest range of w_rec that a fit can have, with a margin

/** @typedef {{initial_state: string | number, offset: boolean, delay: number | {low: number, high: number}, noise: string, w_rec: {low: number, high: number}}} Options */
/** @typedef {Record<"sequence" | "step" | "target" | "prediction" | "low" | "high" | "residual", number[]>} Rows NaN where a number is missing */
/** @typedef {{w_rec: number[], cost: number[]}} Profile */
/** @typedef {{dataset: any, fit: any, rows: Rows, profile: Profile, window: [number, number]}} Answer */

/** Return the address at which a table is stored. @param {import("./table.js").Columns} columns */
export function seriesPath({ time, target, sequence, inputs }) {
  const parts = {
    kind: "series",
    target,
    ...(inputs.length && { inputs: inputs.join(",") }),
    ...(sequence && { sequence }),
    ...(time && { time }),
  };
  return `v1/datasets?${new URLSearchParams(parts)}`;
}

/** @param {string} id @param {Options} options */
export const toFit = (id, options) => ({ dataset: { kind: "stored", id }, ...options });

/** Store a table. @param {string} path @param {string} text @param {AbortSignal} signal */
export async function storeSeries(path, text, signal) {
  try {
    return await postText(path, text, "text/csv", signal);
  } catch (error) {
    throw error instanceof Problem ? describeProblem(error) : error;
  }
}

/**
 * Fit a dataset, and fetch what is drawn.
 * @param {any} dataset @param {Options} options @param {(path: string) => void} onStored called as soon as the fit has a path
 * @param {AbortSignal} signal @returns {Promise<Answer>}
 */
export async function fetchFit(dataset, options, onStored, signal) {
  const request = toFit(dataset.id, options);
  // Not aborted, because what is stored must be known to be deleted.
  const started = await postJson("v1/fits", request).catch((error) => {
    throw error instanceof Problem ? describeProblem(error, "This cannot be fitted") : error;
  });
  onStored(`v1/fits/${started.id}`);
  const fit = await completeJob(started, "fit", showProgress("fit"), signal);
  const window = chooseWindow(fit);
  const [rows, profile] = await Promise.all([fetchTable(fit.links.csv, signal), fetchProfile(fit, request, window, signal)]);
  return { dataset, fit, rows: /** @type {Rows} */ (rows), profile, window };
}

/** Fetch the best fit with one w_rec. @param {Answer} answer @param {number} w_rec @param {AbortSignal} signal */
export async function fetchFitAt({ fit: { request } }, w_rec, signal) {
  const low = Math.min(w_rec, request.w_rec.high - POINT_SPAN);
  return postJson("v1/fits", { ...request, w_rec: { low, high: low + POINT_SPAN }, keep: false }, signal);
}

/** Return the range of w_rec to draw: the interval, the wider one and the minima, with as much on either side. @param {any} fit @returns {[number, number]} */
function chooseWindow({ request: { w_rec: limits }, w_rec, trust, minima }) {
  const ends = [...w_rec.intervals, ...(trust.widened ?? [])].flatMap(({ low, high }) => [low ?? limits.low, high ?? limits.high]);
  const shown = [...ends, ...minima.map((/** @type {any} */ minimum) => minimum.w_rec)];
  const [low, high] = [Math.min(...shown), Math.max(...shown)];
  const margin = Math.max(high - low, 1e-4);
  return [Math.max(limits.low, low - margin), Math.min(limits.high, high + margin)];
}

/**
 * Fetch the profile of a window, which is denser than that of the whole range.
 * @param {any} fit @param {any} request @param {[number, number]} window @param {AbortSignal} signal @returns {Promise<Profile>}
 */
async function fetchProfile(fit, request, [low, high], signal) {
  try {
    const { arrays } = await postJson("v1/fits", { ...request, w_rec: { low, high }, keep: false }, signal);
    return { w_rec: arrays.profile_w_rec, cost: arrays.profile_cost };
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 422) throw error; // too large to be computed at once
    return /** @type {Promise<any>} */ (fetchTable(fit.links.profile_csv, signal));
  }
}

/** @param {string} path @param {AbortSignal} signal @returns {Promise<Record<string, number[]>>} the columns of a table of numbers */
async function fetchTable(path, signal) {
  const [header, ...lines] = (await receive((await send(path, { signal })).text(), signal)).trim().split(/\r?\n/);
  const rows = lines.map((line) => line.split(",").map((field) => (field === "" ? NaN : Number(field))));
  return Object.fromEntries(header.split(",").map((name, j) => [name, rows.map((row) => row[j])]));
}

/** Fetch a stored fit, and its data as a table. @param {string} id */
export async function fetchStored(id) {
  const { request } = await getJson(`v1/fits/${encodeURIComponent(id)}`);
  const text = await receive((await send(`v1/datasets/${request.dataset.id}.csv`)).text());
  return { request, text };
}
