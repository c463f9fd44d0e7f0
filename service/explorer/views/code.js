// The same question from a terminal, from Python, from an address bar.
// @ts-check
import { address } from "../model/api.js";
import { byId, debounced, html } from "../lib/dom.js";
import { plain } from "../lib/format.js";
import { datasetOf, inputsOf, networkOf, pointOf, windowOf } from "../model/data.js";
import { runQuestion } from "./training.js";

/**
 * @typedef {import("../model/state.js").State} State
 * @typedef {{path: string, body: object, take: string}} Question
 */

/** @type {Record<string, (state: State) => Question>} */
const QUESTIONS = {
  train: (state) => ({ path: "v1/training-runs", body: runQuestion(state), take: '["final"]' }),
  trace: (state) => ({
    path: "v1/gradient-trace",
    body: { dataset: datasetOf(state), network: networkOf(state), points: [pointOf(state)] },
    take: '["traces"][0]["gradient"]',
  }),
  predict: (state) => ({
    path: "v1/predict",
    body: { model: { kind: "weights", ...pointOf(state), ...networkOf(state) }, inputs: inputsOf(state) },
    take: '["outputs"]',
  }),
  surface: (state) => ({
    path: "v1/cost-surface",
    body: { dataset: datasetOf(state), network: networkOf(state), windows: [windowOf(state)], points: [pointOf(state)] },
    take: '["windows"][0]["minimum"]',
  }),
};

/** @param {Question} question */
export function curlLine({ path, body }) {
  return `curl '${address(path)}' -H 'Content-Type: application/json' \\\n  -d '${JSON.stringify(body)}'`;
}

/** @param {Question} question */
export function pythonLine({ path, body, take }) {
  return `import httpx\n\nprint(httpx.post("${address(path)}", json=${python(body)}).json()${take})`;
}

/** @param {any} value @returns {string} */
function python(value) {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(python).join(", ")}]`;
  if (typeof value !== "object") return JSON.stringify(value);
  return `{${Object.entries(value).map(([key, each]) => `"${key}": ${python(each)}`).join(", ")}}`;
}

/** The data and the network, as a GET takes them. @param {State} state */
function parameters(state) {
  const { n_samples, n_steps, seed, noise } = state;
  return { n_samples, n_steps, seed, noise, ...networkOf(state) };
}

/** @param {State} state @param {string} theme @returns {[string, string][]} text and address */
function links(state, theme) {
  const { view, w_in, w_rec, runs } = state;
  const point = `${plain(w_in)},${plain(w_rec)}`;
  const look = new URLSearchParams(Object.entries({ ...parameters(state), point }).map(([k, v]) => [k, String(v)]));
  const surface = new URLSearchParams(look);
  surface.set("w_in", `${view[0]},${view[1]}`);
  surface.set("w_rec", `${view[2]},${view[3]}`);
  const drawn = new URLSearchParams(surface);
  runs.forEach((id) => drawn.append("run", id));
  if (theme === "dark") drawn.set("theme", "dark");
  const readable = (/** @type {URLSearchParams} */ query) => query.toString().replace(/%2C/g, ",");
  /** @type {[string, string][]} */
  const found = [
    ...["png", "svg", "pdf"].map((suffix) => /** @type {[string, string]} */ ([`Surface ${suffix}`, `v1/cost-surface.${suffix}?${readable(drawn)}`])),
    ["Surface JSON", `v1/cost-surface?${readable(surface)}`],
    ["Trace png", `v1/gradient-trace.png?${readable(look)}`],
    ["Trace csv", `v1/gradient-trace.csv?${readable(look)}`],
    ["Trace JSON", `v1/gradient-trace?${readable(look)}`],
  ];
  runs.forEach((id, index) => {
    const name = runs.length > 1 ? `Run ${index + 1}` : "Run";
    found.push([`${name} JSON`, `v1/training-runs/${id}`], [`${name} csv`, `v1/training-runs/${id}/trajectory.csv`]);
  });
  return found;
}

/** @param {import("../model/state.js").Store} store */
export function startCode(store) {
  let theme = "light";
  const blocks = { curl: block("curl"), python: block("Python") };
  byId("code").append(blocks.curl.element, blocks.python.element);

  function show() {
    const question = QUESTIONS[byId("question").value](store.state);
    blocks.curl.text.textContent = curlLine(question);
    blocks.python.text.textContent = pythonLine(question);
    byId("links").replaceChildren(...links(store.state, theme).map(([text, path]) => html("a", { href: address(path) }, text)));
  }

  const soon = debounced(150, show);
  byId("question").addEventListener("change", show);
  document.documentElement.addEventListener("themechange", (event) => {
    theme = /** @type {CustomEvent} */ (event).detail;
    soon();
  });
  const told = /** @type {(keyof State)[]} */ (Object.keys(store.state)).filter((key) => key !== "frame");
  store.watch(told, soon);
  show();
}

/** @param {string} title */
function block(title) {
  const text = html("code");
  const copy = html("button", { type: "button", "aria-label": `Copy the ${title} line` }, "Copy");
  copy.addEventListener("click", async () => {
    copy.textContent = (await copied(text)) ? "Copied" : "Selected";
    setTimeout(() => (copy.textContent = "Copy"), 1500);
  });
  const header = html("header", {}, html("h3", {}, title), copy);
  const code = html("pre", { tabindex: 0, role: "group", "aria-label": `${title} line` }, text);
  return { element: html("div", { class: "block" }, header, code), text };
}

/** Copy, or at least select where the clipboard is closed. @param {HTMLElement} text */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text.textContent ?? "");
    return true;
  } catch {
    getSelection()?.selectAllChildren(text);
    return false;
  }
}
