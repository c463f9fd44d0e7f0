// The current request as a curl command, as Python code and as links.
import { hasKey } from "../lib/credentials.js";
import { html, setText } from "../lib/dom.js";
import { formatExact } from "../lib/format.js";
import { writeCurl, writePython } from "../lib/snippets.js";
import { throttle } from "../lib/throttle.js";
import { absoluteUrl } from "../model/api.js";
import {
  toDataset,
  toModel,
  toNetwork,
  toObjective,
  toTrace,
  toTrainingRun,
  toWeights,
  toWindow,
} from "../model/requests.js";
import { withShownWeights } from "../model/shown.js";
import { createBlock } from "./code_block.js";

/**
 * `result` has the keys of the result in the response.
 * @type {Record<string, (state: State, sample: Sample | null) => {path: string, body: object, result: (string |
 *   number)[]}>}
 */
const REQUESTS = {
  train: (state) => ({ path: "v1/training-runs", body: toTrainingRun(state), result: ["final"] }),
  trace: (state, sample) => ({
    path: "v1/gradient-trace",
    body: toTrace(state, sample),
    result: ["traces", 0, "gradient"],
  }),
  predict: (state, sample) => ({
    path: "v1/predict",
    body: { model: toModel(state), inputs: [sample?.inputs ?? []] },
    result: ["outputs"],
  }),
  evaluate: (state) => ({
    path: "v1/evaluate",
    body: { ...toObjective(state), points: [toWeights(state)] },
    result: ["evaluations", 0],
  }),
  check: (state) => ({
    path: "v1/gradient-check",
    body: { ...toObjective(state), weights: toWeights(state) },
    result: ["relative_error"],
  }),
  surface: (state) => ({
    path: "v1/cost-surface",
    body: { ...toObjective(state), windows: [toWindow(state)], points: [toWeights(state)] },
    result: ["windows", 0, "minimum"],
  }),
};

/**
 * Return the links to results for the current state.
 * @param {State} state @param {string[]} runs ids @param {string} theme
 * @returns {[string, string][]} text and path
 */
function listLinks(state, runs, theme) {
  const { view, w_in, w_rec } = state;
  const { kind: _, id: stored, ...generated } = /** @type {any} */ (toDataset(state));
  const dataset = stored ? { dataset: stored } : generated;
  const point = `${formatExact(w_in)},${formatExact(w_rec)}`;
  const trace = { ...dataset, ...toNetwork(state), point };
  const surface = { ...trace, w_in: `${view[0]},${view[1]}`, w_rec: `${view[2]},${view[3]}` };
  const picture = toQuery({ ...surface, ...(theme === "dark" && { theme }) }, runs);
  return [
    ["Surface PNG", `v1/cost-surface.png?${picture}`],
    ["Surface SVG", `v1/cost-surface.svg?${picture}`],
    ["Surface PDF", `v1/cost-surface.pdf?${picture}`],
    ["Surface JSON", `v1/cost-surface?${toQuery(surface)}`],
    ["Trace PNG", `v1/gradient-trace.png?${toQuery(trace)}`],
    ["Trace CSV", `v1/gradient-trace.csv?${toQuery(trace)}`],
    ["Trace JSON", `v1/gradient-trace?${toQuery(trace)}`],
    ...runs.map((id, k) => /** @type {[string, string]} */ ([`Run ${k + 1} JSON`, `v1/training-runs/${id}`])),
    ...runs.map(
      (id, k) => /** @type {[string, string]} */ ([`Run ${k + 1} CSV`, `v1/training-runs/${id}/trajectory.csv`]),
    ),
  ];
}

/** @param {Record<string, any>} parameters @param {string[]} [runs] ids */
function toQuery(parameters, runs = []) {
  const query = new URLSearchParams(Object.entries(parameters).map(([name, value]) => [name, String(value)]));
  for (const id of runs) query.append("run", id);
  return query.toString().replace(/%2C/g, ",");
}

/**
 * Show links in the elements that exist, so that a click succeeds while a run plays.
 * @param {Element} root
 * @param {[string, string][]} links
 */
function showLinks(root, links) {
  while (root.children.length > links.length) root.lastElementChild?.remove();
  while (root.children.length < links.length) root.append(html("a"));
  links.forEach(([text, path], index) => {
    setText(root.children[index], text);
    root.children[index].setAttribute("href", absoluteUrl(path));
  });
}

/** @param {Store} store @param {Record<string, any>} elements */
export function createCodePanel(store, elements) {
  const curl = createBlock("curl", "curl command");
  const python = createBlock("Python", "Python code");
  elements.code.append(curl.element, python.element);

  function show() {
    const shown = withShownWeights(store);
    const name = elements.request.value;
    const request = REQUESTS[name](name === "train" ? store.state : shown, store.sample);
    const url = absoluteUrl(request.path);
    setText(curl.code, writeCurl(url, request.body, hasKey));
    setText(python.code, writePython(url, request.body, request.result, hasKey));
    const runs = store.runs.flatMap(({ result }) => result.id ?? []);
    showLinks(elements.links, listLinks(shown, runs, document.documentElement.dataset.scheme ?? ""));
  }

  const showSoon = throttle(150, show); // also while a run plays
  elements.request.addEventListener("change", show);
  document.documentElement.addEventListener("themechange", showSoon);
  store.watch(/** @type {(keyof State)[]} */ (Object.keys(store.state)), showSoon);
  show();
}
