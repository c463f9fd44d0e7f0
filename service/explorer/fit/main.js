// The page of fits: a table and its columns lead to a fit, which the page draws and explains.
import { enableCopy } from "../lib/clipboard.js";
import { hasKey, refusals } from "../lib/credentials.js";
import { byId, createButton, html, setAttributes } from "../lib/dom.js";
import { formatNumber } from "../lib/format.js";
import { LatestRequest, Problem, receive, send } from "../model/api.js";
import { checkText } from "../model/tables.js";
import { closeDrawer, enableDrawers } from "../views/drawers.js";
import { showProblem } from "../views/problems.js";
import { showProgress } from "../views/progress.js";
import { DataChart, ProfileChart, ResidualChart, placeRows } from "./charts.js";
import { showCode } from "./code.js";
import { showDoubts, showResult } from "./result.js";
import { deleteAll, fetchFit, fetchFitAt, fetchStored, seriesPath, storeSeries } from "./service.js";
import { assignColumn, listInputs, readTable, recognizeColumns } from "./table.js";
import { toTime, withUnit } from "./units.js";

/** @typedef {import("./service.js").Answer} Answer */
/** @typedef {import("./service.js").Options} Options */
/** @typedef {{table: import("./table.js").Table, columns: import("./table.js").Columns, options: Options}} Question */

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
/** @type {Options} */ const DEFAULTS = { initial_state: "each", offset: true, delay: 0, noise: "white" };
const PARTS = /** @type {const} */ (["time", "target", "sequence"]);

/** @type {Question | null} */ let question = null;
/** @type {Answer | null} */ let answer = null;
/** What was stored for the user's table, to be deleted on request. @type {Set<string>} */ const stored = new Set();
let example = "";
/** The table that was stored last. @type {{path: string, text: string, dataset: any}} */
let known = { path: "", text: "", dataset: null };

const data = new DataChart(byId("data-chart"));
const residuals = new ResidualChart(byId("residual-chart"));
const slider = byId("profile-slider");
const profile = new ProfileChart(byId("profile-chart"), slider, compareAt);

const fits = new LatestRequest(
  async (/** @type {Question} */ { table, columns, options }, signal) => {
    const path = seriesPath(columns);
    if (known.path !== path || known.text !== table.text) {
      known = { path, text: table.text, dataset: await storeSeries(path, table.text, signal) };
      stored.add(`v1/datasets/${known.dataset.id}`);
    }
    const result = await fetchFit(known.dataset, options, showProgress("fit"), signal);
    stored.add(`v1/fits/${result.fit.id}`);
    return result;
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
  showControls();
  byId("story").setAttribute("aria-busy", "true");
  fits.send(question);
}

/** @param {string} name @param {string} text @param {Partial<Options>} [options] */
function load(name, text, options = {}) {
  try {
    checkText(text);
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    showProblem("fit-problem", problem);
    return;
  }
  const table = readTable(name, text);
  question = { table, columns: recognizeColumns(table), options: { ...DEFAULTS, ...options } };
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
    const { initial_state, offset, delay, noise } = request;
    load(`${request.dataset.id}.csv`, text, { initial_state, offset, delay, noise });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const isGone = error.status === 404;
    const gone = new Problem("This server does not have the fit of this address", "Load the table again.");
    showProblem("fit-problem", isGone ? gone : error, () => restore(id));
  }
}

