// The user's data: uploaded, described, and the view that suits them.
import { FULL_VIEW, niceStep } from "../lib/scales.js";
import { Problem, deleteAll, getJson, postJson, postBody, receive, send } from "./api.js";
import { toNetwork } from "./requests.js";

/** Written by scripts/example_data.py. */
export const EXAMPLE_DATA = [
  {
    file: "exact_counts.csv",
    id: "ds_1353fc5925e04b213c4062acaef15377",
    title: "Exact counts",
    note: "Synthetic data: random bits. The target is the number of ones, so weights of (1, 1) fit exactly.",
  },
  {
    file: "noisy_counts.csv",
    id: "ds_49e28cb12b16ee46c0fc4fd51c90833f",
    title: "Noisy counts",
    note:
      "Synthetic data: random bits. " +
      "The target is the number of ones plus normal noise with standard deviation 0.5.",
  },
  {
    file: "decaying_sum.csv",
    id: "ds_42410c2e6eab2c70a5db98a726735b91",
    title: "Decaying sum",
    note:
      "Synthetic data: daily doses. Each day 80 % of the level remains, and half of the dose is added. " +
      "The target is the last level plus normal noise with standard deviation 0.05, " +
      "so the weights are about (0.5, 0.8).",
  },
];

const MARGIN = 0.85; // of half a view, the largest distance of the optimum
const LONG = 20; // steps; with more, costs at |w_rec| = 3 are astronomic
const LONG_REACH = 1.5;

/** Keep a view within the limits of the page. @param {number} size */
const clamp = (size) => Math.min(1e8, Math.max(1e-8, size));

/** The collections of what may use a dataset, by the prefixes of their ids. @type {Record<string, string>} */
const COLLECTIONS = { run: "training-runs", map: "basin-maps", fit: "fits" };

/**
 * Delete a dataset, after all computations that use it, and return the id of none.
 * @param {string} id
 * @returns {Promise<string>}
 */
export async function deleteDataset(id) {
  try {
    await deleteAll([`v1/datasets/${id}`]);
    return "";
  } catch (error) {
    if (!(error instanceof Problem && error.members.referrers)) throw error;
    const paths = error.members.referrers.map(
      (/** @type {string} */ referrer) => `v1/${COLLECTIONS[referrer.split("_")[0]]}/${referrer}`,
    );
    for (const path of paths) await postJson(`${path}/cancel`, {}).catch(() => {}); // it may have finished
    await deleteAll(paths);
    return deleteDataset(id); // the service names ten at a time
  }
}

/** Store an example, and return the id of the dataset. @param {typeof EXAMPLE_DATA[number]} example */
export async function uploadExample({ file }) {
  const table = await receive((await send(new URL(`../examples/${file}`, import.meta.url).href)).text());
  return (await postBody("v1/datasets", table, "text/csv")).id;
}

/**
 * Fetch the summary of the user's data, and the view that suits them.
 * @param {State} state @returns {Promise<{summary: Summary, view: number[]}>}
 */
export async function fetchOwnData(state) {
  const summary = await fetchSummary(state.dataset);
  // Whatever the activation is, the best linear network shows the size of the weights.
  const body = {
    dataset: { kind: "stored", id: state.dataset },
    network: { ...toNetwork(state), activation: "identity" },
  };
  const { weights } = await postJson("v1/optimum", body);
  return { summary, view: chooseView(weights, summary.n_steps) };
}

/** Fetch a summary, also that of an example which this server does not have yet. @param {string} id */
export async function fetchSummary(id) {
  await storeExample(id);
  return getJson(`v1/datasets/${id}`).catch((error) => {
    throw error.status === 404
      ? new Problem("This server does not have the data of this address", "Load the file again.", [], 404)
      : error;
  });
}

/** Store the data of an id if they are an example. @param {string} id */
export async function storeExample(id) {
  const example = EXAMPLE_DATA.find((each) => each.id === id);
  if (example) await uploadExample(example).catch(() => {}); // reported when the data are fetched
}

/**
 * Return the view around zero that contains an optimum.
 * @param {{w_in: number | null, w_rec: number | null}} optimum @param {number} n_steps
 */
export function chooseView({ w_in, w_rec }, n_steps) {
  const [, reach] = FULL_VIEW;
  const size = Math.abs(w_in ?? 0) || 1;
  const x = size > MARGIN * reach || size < 0.1 * reach ? niceStep(1.8 * clamp(size)) : reach;
  const usual = n_steps > LONG ? LONG_REACH : reach;
  const y = Math.abs(w_rec ?? 0) > MARGIN * usual ? niceStep(1.3 * clamp(Math.abs(w_rec ?? 0))) : usual;
  return [-x, x, -y, y];
}
