// The page of fits: a table and the roles of its columns lead to a fit, which the page draws and explains.
import { enableCopy } from "../lib/clipboard.js";
import { byId, html, setAttributes } from "../lib/dom.js";
import { takeTable } from "../lib/handover.js";
import { LatestRequest } from "../model/api.js";
import { Refusal, readTable } from "../model/tables.js";
import { closeDrawer, enableHeader } from "../views/drawers.js";
import { acceptFiles } from "../views/files.js";
import { showProblem } from "../views/problems.js";
import { createRepairs } from "../views/table_strip.js";
import { createAhead } from "./ahead.js";
import { createDataChart, createResidualChart } from "./charts.js";
import { createCode } from "./code.js";
import { createControls } from "./controls.js";
import { createContributionChart, createResponseChart } from "./effects.js";
import { DEFAULTS, EXAMPLES, Loader } from "./loader.js";
import { createProfile } from "./profile.js";
import { createResult } from "./result.js";
import { fetchFit, seriesPath, storeSeries } from "./service.js";
import { Store } from "./store.js";
import { createStrip } from "./strip.js";
import { Visits } from "./visits.js";

const store = new Store();

const fits = new LatestRequest(
  async (/** @type {Question} */ question, signal) => {
    const { source, query } = question;
    const table = question.table ?? (await readTable(source, query, signal));
    const read = { ...question, table };
    if (store.question === question) store.set({ question: read });
    const error = table.problems.find(({ is_error }) => is_error);
    if (error) throw new Refusal(error);
    const [path, { body }] = [seriesPath(query, table), source];
    const isStored = store.upload?.path === path && store.upload.body === body;
    const dataset = (isStored && store.upload?.dataset) || (await storeSeries(source, path, signal));
    store.upload = { path, body, dataset };
    source.stored.add(`v1/datasets/${dataset.id}`);
    return fetchFit(read, dataset, (address) => source.stored.add(address), signal);
  },
  (answer) => finish({ question: answer.question, answer, problem: null }),
  (problem, retry) => problem && fail(problem, retry),
);

const visits = new Visits((visit) => {
  fits.cancel();
  store.set({ ...visit, other: null, isBusy: false });
  showFailure();
});

const loader = new Loader({
  store,
  use(source, options, read) {
    closeDrawer();
    const question = { source, query: {}, table: null, options: { ...DEFAULTS, ...options }, ...read };
    store.set({ question, answer: null, problem: null, isBusy: true });
    send(question);
  },
  fail(problem, retry) {
    fits.cancel();
    store.question = null;
    fail(problem, retry);
  },
  forget() {
    visits.clear();
    store.upload = null;
    finish({ question: null, answer: null, problem: null });
    byId("table-name").textContent = "The table and its fits are deleted.";
  },
});

/** Show why there is no result, or no longer. @param {Problem} problem @param {() => void} [retry] */
function fail(problem, retry) {
  finish({ question: store.question, answer: null, problem });
  showFailure(retry);
}

/** Show an outcome, which Back returns to. @param {Visit} visit */
function finish(visit) {
  store.set({ ...visit, other: null, isBusy: false });
  if (!visit.problem?.isTemporary) visits.add(visit);
}

/** Show the problem in the place of the result, with its repairs. @param {() => void} [retry] */
function showFailure(retry) {
  const { problem } = store;
  showProblem("fit-problem", problem, retry);
  if (problem instanceof Refusal) byId("fit-problem").append(...createRepairs(problem.repairs, repair));
}

/** Read the table again with further query parameters. @param {Query} query */
const repair = (query) => ask({ query: { ...store.question?.query, ...query }, table: null });

/** Fit with other options. @param {Partial<FitOptions>} options */
function change(options) {
  if (store.question) ask({ options: { ...store.question.options, ...options } });
}

/** Fit the table with its query and options. @param {Partial<Question>} changes */
function ask(changes) {
  if (!store.question) return;
  const question = { ...store.question, ...changes };
  store.set({ question, problem: null, isBusy: true });
  send(question);
}

/** Fit the table of a question. The outcome of the one before would replace it. @param {Question} question */
function send(question) {
  fits.cancel();
  fits.send(question);
}

createStrip(store, repair);
createControls(store, change);
createResult(store, change);
createDataChart(byId("data-chart"), store);
createResidualChart(byId("residual-chart"), store);
createProfile(byId("profile-chart"), store);
createContributionChart(store);
createResponseChart(store);
createAhead(store);
createCode(store);

store.watch(["answer", "isBusy"], () => {
  const { answer, isBusy, question, problem } = store;
  setAttributes(byId("story"), { "aria-busy": isBusy ? "true" : null });
  byId("story").dataset.fit = answer?.fit.id ?? "";
  byId("fit").toggleAttribute("data-empty", !answer && !isBusy); // its boxes stand from the start
  byId("fit").toggleAttribute("data-waiting", !answer && isBusy); // for the first fit of a table
  byId("controls").hidden = !question;
  byId("example").value = question?.source.example ?? "";
  byId("copy-link").disabled = isBusy || !answer; // the address is still that of the fit before
  if (isBusy && !answer) byId("sentence").textContent = "Fitting…";
  if (isBusy && !problem) showProblem("fit-problem", null);
});

await enableHeader();
acceptFiles(byId("file"), (file) => loader.loadFile(file));
document.addEventListener("paste", ({ target, clipboardData }) => {
  const text = clipboardData?.getData("text") ?? "";
  const isTyped = /** @type {Element} */ (target).closest("input, textarea");
  if (clipboardData?.files.length && !text) loader.loadFile(clipboardData.files[0]);
  else if (!isTyped && text.trim().includes("\n")) loader.loadText(text);
});
byId("use-rows").addEventListener("click", () => loader.loadText(byId("rows").value));
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
if (handedOver) loader.loadText(handedOver, "table.csv");
else if (!openAddress()) loader.loadExample(Object.keys(EXAMPLES)[0]);
document.documentElement.dataset.ready = "true";
