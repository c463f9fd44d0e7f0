// The entry point: creates the parts of the page, hands them their elements, and connects them through the store.
import { createFitChart } from "./charts/fit.js";
import { NetworkDiagram } from "./charts/network.js";
import { createStatesChart } from "./charts/states.js";
import { createTraceChart } from "./charts/trace.js";
import { createUnrolled } from "./charts/unrolled.js";
import { byId, byIds, listById, listValues } from "./lib/dom.js";
import { once } from "./lib/once.js";
import { readHash } from "./model/address.js";
import { LatestRequest } from "./model/api.js";
import { DataSync } from "./model/data.js";
import { fetchOptimizers } from "./model/optimizers.js";
import { Store } from "./model/state.js";
import { AddressBar } from "./views/address_bar.js";
import { enableHeader, onceOpened } from "./views/drawers.js";
import { bindField } from "./views/fields.js";
import { enableNavigation } from "./views/navigation.js";
import { showIgnored, showProblem } from "./views/problems.js";
import { Readout } from "./views/readout.js";
import { Result } from "./views/result.js";
import { AddressReader, Training } from "./views/session.js";
import { Surface } from "./views/surface.js";
import { createTask } from "./views/task.js";

const opened = readHash(location.hash);
const unknown = (document.documentElement.dataset.unknown ?? "").split("\n").filter(Boolean);
const ignoredQuery = unknown.map((entry) => ({
  pointer: `?${entry}`,
  detail: `must be one of ${listValues(entry.startsWith("hide") ? "data-part" : "data-embed")}`,
}));
showIgnored([...ignoredQuery, ...opened.ignored]);
await enableHeader();
const store = new Store(opened.state);
const importLesson = once(() => import("./views/lesson.js"));
const addressBar = new AddressBar(store, byId("copy-link"), byId("full-page"));
const surface = new Surface(byId("surface"), store);
enableNavigation(surface, store, byId("zoom"));
bindDataFields();
createFigures();
createTask(store, byIds("task", "bits-label", "sequence-label", "sequence", "n_sequences", "generated"));
loadPanels();
new LatestRequest(fetchOptimizers, createTraining, (problem, retry) =>
  showProblem("train-problem", problem, retry),
).send(null);

// The fragment of the address holds the state, so the skip link must not replace it.
byId("skip").addEventListener("click", (/** @type {Event} */ event) => {
  event.preventDefault();
  byId("surface-section").focus();
});

if ("present" in document.documentElement.dataset) {
  (await import("./views/present.js")).enablePresentation(byIds("play", "step", "start-lesson", "lesson"));
}

document.documentElement.dataset.ready = "true";

function bindDataFields() {
  for (const key of /** @type {const} */ (["w_in", "w_rec"])) bindField(store, key, { show: 0 });
  for (const key of /** @type {const} */ (["n_samples", "n_steps", "seed", "noise"])) bindField(store, key);
  for (const key of /** @type {const} */ (["activation", "initial_state", "bits", "sequence", "valley", "basins"])) {
    bindField(store, key);
  }
  store.watch(["activation"], ({ activation }) => (byId("valley").disabled = activation !== "identity"));
}

function createFigures() {
  new Result(store, byIds("headline", "note"));
  new Readout(store, byIds("point-title", "cost", "cost-of", "growth", "regime", "prediction", "announcement"));
  new NetworkDiagram(byId("network"), byId("read"), store);
  createTraceChart(byId("trace"), store);
  createStatesChart(byId("states"), store);
  createFitChart(byId("fit-chart"), byId("fit-part"), store);
  createUnrolled(byId("unrolled"), store);
  byId("unrolled-toggle").addEventListener("click", () => store.set({ unrolled: !store.state.unrolled }));
  store.watch(["unrolled"], ({ unrolled }) => byId("unrolled-toggle").setAttribute("aria-pressed", String(unrolled)));
  store.watch(["approximation"], () => (byId("surface-note").textContent = store.approximation));
  new DataSync(store, (subject, problem, retry) => showProblem(`${subject}-problem`, problem, retry));
}

/** Create the parts that need the registry of optimizers. @param {Optimizer[]} optimizers */
async function createTraining(optimizers) {
  const addresses = new AddressReader(store, optimizers, importLesson, ignoredQuery);
  const lessonRuns = (await addresses.adopt({ state: store.state, ignored: opened.ignored })) ?? [];
  const training = new Training(store, optimizers, addressBar, addresses);
  loadBasins(optimizers);
  training.bindForm();
  loadLesson((change, runs, isNew) => training.visit(change, runs, isNew));
  addressBar.watch((address) => training.open(address));
  if (lessonRuns.length || store.state.runs.length) await training.resume(lessonRuns);
}

/** Load the code of the drawers when they are first opened. */
function loadPanels() {
  onceOpened("code-drawer", async () =>
    (await import("./views/code.js")).createCodePanel(store, byIds("request", "code", "links")),
  );
  const views = [...document.querySelectorAll("[data-view], [data-title]")];
  const save = { ...listById(byId("embed-drawer")), ...byIds("runs-legend", "basin-legend"), views };
  onceOpened("embed-drawer", async () =>
    (await import("./views/embedding.js")).createEmbedding(store, addressBar, save),
  );
  const loadOwnData = once(async () => {
    const { OwnDataPanel } = await import("./views/own_data.js");
    return new OwnDataPanel(store, addressBar, byIds("own-data", "upload-problem", "data-drawer"));
  });
  onceOpened("data-drawer", loadOwnData);
  document.documentElement.addEventListener("dragover", loadOwnData, { once: true });
  document.addEventListener("paste", async (event) => {
    const { clipboardData } = event; // which is empty after this event
    const [file, text] = [clipboardData?.files[0], clipboardData?.getData("text/plain") ?? ""];
    (await loadOwnData()).acceptPaste(event, file, text);
  });
  store.watch(["dataset"], ({ dataset }) => void (dataset && loadOwnData()));
}

/** Load the lesson when it is first shown. @param {ShowState} visit */
function loadLesson(visit) {
  const elements = byIds("lesson", "start-lesson", "essay", "start-essay");
  const views = [...document.querySelectorAll("[data-view]")];
  const load = once(async () => (await importLesson()).createLesson(store, { ...elements, views }, visit));
  byId("start-lesson").addEventListener("click", async () => (await load()).toggle());
  byId("start-essay").addEventListener("click", async () => (await load()).toggleEssay());
  store.watch(["lesson", "step_text", "step_question"], ({ lesson, step_text, step_question }) => {
    if (lesson || step_text || step_question) load();
    else document.documentElement.dataset.lesson = "";
  });
}

/** Load the basin map when it is first needed. @param {Optimizer[]} optimizers */
function loadBasins(optimizers) {
  const elements = byIds("basin-legend", "basin-problem");
  const load = once(
    async () => new (await import("./views/basins.js")).BasinControl(store, surface, optimizers, elements),
  );
  store.watch(["basins"], ({ basins }) => void (basins && load()));
}
