// The page of fits: a table and its columns lead to a fit, which the page draws and explains.
import { enableCopy } from "../lib/clipboard.js";
import { byId, createButton, html, setAttributes } from "../lib/dom.js";
import { formatNumber } from "../lib/format.js";
import { takeTable } from "../lib/handover.js";
import { LatestRequest, Problem, receive, send } from "../model/api.js";
import { readTable } from "../model/table.js";
import { closeDrawer, enableHeader } from "../views/drawers.js";
import { acceptFiles } from "../views/files.js";
import { showProblem } from "../views/problems.js";
import { DataChart, ProfileChart, ResidualChart, placeRows } from "./charts.js";
import { showCode } from "./code.js";
import { createControls } from "./controls.js";
import { showDoubts, showResult } from "./result.js";
import { Refusal, deleteStored, fetchFit, fetchFitAt, fetchStored, seriesPath, storeSeries } from "./service.js";
import { recognizeColumns } from "./table.js";
import { toTime, typeset, withUnit } from "./units.js";

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

/** @type {Question | null} */ let question = null;
/** @type {Answer | null} */ let answer = null;
/** What was stored for the user's table, to be deleted on request. @type {Set<string>} */ const stored = new Set();
let example = "";
/** The table that was stored last. @type {{path: string, text: string, dataset: any}} */ let known = { path: "", text: "", dataset: null };

const data = new DataChart(byId("data-chart"));
const residuals = new ResidualChart(byId("residual-chart"));
const slider = byId("profile-slider");
const controls = createControls(ask);
const profile = new ProfileChart(byId("profile-chart"), slider, compareAt);

const fits = new LatestRequest(
  async (/** @type {Question} */ asked, signal) => {
    const path = seriesPath(asked.columns);
    const { text } = asked.table;
    if (known.path !== path || known.text !== text) {
      known = { path, text, dataset: await storeSeries(asked, signal) };
      stored.add(`v1/datasets/${known.dataset.id}`);
    }
    return fetchFit(asked, known.dataset, (address) => stored.add(address), signal);
  },
  show,
  fail,
);

const others = new LatestRequest(
  (/** @type {{of: Answer, w_rec: number}} */ { of, w_rec }, signal) => fetchFitAt(of, w_rec, signal).then((fit) => ({ of, fit })),
  ({ of, fit }) => of === answer && showOther(fit),
  (problem) => problem && showProblem("fit-problem", problem),
);

/** Show why there is no table. @param {string} name @param {Problem} problem @param {() => void} [retry] */
function reject(name, problem, retry) {
  clear(name);
  showProblem("fit-problem", problem, retry);
}

/** Show why there is no result, or no longer. @param {Problem | null} problem @param {() => void} [retry] */
function fail(problem, retry) {
  showProblem("fit-problem", problem, retry);
  if (!problem) return;
  if (!problem.isTemporary) history.replaceState(null, "", location.pathname);
  show(null);
  const remedy = problem instanceof Refusal && problem.remedy;
  if (remedy) byId("fit-problem").append(createButton(remedy.action, () => change(remedy.change)));
}

/** Fit with other options. @param {Partial<Options>} options */
function change(options) {
  if (question) ask({ options: { ...question.options, ...options } });
}

/** Fit the table with its columns and options. @param {Partial<Question>} changes */
function ask(changes) {
  if (!question) return;
  question = { ...question, ...changes };
  controls.show(question);
  byId("story").setAttribute("aria-busy", "true");
  if (!answer) byId("sentence").textContent = "Fitting…";
  byId("copy-link").disabled = true; // the address is still that of the fit before
  fits.send(question);
}

