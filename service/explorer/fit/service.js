// What the page asks of the service about a series: to fit it, return the numbers that it draws, and delete them.
import { count } from "../lib/format.js";
import { Problem, deleteAll, getJson, postJson, receive, send } from "../model/api.js";
import { completeJob } from "../model/jobs.js";
import { storeTable, toRoles, writePath } from "../model/tables.js";
import { showProgress } from "../views/progress.js";

const MAX_NAME = 200; // characters of a file
const UNFITTED = "This cannot be fitted";
const POINT_SPAN = 3e-6; // the narrowest range of w_rec that a fit can have, with a margin

/** Return the address at which a table is stored. @param {Query} query @param {Table} table */
export function seriesPath(query, table) {
  const { time: _time, clock: _clock, sequence: _sequence, ...repairs } = query;
  const { target, inputs, ...others } = toRoles(table.columns);
  const given = Object.fromEntries(Object.entries(others).filter(([, name]) => name));
  return writePath("v1/datasets", { kind: "series", ...repairs, target, inputs, ...given });
}

/**
 * Store a table as a series.
 * @param {Source} source @param {string} path @param {AbortSignal} signal
 * @returns {Promise<Series>}
 */
export function storeSeries(source, path, signal) {
  const query = source.name ? `&${new URLSearchParams({ name: source.name.slice(0, MAX_NAME) })}` : "";
  return storeTable(source, path + query, signal);
}

/** @param {Series} dataset @param {FitOptions} options */
export const toFit = ({ id, inputs }, options) => ({
  dataset: { kind: "stored", id },
  ...options,
  ...(options.direct && { direct: options.direct.filter((name) => inputs.includes(name)) }),
});

/**
 * Fit a dataset, and fetch what is drawn.
 * @param {Question} question
 * @param {Series} dataset
 * @param {(path: string) => void} onStored called as soon as the fit has a path
 * @param {AbortSignal} signal @returns {Promise<Answer>}
 */
export async function fetchFit(question, dataset, onStored, signal) {
  const request = toFit(dataset, question.options);
  // Not aborted, because what is stored must be known to be deleted.
  const started = await postJson("v1/fits", request).catch((error) => {
    throw error instanceof Problem && error.errors.length ? describeRefusal(error, dataset) : error;
  });
  onStored(`v1/fits/${started.id}`);
  const fit = await completeJob(started, "fit", showProgress("fit", "steps"), signal);
  // Several states have several profiles, and a given w_rec has none.
  const hasProfile = fit.w_rec !== null && fit.request.w_rec.low < fit.request.w_rec.high;
  const [rows, profile] = await Promise.all([
    fetchTable(fit.links.csv, signal),
    hasProfile ? fetchTable(fit.links.profile_csv, signal) : { w_rec: [], cost: [], criterion: [] },
  ]);
  const drawn = {
    rows: /** @type {Rows} */ (rows),
    profile: /** @type {Answer["profile"]} */ (profile),
  };
  return { question, dataset, fit, ...drawn, window: chooseWindow(fit), isLarge: false };
}

/**
 * Return a refusal in the words of the page.
 * @param {Problem} problem @param {Series} dataset
 */
function describeRefusal({ errors: [{ pointer = "", detail }], members, status }, { n_samples }) {
  const { n_targets, n_unknowns, needed } = members;
  if (n_unknowns) {
    const found = `There ${n_targets === 1 ? "is" : "are"} ${count(n_targets, "target")} for ${n_unknowns} unknowns`;
    const few = `${found}; about ${needed} are needed. Use more rows or fewer inputs.`;
    const wrong = `There are ${n_samples} sequences; choose none if the rows are one recording.`;
    return new Problem(UNFITTED, n_samples > 1 ? `${few} ${wrong}` : few, [], status);
  }
  const name = Object.entries({ "/delay": "Dead time: ", "/w_rec": "Range of w_rec: " }).find(([start]) =>
    pointer.startsWith(start),
  )?.[1];
  return new Problem(UNFITTED, `${name ?? ""}${detail}.`, [], status);
}

const fillGaps = (/** @type {(number | null)[]} */ numbers) => numbers.map((number) => number ?? NaN);

/**
 * Fetch the best fit with one w_rec, or its error with the next one of the profile if that takes too long.
 * @param {Answer} answer
 * @param {number} w_rec
 * @param {AbortSignal} signal
 * @returns {Promise<Comparison>}
 */
