// The page of fits: a table and its columns lead to a fit, which the page draws and explains.
import { enableCopy } from "../lib/clipboard.js";
import { byId, createButton, html, setAttributes } from "../lib/dom.js";
import { takeTable } from "../lib/handover.js";
import { LatestRequest } from "../model/api.js";
import { readTable } from "../model/table.js";
import { closeDrawer, enableHeader } from "../views/drawers.js";
import { acceptFiles } from "../views/files.js";
import { showProblem } from "../views/problems.js";
import { createDataChart, createResidualChart } from "./charts.js";
import { createCode } from "./code.js";
import { createControls } from "./controls.js";
import { DEFAULTS, EXAMPLES, Loader } from "./loader.js";
import { createProfile } from "./profile.js";
import { describeRepairs } from "./repair.js";
import { createResult } from "./result.js";
import { Refusal, fetchFit, seriesPath, storeSeries } from "./service.js";
import { Store } from "./store.js";
import { recognizeColumns } from "./table.js";
import { Visits } from "./visits.js";

/** @typedef {import("./repair.js").Repair} Repair */

const store = new Store();

const fits = new LatestRequest(
  async (/** @type {Question} */ question, signal) => {
    const path = seriesPath(question.columns);
    const { text } = question.table;
    const isStored = store.upload.path === path && store.upload.text === text;
    const dataset = (isStored && store.upload.dataset) || (await storeSeries(question, signal));
    store.upload = { path, text, dataset };
    store.stored.add(`v1/datasets/${dataset.id}`);
    return fetchFit(question, dataset, (address) => store.stored.add(address), signal);
  },
  (answer) => {
    store.set({ answer, other: null, isBusy: false });
    visits.add({ question: answer.question, answer, example: store.example, stored: store.stored });
  },
  fail,
);

const visits = new Visits(({ example, stored, ...visit }) => {
  fits.cancel();
  showProblem("fit-problem", null);
  store.stored = stored;
  store.example = byId("example").value = example;
  store.set({ ...visit, other: null, isBusy: false });
});

const loader = new Loader({
  store,
  use(table, options, columns) {
    store.stored = new Set();
    closeDrawer();
    store.question = { table, columns: columns ?? recognizeColumns(table), options: { ...DEFAULTS, ...options } };
    ask({});
  },
  clear(name) {
    fits.cancel();
    byId("table-name").textContent = name;
    visits.leave();
    store.set({ question: null, answer: null, other: null, isBusy: false });
  },
  forget: () => visits.clear(),
});

/**
 * Show why there is no result, or no longer.
 * @param {import("../model/api.js").Problem | null} problem
 * @param {() => void} [retry]
 */
function fail(problem, retry) {
  showProblem("fit-problem", problem, retry);
  if (!problem) return;
  if (!problem.isTemporary) visits.leave();
  store.set({ answer: null, other: null, isBusy: false });
  if (problem instanceof Refusal) {
    byId("fit-problem").append(...problem.repairs.map((each) => createButton(each.action, () => repair(each))));
  }
}

/** Fit the table with another text or with other columns. @param {Repair} repair */
function repair({ text, columns }) {
  if (!store.question) return;
  const { table, columns: chosen } = store.question;
  const repaired = text === undefined ? table : { ...readTable(table.name, text), isRewritten: true };
  // The columns keep their places, but a line of units may append to their names.
  const rename = (/** @type {string} */ name) =>
    repaired.columns[table.columns.findIndex((each) => each.name === name)]?.name ?? "";
  const [time, target, sequence] = [chosen.time, chosen.target, chosen.sequence].map(rename);
  ask({
    table: repaired,
    columns: { ...chosen, time, target, sequence, inputs: chosen.inputs.map(rename), ...columns },
  });
}

/** Fit with other options. @param {Partial<FitOptions>} options */
function change(options) {
  if (store.question) ask({ options: { ...store.question.options, ...options } });
}

/** Fit the table with its columns and options. @param {Partial<Question>} changes */
function ask(changes) {
  if (!store.question) return;
  const question = { ...store.question, ...changes };
  store.set({ question, isBusy: true });
  fits.send(question);
}

createControls(store, ask);
createResult(store, change);
createDataChart(byId("data-chart"), store);
createResidualChart(byId("residual-chart"), store);
createProfile(byId("profile-chart"), store);
createCode(store);

store.watch(["answer", "isBusy"], () => {
  const { answer, isBusy, question } = store;
  const repairs = answer ? describeRepairs(answer.question).join(", ") : "";
  setAttributes(byId("story"), { "aria-busy": isBusy ? "true" : null });
  byId("story").dataset.fit = answer?.fit.id ?? "";
  byId("fit").toggleAttribute("data-empty", !answer && !isBusy); // its boxes stand from the start
  byId("fit").toggleAttribute("data-stale", isBusy && Boolean(answer) && answer?.question.table !== question?.table);
  byId("repairs").textContent = repairs && `The table was repaired: ${repairs}.`;
  byId("copy-link").disabled = isBusy || !answer; // the address is still that of the fit before
  if (isBusy && !answer) byId("sentence").textContent = "Fitting…";
});

await enableHeader();
acceptFiles(byId("file"), async (file) => file && loader.loadOwn(file.name, await file.text()));
document.addEventListener("paste", ({ target, clipboardData }) => {
  const text = clipboardData?.getData("text") ?? "";
  const isTyped = /** @type {Element} */ (target).closest("input, textarea");
  if (!isTyped && text.trim().includes("\n")) loader.loadPasted(text);
});
byId("use-rows").addEventListener("click", () => loader.loadPasted(byId("rows").value));
byId("example").append(...Object.entries(EXAMPLES).map(([name, { title }]) => html("option", { value: name }, title)));
byId("example").addEventListener("change", () => byId("example").value && loader.loadExample(byId("example").value));
enableCopy(
  byId("copy-link"),
  () => location.href,
  () => {},
  "See the address bar",
);
const openAddress = () => {
  const [, id] = /^#(fit_\w+)$/.exec(location.hash) ?? [];
  if (id && id !== store.answer?.fit.id) loader.restore(id);
  return id;
};
addEventListener("hashchange", openAddress);
const handedOver = takeTable();
if (handedOver) loader.loadOwn("table.csv", handedOver);
else if (!openAddress()) loader.loadExample(Object.keys(EXAMPLES)[0]);
document.documentElement.dataset.ready = "true";
