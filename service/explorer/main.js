// The entry point: creates the parts of the page, hands them their elements, and connects them through the store.
import { CostChart } from "./charts/cost.js";
import { FitChart } from "./charts/fit.js";
import { NetworkDiagram } from "./charts/network.js";
import { StatesChart } from "./charts/states.js";
import { TraceChart } from "./charts/trace.js";
import { byId, listValues, setAttributes } from "./lib/dom.js";
import { readHash } from "./model/address.js";
import { Problem } from "./model/api.js";
import { DataSync } from "./model/data.js";
import { checkOptimizer, fetchOptimizers } from "./model/optimizers.js";
import { Race } from "./model/race.js";
import { OBJECTIVE_KEYS } from "./model/requests.js";
import { SHOWN_KEYS, findShown } from "./model/shown.js";
import { Store } from "./model/state.js";
import { AddressBar } from "./views/address_bar.js";
import { enableHeader } from "./views/drawers.js";
import { bindField, checkFields } from "./views/fields.js";
import { highlightRuns } from "./views/highlight.js";
import { loadBasins, loadLesson, loadPanels, once } from "./views/late.js";
import { enableNavigation } from "./views/navigation.js";
import { Player } from "./views/player.js";
import { showIgnored, showProblem } from "./views/problems.js";
import { showProgress } from "./views/progress.js";
import { Readout } from "./views/readout.js";
import { Result } from "./views/result.js";
import { Surface } from "./views/surface.js";
import { createTask } from "./views/task.js";
import { createTrainingForm } from "./views/training.js";
import { offerUndo } from "./views/undo.js";

const opened = readHash(location.hash);
const unknown = (document.documentElement.dataset.unknown ?? "").split("\n").filter(Boolean);
const ignoredQuery = unknown.map((entry) => ({
  pointer: `?${entry}`,
  detail: `must be one of ${listValues(entry.startsWith("hide") ? "data-part" : "data-embed")}`,
}));
showIgnored([...ignoredQuery, ...opened.ignored]);
await enableHeader();
const store = new Store(opened.state);
const addressBar = new AddressBar(store, byId("copy-link"), byId("full-page"));
const surface = new Surface(byId("surface"), store.state);
const result = new Result(store, { headline: byId("headline"), note: byId("note") });
connectSurface();
bindDataFields();
connectData();
createTask(store, {
  select: byId("task"),
  bits: byId("bits-label"),
  sequence: byId("sequence-label"),
  generated: byId("generated"),
  noise: byId("noise-label"),
});
loadPanels(store, addressBar);
highlightRuns(document.body);
startTraining();

// The fragment of the address holds the state, so the skip link must not replace it.
byId("skip").addEventListener("click", (/** @type {Event} */ event) => {
  event.preventDefault();
  byId("surface-section").focus();
});

if ("present" in document.documentElement.dataset) {
  const { enablePresentation } = await import("./views/present.js");
  const find = (/** @type {string} */ name) => /** @type {HTMLElement | null} */ (document.querySelector(`#lesson:not([hidden]) .${name}`));
  enablePresentation({
    play: byId("play"),
    step: byId("step"),
    lesson: byId("start-lesson"),
    next: () => find("next"),
    back: () => find("back"),
  });
}

document.documentElement.dataset.ready = "true";

function connectSurface() {
  enableNavigation(surface, store, byId("zoom"));
  store.watch(["view"], () => surface.move());
  store.watch(["valley"], () => surface.drawMarks());
  store.watch(["w_in", "w_rec"], () => surface.drawPoint());
  store.watch(["iteration"], () => surface.drawTrajectories());
}

function bindDataFields() {
  for (const key of /** @type {const} */ (["w_in", "w_rec"])) bindField(store, key, { show: 0 });
  for (const key of /** @type {const} */ (["initial_state", "noise", "n_samples", "n_steps", "seed", "activation"])) {
    bindField(store, key);
  }
  for (const key of /** @type {const} */ (["bits", "sequence"])) bindField(store, key);
  for (const key of /** @type {const} */ (["valley", "basins"])) bindField(store, key);
  store.watch(["activation"], ({ activation }) => {
    byId("valley").disabled = activation !== "identity";
    byId("valley").closest("label").title =
      activation === "identity" ? "The best input weight for each recurrent weight" : "Without an activation only";
  });
}

function connectData() {
  const readout = new Readout({
    title: byId("point-title"),
    cost: byId("cost"),
    growth: byId("growth"),
    regime: byId("regime"),
    prediction: byId("prediction"),
    announcement: byId("announcement"),
  });
  const trace = new TraceChart(byId("trace"));
  const states = new StatesChart(byId("states"));
  const fit = new FitChart(byId("fit-chart"), byId("fit-part"));
  const loadUnrolled = once(async () => new (await import("./charts/unrolled.js")).Unrolled(byId("unrolled")));
  let last = /** @type {[Prediction | null, Sample | null]} */ ([null, null]);
  const drawUnrolled = async () => byId("unrolled").checkVisibility() && (await loadUnrolled()).show(...last);
  new ResizeObserver(drawUnrolled).observe(byId("unrolled"));
  const network = new NetworkDiagram(byId("network"), byId("read"), {
    move(weight, value) {
      const { w_in, w_rec } = findShown(store);
      store.set({ w_in, w_rec, [weight]: value, show: 0 });
    },
    mark: (k) => states.mark(k),
  });
  byId("unrolled-toggle").addEventListener("click", () => store.set({ unrolled: !store.state.unrolled }));
  store.watch(["unrolled"], (state) => {
    byId("unrolled-toggle").setAttribute("aria-pressed", String(state.unrolled));
    document.documentElement.toggleAttribute("data-unrolled", state.unrolled);
  });
  store.watch(SHOWN_KEYS, () => {
    readout.showWeights(findShown(store));
    network.showWeights(findShown(store));
  });
  new DataSync(store, {
    costs: (costs) => surface.setCosts(costs),
    optimum(optimum) {
      store.optimum = optimum;
      surface.setOptimum(optimum);
      result.explain();
    },
    async evaluation(evaluation, dataset) {
      readout.showEvaluation(evaluation);
      network.showSlopes(evaluation);
      fit.show(evaluation?.outputs ?? null, dataset);
      surface.setDescent(findShown(store), evaluation);
      result.explain();
      const isOwn = dataset && store.state.dataset;
      const comparison = isOwn ? (await import("./model/baselines.js")).compareModels(evaluation, dataset) : "";
      if (dataset === store.dataset) byId("cost-of").textContent = comparison;
    },
    prediction(prediction) {
      const sample = prediction?.sample ?? store.sample;
      const summary = readout.showPrediction(prediction);
      result.show(prediction, sample);
      network.show(prediction, sample);
      states.show(prediction?.states ?? null, sample);
      trace.show(prediction?.trace ?? null, summary);
      last = [prediction, sample];
      drawUnrolled();
    },
    approximation: (note) => (byId("surface-note").textContent = note),
    problem: (subject, problem, retry) => showProblem(`${subject}-problem`, problem, retry),
  });
}

