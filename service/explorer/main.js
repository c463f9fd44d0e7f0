// The entry point: creates the parts of the page, hands them their elements, and connects them through the store.
import { CostChart } from "./charts/cost.js";
import { createFitChart } from "./charts/fit.js";
import { NetworkDiagram } from "./charts/network.js";
import { createStatesChart } from "./charts/states.js";
import { createTraceChart } from "./charts/trace.js";
import { createUnrolled } from "./charts/unrolled.js";
import { byId, byIds, listById, listValues, setAttributes } from "./lib/dom.js";
import { readHash } from "./model/address.js";
import { LatestRequest } from "./model/api.js";
import { DataSync } from "./model/data.js";
import { checkOptimizer, fetchOptimizers, spreadRates } from "./model/optimizers.js";
import { Race } from "./model/race.js";
import { Store } from "./model/state.js";
import { AddressBar } from "./views/address_bar.js";
import { enableHeader, onceOpened } from "./views/drawers.js";
import { bindField, checkFields } from "./views/fields.js";
import { enableNavigation } from "./views/navigation.js";
import { Player } from "./views/player.js";
import { offerUndo, showIgnored, showProblem } from "./views/problems.js";
import { showProgress } from "./views/progress.js";
import { Readout } from "./views/readout.js";
import { Result } from "./views/result.js";
import { Surface } from "./views/surface.js";
import { createTask } from "./views/task.js";
import { createTrainingForm } from "./views/training.js";

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
  /** @type {unknown} */ let latest = null;
  /**
   * Adopt an address, at once if its code is loaded, and return the runs to train, or null if the user went on
   * meanwhile.
   * @param {ReturnType<typeof readHash>} address
   */
  const adopt = async (address) => {
    latest = address;
    const { state, ignored } = address;
    const lesson = state.lesson ? (await importLesson()).completeLesson(state) : { state, runs: [] };
    if (address !== latest) return null;
    const checked = checkOptimizer(optimizers, lesson.state);
    store.set({ ...lesson.state, ...checked.change });
    showIgnored([...ignoredQuery, ...ignored, ...checked.ignored]);
    return lesson.runs;
  };
  const lessonRuns = (await adopt({ state: store.state, ignored: opened.ignored })) ?? [];
  const form = byIds("optimizer", "clip", "threshold", "formula", "variant", "source", "parameters", "more-parameters");
  createTrainingForm(store, optimizers, form);
  const race = new Race(store, optimizers, {
    progress: showProgress,
    problem: (/** @type {Problem | null} */ problem) => showProblem("train-problem", problem),
    busy: (/** @type {boolean} */ busy) => setAttributes(byId("race"), { "aria-busy": busy && "true" }),
    removed: offerUndo,
  });
  new CostChart(byId("cost-chart"), store, race, (iteration) => player.goTo(iteration));
  const loadTable = once(async () => {
    const { RunsTable } = await import("./views/runs_table.js");
    return new RunsTable(store, race, byIds("race", "runs-legend", "add"));
  });
  store.watch(["runs"], ({ runs }) => void (runs.length && loadTable()));
  /** @param {State[]} states @param {boolean} keep */
  const train = async (states, keep) => {
    if (await race.train(states, keep)) player.start();
  };
  const trainHere = (keep = false) => checkFields() && train([{ ...store.state }], keep);
  const player = new Player(store, race, byIds("play", "step", "rewind", "clear", "timeline", "iteration", "train"));
  loadBasins(optimizers);
  byId("sweep").addEventListener("click", () => checkFields() && train(spreadRates(store.state, optimizers), false));
  store.watch(/** @type {(keyof State)[]} */ (Object.keys(store.state)), () => race.follow());
  byId("train-form").addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    trainHere();
  });
  byId("add").addEventListener("click", () => trainHere(true));
  // In these fields, it moves the point.
  const refuseEnter = (/** @type {KeyboardEvent} */ event) => event.key === "Enter" && event.preventDefault();
  for (const id of ["w_in", "w_rec"]) byId(id).addEventListener("keydown", refuseEnter);
  for (const id of ["train", "add", "sweep"]) byId(id).disabled = false;
  /** Train from the state with changes. @param {Partial<State>[]} runs */
  const trainRuns = (runs) => {
    const states = runs.map((run) => ({ ...store.state, parameters: {}, ...run }));
    return train(states, false);
  };
  /** @param {Partial<State>} change @param {Partial<State>[]} runs */
  const visit = (change, runs) => {
    latest = change;
    player.pause();
    addressBar.visit(change);
    race.clear();
    if (runs.length) trainRuns(runs);
  };
  loadLesson(visit);

  /** Train the runs of a lesson, or show those of the address. @param {Partial<State>[]} runs */
  const resume = async (runs) => {
    if (runs.length) return trainRuns(runs);
    const { iteration } = store.state;
    if (await race.restore()) player.goTo(iteration);
  };
  addressBar.watch(async (address) => {
    player.pause();
    race.clear();
    const runs = await adopt(address);
    if (runs) await resume(runs);
  });
  if (lessonRuns.length || store.state.runs.length) await resume(lessonRuns);
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

/** Load the lesson when it is first shown. @param {(change: Partial<State>, runs: Partial<State>[]) => void} visit */
function loadLesson(visit) {
  const views = [...document.querySelectorAll("[data-view]")];
  const load = once(async () =>
    (await importLesson()).createLesson(store, { ...byIds("lesson", "start-lesson"), views }, visit),
  );
  byId("start-lesson").addEventListener("click", async () => (await load()).toggle());
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

/**
 * Return a function that calls another one only the first time.
 * @template R
 * @param {() => R} create
 * @returns {() => R}
 */
function once(create) {
  /** @type {{value: R} | null} */ let made = null;
  return () => (made ??= { value: create() }).value;
}
