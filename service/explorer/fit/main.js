// The page of fits: a table and its columns lead to a fit, which the page draws and explains.
import { enableCopy } from "../lib/clipboard.js";
import { byId, createButton, html, setAttributes } from "../lib/dom.js";
import { formatNumber } from "../lib/format.js";
import { takeTable } from "../lib/handover.js";
import { LatestRequest, Problem, deleteAll, receive, send } from "../model/api.js";
import { readTable } from "../model/table.js";
import { closeDrawer, enableHeader } from "../views/drawers.js";
import { acceptFiles } from "../views/files.js";
import { showProblem } from "../views/problems.js";
import { DataChart, ProfileChart, ResidualChart, placeRows } from "./charts.js";
import { showCode } from "./code.js";
import { createControls } from "./controls.js";
import { showDoubts, showResult } from "./result.js";
import { fetchFit, fetchFitAt, fetchStored, seriesPath, storeSeries } from "./service.js";
import { recognizeColumns } from "./table.js";
import { toTime, withUnit } from "./units.js";

/** @typedef {import("./service.js").Answer} Answer */
/** @typedef {import("./service.js").Options} Options */
/** @typedef {import("./controls.js").Question} Question */

/** The examples, by their files, with the options that they need. @type {Record<string, {title: string, options?: Partial<Options>}>} */
const EXAMPLES = {
  room: { title: "A room that warms up" },
  advertising: { title: "Advertising and sales" },
  tank: { title: "A tank", options: { offset: false } },
  step_tests: { title: "Step tests of a plant", options: { delay: { low: 0, high: 8 } } },
  drug: { title: "A drug in the blood", options: { initial_state: 0, offset: false } },
  reservoir: { title: "Rain and runoff" },
  calcium: { title: "Calcium in a neuron" },
};
/** @type {Options} */ const DEFAULTS = { initial_state: "each", offset: true, delay: 0, noise: "white", w_rec: { low: 0, high: 1 } };

const NO_TARGET = new Problem("This table has no column of numbers", "It needs a header, and then one row per step.");

/** @type {Question | null} */ let question = null;
/** @type {Answer | null} */ let answer = null;
/** What was stored for the user's table, to be deleted on request. @type {Set<string>} */ const stored = new Set();
let example = "";
/** The table that was stored last. @type {{path: string, text: string, dataset: any}} */
let known = { path: "", text: "", dataset: null };

const data = new DataChart(byId("data-chart"));
const residuals = new ResidualChart(byId("residual-chart"));
const slider = byId("profile-slider");
const controls = createControls(ask);
const profile = new ProfileChart(byId("profile-chart"), slider, compareAt);

const fits = new LatestRequest(
  async (/** @type {Question} */ { table, columns, options }, signal) => {
    const path = seriesPath(columns);
    if (known.path !== path || known.text !== table.text) {
      known = { path, text: table.text, dataset: await storeSeries(path, table.text, signal) };
      stored.add(`v1/datasets/${known.dataset.id}`);
    }
    return fetchFit(known.dataset, options, (address) => stored.add(address), signal);
  },
  show,
  (problem, retry) => {
    showProblem("fit-problem", problem, retry);
    if (problem) show(null);
  },
);

const others = new LatestRequest(
  (/** @type {{of: Answer, w_rec: number}} */ { of, w_rec }, signal) => fetchFitAt(of, w_rec, signal).then((fit) => ({ of, fit })),
  ({ of, fit }) => of === answer && showOther(fit),
  (problem) => problem && showProblem("fit-problem", problem),
);

/** Fit the table with its columns and options. @param {Partial<Question>} change */
function ask(change) {
  if (!question) return;
  question = { ...question, ...change };
  controls.show(question);
  byId("story").setAttribute("aria-busy", "true");
  fits.send(question);
}

/** @param {string} name @param {string} text @param {Partial<Options>} [options] */
function load(name, text, options = {}) {
  try {
    const table = readTable(name, text);
    const columns = recognizeColumns(table);
    if (!table.hasHeader || !columns.target) throw NO_TARGET;
    question = { table, columns, options: { ...DEFAULTS, ...options } };
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    showProblem("fit-problem", problem);
    return;
  }
  stored.clear();
  closeDrawer();
  ask({});
}

/** @param {File | undefined} file */
async function loadFile(file) {
  if (file) loadOwn(file.name, await file.text());
}

/** @param {string} name @param {string} text */
function loadOwn(name, text) {
  example = byId("example").value = "";
  load(name, text);
}

/** @param {string} name */
async function loadExample(name) {
  try {
    const text = await receive((await send(`explorer/fit_examples/${name}.csv`)).text());
    example = byId("example").value = name;
    load(`${name}.csv`, text, EXAMPLES[name].options);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    showProblem("fit-problem", error, () => loadExample(name));
  }
}