/** Create the parts that need the registry of optimizers. */
async function startTraining() {
  /** @type {Optimizer[]} */ let optimizers;
  try {
    optimizers = await fetchOptimizers();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    showProblem("train-problem", error, startTraining);
    return;
  }
  showProblem("train-problem", null);
  await createTraining(optimizers);
}

/** @param {Optimizer[]} optimizers */
async function createTraining(optimizers) {
  /** Adopt an address, and return the runs to train. @param {ReturnType<typeof readHash>} address */
  const adopt = async ({ state, ignored }) => {
    const lesson = state.lesson ? (await import("./views/lesson.js")).completeLesson(state) : { state, runs: [] };
    const checked = checkOptimizer(optimizers, lesson.state);
    store.set({ ...lesson.state, ...checked.change });
    showIgnored([...ignoredQuery, ...ignored, ...checked.ignored]);
    return lesson.runs;
  };
  const lessonRuns = await adopt({ state: store.state, ignored: opened.ignored });
  createTrainingForm(store, optimizers, {
    optimizer: byId("optimizer"),
    clip: byId("clip"),
    threshold: byId("threshold"),
    texts: { formula: byId("formula"), variant: byId("variant"), source: byId("source") },
    parameters: [byId("parameters"), byId("more-parameters")],
  });
  const costs = new CostChart(byId("cost-chart"), (iteration) => player.goTo(iteration));
  const race = new Race(store, optimizers, {
    progress: showProgress,
    problem: (problem) => showProblem("train-problem", problem),
    busy: (busy) => setAttributes(byId("race"), { "aria-busy": busy && "true" }),
    removed: offerUndo,
    change(runs) {
      surface.setRuns(runs);
      costs.setRuns(
        runs,
        runs.map((run) => race.name(run)),
      );
      drawTable();
    },
  });
  /** @type {import("./views/runs_table.js").RunsTable | null} */ let table = null;
  const drawTable = async () => {
    const [{ RunsTable }, { describeEnd }] = await Promise.all([import("./views/runs_table.js"), import("./model/outcome.js")]);
    table ??= new RunsTable(store, race, {
      table: byId("race"),
      legend: byId("runs-legend"),
      select: byId("show"),
      label: byId("show-label"),
      add: byId("add"),
    });
    table.draw();
    result.describeEnd = describeEnd;
    result.explain();
  };
  /** @param {State[]} states @param {boolean} keep */
  const train = async (states, keep) => {
    if (await race.train(states, keep)) player.start();
  };
  const trainHere = (keep = false) => checkFields() && train([{ ...store.state }], keep);
  const player = new Player(store, race);
  loadBasins(store, surface, optimizers);
  byId("sweep").addEventListener("click", async () => {
    const { spreadRates } = await import("./model/sweep.js");
    if (!checkFields()) return;
    const optimizer = optimizers.find(({ name }) => name === store.state.optimizer) ?? optimizers[0];
    train(spreadRates(store.state, optimizer), false);
  });
  store.watch(["iteration"], ({ iteration }) => {
    table?.showCurrent();
    costs.show(iteration);
  });
  store.watch(OBJECTIVE_KEYS, () => race.removeMismatches());
  byId("train-form").addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    trainHere();
  });
  byId("add").addEventListener("click", () => trainHere(true));
  for (const id of ["train", "add", "sweep"]) byId(id).disabled = false;
  /** Train from the state with changes. @param {Partial<State>[]} runs */
  const trainRuns = (runs) =>
    train(
      runs.map((run) => ({ ...store.state, parameters: {}, ...run })),
      false,
    );
  /** @param {Partial<State>} change @param {Partial<State>[]} runs */
  const visit = (change, runs) => {
    player.pause();
    addressBar.visit(change);
    race.clear();
    if (runs.length) trainRuns(runs);
  };
  loadLesson(store, visit);

  /** Train the runs of a lesson, or show those of the address. @param {Partial<State>[]} runs */
  const resume = async (runs) => {
    const { iteration } = store.state;
    if (runs.length) return trainRuns(runs);
    await race.restore();
    player.goTo(iteration);
  };
  /** @type {unknown} */ let latest = null;
  addressBar.watch(async (address) => {
    latest = address;
    player.pause();
    race.clear();
    const runs = await adopt(address);
    if (address === latest) await resume(runs);
  });
  if (lessonRuns.length || store.state.runs.length) await resume(lessonRuns);
}