/** @param {string} name @param {string} text @param {Partial<Options>} [options] */
function load(name, text, options = {}) {
  try {
    const table = readTable(name, text);
    question = { table, columns: recognizeColumns(table), options: { ...DEFAULTS, ...options } };
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    reject(name, problem);
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

/** @param {string} name @param {string} text @param {Partial<Options>} [options] */
function loadOwn(name, text, options) {
  example = byId("example").value = "";
  load(name, text, options);
}

/** @param {string} name */
async function loadExample(name) {
  try {
    const text = await receive((await send(`explorer/fit_examples/${name}.csv`)).text());
    example = byId("example").value = name;
    load(`${name}.csv`, text, EXAMPLES[name].options);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    reject("", error, () => loadExample(name));
  }
}

/** Show a fit of the address again. @param {string} id */
async function restore(id) {
  try {
    const { request, name, text } = await fetchStored(id);
    const { initial_state, offset, delay, noise, w_rec } = request;
    loadOwn(name, text, { initial_state, offset, delay, noise, w_rec });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const gone = new Problem("This link's fit has been deleted", "Load its table again, if you have it.", [], error.status);
    reject("", error.status === 404 ? gone : error, () => restore(id));
  }
}

/** @param {Answer | null} result */
function show(result) {
  answer = result;
  others.cancel();
  byId("story").removeAttribute("aria-busy");
  byId("copy-link").disabled = !answer;
  byId("fit").toggleAttribute("data-empty", !answer);
  showResult({ headline: byId("headline"), sentence: byId("sentence"), quality: byId("quality") }, answer);
  showDoubts(byId("doubts"), answer, change);
  byId("story").dataset.fit = answer?.fit.id ?? "";
  if (answer) history.replaceState(null, "", `#${answer.fit.id}`);
  showStored();
  if (!answer) return;
  const places = placeRows(answer);
  data.show(answer, places);
  residuals.show(answer, places);
  profile.show(answer);
  showOther(null);
  byId("data-name").textContent = answer.fit.target;
  byId("confidence").textContent = `${formatNumber(100 * answer.fit.request.confidence)} %`;
  const [low, high] = answer.window;
  setAttributes(slider, { min: low, max: high, step: (high - low) / 200 });
  slider.value = answer.fit.w_rec.value;
  byId("residual-source").textContent =
    answer.fit.rho === null ? "the fit does not explain" : "the fit and the autocorrelation do not explain";
  showCode(answer);
}

/** Ask for the fit of another w_rec. @param {number} w_rec */
function compareAt(w_rec) {
  if (!answer) return;
  profile.mark(w_rec);
  slider.value = w_rec;
  others.send({ of: answer, w_rec });
}

/** Show a fit with another w_rec beside the best one. @param {Awaited<ReturnType<typeof fetchFitAt>> | null} fit */
function showOther(fit) {
  const isShown = Boolean(fit && answer);
  byId("comparison").hidden = !isShown;
  byId("profile-hint").hidden = isShown;
  slider.setAttribute("aria-valuetext", "the best fit");
  data.compare(fit?.rows ?? null);
  residuals.compare(fit?.rows ?? null);
  if (!fit || !answer) {
    profile.mark(null);
    return;
  }
  const { length, unit } = answer.fit.request.step;
  const time = toTime(fit.w_rec, length);
  const name = Number.isFinite(time) && time > 0 ? `Time constant ${withUnit(time, unit)}` : `w_rec ${formatNumber(fit.w_rec, 4)}`;
  const text = `${name}: typical error ${formatNumber(fit.rmse, 4)} instead of ${formatNumber(answer.fit.rmse, 4)}. `;
  slider.setAttribute("aria-valuetext", text);
  byId("comparison").replaceChildren(
    ...typeset(text),
    createButton("Back to the best", () => show(answer), { class: "small-button" }),
  );
}

/** Say where the data are, and offer to delete what the user has brought. */
function showStored() {
  const id = answer?.dataset.id;
  const offer = createButton("Delete it", remove, { class: "small-button", id: "delete" });
  const own = [`The table is stored on this server as ${id}. `, offer];
  byId("stored").replaceChildren(...(!id ? [] : example ? ["Simulated, so the truth is known. Stored like any table."] : own));
}

/** Delete the table from the server, with its fits. */
async function remove() {
  if (!confirm("Delete the table from the server, with all fits of it, also those of others?")) return;
  fits.cancel();
  try {
    await deleteStored(stored);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    showProblem("fit-problem", error);
    return;
  }
  stored.clear();
  known = { path: "", text: "", dataset: null };
  clear("The table and its fits are deleted.");
}

/** Show no table and no result. @param {string} name what is said in place of a table */
function clear(name) {
  fits.cancel();
  question = null;
  byId("controls").hidden = true;
  byId("table-name").textContent = name;
  history.replaceState(null, "", location.pathname);
  show(null);
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