export async function fetchFitAt(answer, w_rec, signal) {
  const { request } = answer.fit;
  const low = Math.min(w_rec, request.w_rec.high - POINT_SPAN);
  const fit = answer.isLarge ? null : await fetchAtOnce(request, low, low + POINT_SPAN, signal);
  if (fit) {
    const [prediction, innovation] = [fit.arrays.prediction, fit.arrays.innovation].map(fillGaps);
    return { w_rec, rmse: fit.rmse, rows: { prediction, innovation } };
  }
  answer.isLarge = true;
  const { profile } = answer;
  const next = profile.w_rec.findIndex((each) => each >= w_rec);
  return { w_rec: profile.w_rec[next], rmse: Math.sqrt(profile.cost[next]), rows: null };
}

/**
 * Return the range of w_rec to draw: the interval, the wider one and the minima, with the same again on either side.
 * @param {Fit} fit
 * @returns {[number, number]}
 */
function chooseWindow({ request: { w_rec: limits }, w_rec, trust, minima }) {
  const ends = [...(w_rec?.intervals ?? []), ...(trust.cautious ?? [])].flatMap(({ low, high }) => [
    low ?? limits.low,
    high ?? limits.high,
  ]);
  const shown = [...ends, ...minima.map((minimum) => minimum.w_rec)];
  const [low, high] = [Math.min(...shown), Math.max(...shown)];
  const margin = Math.max(high - low, 1e-4);
  return [Math.max(limits.low, low - margin), Math.min(limits.high, high + margin)];
}

/**
 * Fit again in a range of w_rec, without storing it and without a verdict; null if that takes too long.
 * @param {Fit["request"]} request @param {number} low @param {number} high @param {AbortSignal} signal
 * @returns {Promise<Present<Fit, "arrays"> | null>}
 */
async function fetchAtOnce(request, low, high, signal) {
  try {
    return await postJson("v1/fits", { ...request, w_rec: { low, high }, verdict: false, keep: false }, signal);
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 422) throw error;
    return null;
  }
}

/** Return the fields of a table, line by line. @param {string} path @param {AbortSignal} signal */
export async function fetchFields(path, signal) {
  const text = await receive((await send(path, { signal })).text(), signal);
  return text
    .trim()
    .split(/\r?\n/)
    .map((line) => line.split(","));
}

export const readNumber = (/** @type {string} */ field) => (field === "" ? NaN : Number(field));

/**
 * @param {string} path
 * @param {AbortSignal} signal
 * @returns {Promise<Record<string, any[]>>} the columns of a table of numbers, and of times as text
 */
async function fetchTable(path, signal) {
  const [header, ...rows] = await fetchFields(path, signal);
  const read = (/** @type {string} */ name, /** @type {string} */ field) =>
    name === "time" ? field : readNumber(field);
  return Object.fromEntries(header.map((name, j) => [name, rows.map((row) => read(name, row[j]))]));
}

/** Fetch the request of a stored fit, and its data as a table. @param {string} id */
export async function fetchStored(id) {
  const { request } = await getJson(`v1/fits/${encodeURIComponent(id)}`);
  // The table of a fit of one sequence has no others.
  const isPart = request.dataset.sequence !== undefined;
  const stored = isPart ? await postJson("v1/datasets", request.dataset) : request.dataset;
  const path = `v1/datasets/${stored.id}`;
  const dataset = stored.id ? await getJson(path) : stored;
  if (dataset.kind !== "series") {
    throw new Problem("This page cannot show the fit of this link", "Its data have one target per sequence.", [], 422);
  }
  return { request, dataset, text: await receive((await send(`${path}.csv`)).text()) };
}

/** Delete fits, and datasets with all fits that use them. @param {Set<string>} paths */
export async function deleteStored(paths) {
  for (const path of [...paths].sort().reverse()) {
    await (path.includes("/fits/") ? deleteFit(path) : deleteDataset(path));
  }
}

/** @param {string} path */
async function deleteDataset(path) {
  try {
    await deleteAll([path]);
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 409) throw error;
    const others = error.members.referrers.filter((/** @type {string} */ id) => !id.startsWith("fit_"));
    if (others.length) throw new Problem("The table is still stored", `${others.join(", ")} use it.`, [], error.status);
    for (const id of error.members.referrers) await deleteFit(`v1/fits/${id}`);
    await deleteDataset(path); // as a conflict lists some of the fits only
  }
}

/** Delete a fit, also one that is not finished. @param {string} path */
async function deleteFit(path) {
  try {
    await deleteAll([path]);
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 409) throw error;
    await postJson(`${path}/cancel`, {});
    await deleteAll([path]);
  }
}