/** @param {Answer | null} result */
function show(result) {
  answer = result;
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

function showControls() {
  if (!question) return;
  const { table, columns, options } = question;
  byId("controls").hidden = false;
  byId("table-name").textContent = `${table.name}, ${table.n_rows.toLocaleString("en")} rows`;
  for (const part of PARTS) {
    const names = table.columns.filter(({ name, kind }) => name && (part !== "target" || kind === "number")).map(({ name }) => name);
    const none = part === "target" ? [] : [html("option", { value: "" }, "none")];
    const select = byId(`${part}-column`);
    select.replaceChildren(...none, ...names.map((name) => html("option", { value: name }, name)));
    select.value = columns[part];
  }
  byId("inputs").replaceChildren(
    ...listInputs(table, columns).map((name) => {
      const box = html("input", { type: "checkbox", value: name });
      box.checked = columns.inputs.includes(name);
      box.addEventListener("change", changeInputs);
      return html("label", {}, box, name);
    }),
  );
  const delays = typeof options.delay === "number" ? { low: options.delay, high: options.delay } : options.delay;
  byId("delay-low").value = delays.low;
  byId("delay-high").value = delays.high;
  byId("offset").checked = options.offset;
  byId("initial_state").value = options.initial_state;
  byId("noise").value = options.noise;
}

function changeInputs() {
  if (!question) return;
  const boxes = /** @type {HTMLInputElement[]} */ ([...byId("inputs").querySelectorAll("input")]);
  const inputs = boxes.filter(({ checked }) => checked).map(({ value }) => value);
  const focused = /** @type {HTMLInputElement | null} */ (document.activeElement)?.value;
  ask({ columns: { ...question.columns, inputs } });
  byId("inputs")
    .querySelector(`input[value="${CSS.escape(focused ?? "")}"]`)
    ?.focus(); // the boxes are new ones
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
  byId("stored").replaceChildren(...(!id ? [] : example ? ["Simulated with known truth, and stored on this server like any table."] : own));
}

function enableControls() {
  for (const part of PARTS) {
    const select = byId(`${part}-column`);
    select.addEventListener("change", () => question && ask({ columns: assignColumn(question.columns, part, select.value) }));
  }
  const changeOptions = () => {
    if (!question) return;
    const [low, high] = ["delay-low", "delay-high"].map((id) => Math.max(0, Math.round(Number(byId(id).value) || 0)));
    const start = byId("initial_state").value;
    const options = {
      initial_state: start === "0" ? 0 : start,
      offset: byId("offset").checked,
      delay: low < high ? { low, high } : low,
      noise: byId("noise").value,
    };
    ask({ options });
  };
  for (const id of ["delay-low", "delay-high", "offset", "initial_state", "noise"]) byId(id).addEventListener("change", changeOptions);
  // A dead time that is known moves both ends.
  byId("delay-low").addEventListener(
    "input",
    () => (byId("delay-high").value = Math.max(byId("delay-low").value, byId("delay-high").value)),
  );
  slider.addEventListener("input", () => compareAt(Number(slider.value)));
}

function enableLink() {
  enableCopy(
    byId("copy-link"),
    () => location.href,
    () => {},
    "See the address bar",
  );
}

function enableFiles() {
  const root = document.documentElement;
  const file = byId("file");
  file.addEventListener("change", () => {
    loadFile(file.files[0]);
    file.value = ""; // so that the same file can be chosen again
  });
  const hasFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");
  root.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    root.classList.add("dropping");
  });
  root.addEventListener("dragleave", (event) => event.relatedTarget || root.classList.remove("dropping"));
  root.addEventListener("drop", (event) => {
    root.classList.remove("dropping");
    if (!hasFiles(event)) return;
    event.preventDefault();
    loadFile(event.dataTransfer?.files[0]);
  });
  document.addEventListener("paste", ({ target, clipboardData }) => {
    const text = clipboardData?.getData("text") ?? "";
    if (/** @type {Element} */ (target).closest("input, textarea") || !/[\n]/.test(text.trim())) return;
    loadOwn("pasted.csv", text);
  });
  byId("use-rows").addEventListener("click", () => loadOwn("pasted.csv", byId("rows").value));
  byId("example").append(...Object.entries(EXAMPLES).map(([name, { title }]) => html("option", { value: name }, title)));
  byId("example").addEventListener("change", () => byId("example").value && loadExample(byId("example").value));
}

const loadKeyDialog = async () => (await import("../views/api_key.js")).createKeyDialog();
if (hasKey) await loadKeyDialog();
else refusals.addEventListener("refused", async () => (await loadKeyDialog())(), { once: true });
enableDrawers(document);
enableControls();
enableFiles();
enableLink();
document.documentElement.addEventListener("themechange", () => answer && show(answer));
const [, id] = /^#(fit_\w+)$/.exec(location.hash) ?? [];
if (id) restore(id);
else loadExample("room");
document.documentElement.dataset.ready = "true";