/** Show a fit of the address again. @param {string} id */
async function restore(id) {
  try {
    const { request, text } = await fetchStored(id);
    const { initial_state, offset, delay, noise, w_rec } = request;
    load(`${request.dataset.id}.csv`, text, { initial_state, offset, delay, noise, w_rec });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const gone = new Problem("This server does not have the fit of this address", "Load the table again.", [], error.status);
    showProblem("fit-problem", error.status === 404 ? gone : error, () => restore(id));
  }
}

/** @param {Answer | null} result */
function show(result) {
  answer = result;
  others.cancel();
  byId("story").removeAttribute("aria-busy");
  const places = answer && placeRows(answer);
  data.show(answer, places);
  residuals.show(answer, places);
  profile.show(answer);
  showResult({ headline: byId("headline"), sentence: byId("sentence"), quality: byId("quality") }, answer);
  showDoubts(byId("doubts"), answer, (change) => question && ask({ options: { ...question.options, ...change } }));
  byId("story").dataset.fit = answer?.fit.id ?? "";
  byId("data-name").textContent = answer?.fit.target ?? "Data";
  byId("confidence").textContent = answer ? `${formatNumber(100 * answer.fit.request.confidence)} %` : "";
  slider.disabled = !answer;
  showOther(null);
  showStored();
  if (!answer || !question) return;
  const [low, high] = answer.window;
  setAttributes(slider, { min: low, max: high, step: (high - low) / 200 });
  slider.value = answer.fit.w_rec.value;
  showCode(answer, question.table.name, question.columns, question.options);
  history.replaceState(null, "", `#${answer.fit.id}`);
}

/** Ask for the fit of another w_rec. @param {number} w_rec */
function compareAt(w_rec) {
  if (!answer) return;
  profile.mark(w_rec);
  slider.value = w_rec;
  others.send({ of: answer, w_rec });
}

/** Show a fit with another w_rec beside the best one. @param {any} fit */
function showOther(fit) {
  const isShown = Boolean(fit && answer);
  byId("comparison").hidden = !isShown;
  byId("profile-hint").hidden = isShown;
  slider.setAttribute("aria-valuetext", "the best fit");
  data.compare(fit?.arrays ?? null);
  residuals.compare(fit?.arrays ?? null);
  if (!isShown || !answer) {
    profile.mark(null);
    return;
  }
  const { length, unit } = answer.fit.request.step;
  const time = toTime(fit.w_rec.value, length);
  const name = Number.isFinite(time) && time > 0 ? `Time constant ${withUnit(time, unit)}` : `w_rec ${formatNumber(fit.w_rec.value, 4)}`;
  const text = `${name}: typical error ${formatNumber(fit.rmse, 4)} instead of ${formatNumber(answer.fit.rmse, 4)}. `;
  slider.setAttribute("aria-valuetext", text);
  byId("comparison").replaceChildren(
    text,
    createButton("Back to the best", () => show(answer), { class: "small-button" }),
  );
}

/** Say where the data are, and offer to delete what the user has brought. */
function showStored() {
  const id = answer?.dataset.id;
  const remove = async () => {
    try {
      await deleteAll([...stored].sort().reverse()); // fits before the datasets that they use
      stored.clear();
      known = { path: "", text: "", dataset: null };
      question = null;
      byId("controls").hidden = true;
      byId("table-name").textContent = "The table and its fits are deleted.";
      history.replaceState(null, "", location.pathname);
      show(null);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      showProblem("fit-problem", error);
    }
  };
  const own = [`The table is stored on this server as ${id}. `, createButton("Delete it", remove, { class: "small-button", id: "delete" })];
  byId("stored").replaceChildren(...(!id ? [] : example ? ["Simulated, so the truth is known. Stored like any table."] : own));
}

await enableHeader();
acceptFiles(byId("file"), (file) => loadFile(file));
document.addEventListener("paste", ({ target, clipboardData }) => {
  const text = clipboardData?.getData("text") ?? "";
  const isTyped = /** @type {Element} */ (target).closest("input, textarea");
  if (!isTyped && text.trim().includes("\n")) loadOwn("pasted.csv", text);
});
byId("use-rows").addEventListener("click", () => loadOwn("pasted.csv", byId("rows").value));
byId("example").append(...Object.entries(EXAMPLES).map(([name, { title }]) => html("option", { value: name }, title)));
byId("example").addEventListener("change", () => byId("example").value && loadExample(byId("example").value));
enableCopy(
  byId("copy-link"),
  () => location.href,
  () => {},
  "See the address bar",
);
slider.addEventListener("input", () => compareAt(Number(slider.value)));
document.documentElement.addEventListener("themechange", () => answer && show(answer));
const openAddress = () => {
  const [, id] = /^#(fit_\w+)$/.exec(location.hash) ?? [];
  if (id) restore(id);
  return id;
};
addEventListener("hashchange", openAddress);
const table = takeTable();
if (table) loadOwn("table.csv", table);
else if (!openAddress()) loadExample("room");
document.documentElement.dataset.ready = "true";
