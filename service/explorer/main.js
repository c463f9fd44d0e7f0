// The entry point: creates the parts of the page and connects them through the store.
import { hasKey, refusals } from "./lib/credentials.js";
import { byId } from "./lib/dom.js";
import { readHash } from "./model/address.js";
import { Problem, receive } from "./model/api.js";
import { DataSync } from "./model/data.js";
import { checkOptimizer, fetchOptimizers } from "./model/optimizers.js";
import { SHOWN_KEYS, findShown } from "./model/shown.js";
import { Store } from "./model/state.js";
import { AddressBar } from "./views/address_bar.js";
import { StatesChart, TraceChart } from "./views/charts.js";
import { createCodePanel } from "./views/code.js";
import { CostChart } from "./views/cost_chart.js";
import { createEmbedding } from "./views/embedding.js";
import { createExamples } from "./views/examples.js";
import { bindField } from "./views/fields.js";
import { FitChart } from "./views/fit_chart.js";
import { createGlossary } from "./views/glossary.js";
import { highlightRuns } from "./views/highlight.js";
import { completeLesson, createLesson } from "./views/lesson.js";
import { enableNavigation } from "./views/navigation.js";
import { createOwnData } from "./views/own_data.js";
import { Player } from "./views/player.js";
import { showIgnored, showProblem } from "./views/problems.js";
import { Race } from "./views/race.js";
import { showEvaluation, showPrediction, showWeights } from "./views/readout.js";
import { Surface } from "./views/surface.js";
import { createSweep } from "./views/sweep.js";
import { createTrainingForm } from "./views/training.js";
import { Unrolled } from "./views/unrolled.js";

const opened = readHash(location.hash);
showIgnored(opened.ignored);
const loadKeyDialog = async () => (await import("./views/api_key.js")).createKeyDialog();
if (hasKey) await loadKeyDialog();
else refusals.addEventListener("refused", async () => (await loadKeyDialog())(), { once: true });
const store = new Store(opened.state);
const addressBar = new AddressBar(store);
const surface = new Surface(byId("surface"), store.state);
connectSurface();
bindDataFields();
connectData();
createOwnData(store);
createCodePanel(store);
createEmbedding(store, addressBar);
createGlossary();
highlightRuns(document.body);
startTraining();

// The fragment of the address holds the state, so the skip link must not replace it.
byId("skip").addEventListener("click", (/** @type {Event} */ event) => {
  event.preventDefault();
  byId("surface-section").focus();
});

document.documentElement.dataset.ready = "true";

function connectSurface() {
  enableNavigation(surface, store);
  store.watch(["view"], () => surface.move());
  store.watch(["valley"], () => surface.drawMarks());
  store.watch(["w_in", "w_rec"], () => surface.drawPoint());
  store.watch(["iteration"], () => surface.drawTrajectories());
}

function bindDataFields() {
  const edited = { example: "" };
  for (const key of /** @type {const} */ (["w_in", "w_rec"])) bindField(store, key, { ...edited, show: 0 });
  for (const key of /** @type {const} */ (["initial_state", "noise", "n_samples", "n_steps", "seed", "activation"])) {
    bindField(store, key, edited);
  }
  bindField(store, "bits");
  for (const key of /** @type {const} */ (["valley", "basins"])) bindField(store, key);
  store.watch(["activation"], ({ activation }) => {
    const isIdentity = activation === "identity";
    byId("valley").disabled = !isIdentity;
    byId("valley-reason").hidden = isIdentity;
    byId("function").textContent = isIdentity ? "" : `${activation}(`;
    byId("function-end").textContent = isIdentity ? "" : ")";
  });
}

function connectData() {
  const trace = new TraceChart(byId("trace"));
  const chart = new StatesChart(byId("states"));
  const fit = new FitChart(byId("fit-chart"), byId("fit-part"));
  const unrolled = new Unrolled(byId("unrolled"));
  store.watch(SHOWN_KEYS, () => showWeights(findShown(store)));
  new DataSync(store, {
    costs: (costs) => surface.setCosts(costs),
    optimum: (weights) => surface.setOptimum(weights),
    evaluation(evaluation, dataset) {
      showEvaluation(evaluation);
      trace.show(evaluation);
      fit.show(evaluation?.outputs ?? null, dataset);
      surface.setDescent(findShown(store), evaluation?.weight_gradient ?? null);
    },
    prediction(prediction) {
      const sample = prediction?.sample ?? store.sample;
      showPrediction(prediction, sample);
      chart.show(prediction?.states ?? null, sample);
      unrolled.show(prediction, sample);
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
  const adopt = ({ state, ignored }) => {
    const lesson = completeLesson(state);
    const checked = checkOptimizer(optimizers, lesson.state);
    store.set({ ...lesson.state, ...checked.change });
    showIgnored([...ignored, ...checked.ignored]);
    return lesson.runs;
  };
  const lessonRuns = adopt({ state: store.state, ignored: opened.ignored });
  createTrainingForm(store, optimizers);
  const costs = new CostChart(byId("cost-chart"), (iteration) => player.goTo(iteration));
  const race = new Race(store, optimizers, (runs) => {
    surface.setRuns(runs);
    costs.setRuns(runs);
  });
  /** @param {State[]} states @param {boolean} keep */
  const train = async (states, keep) => {
    if (await race.train(states, keep)) player.start();
  };
  const trainHere = (keep = false) => train([{ ...store.state }], keep);
  const player = new Player(store, race);
  loadBasins(optimizers);
  createSweep(store, optimizers, (states) => train(states, false));
  store.watch(["iteration"], ({ iteration }) => {
    race.showCurrent();
    costs.show(iteration);
  });
  store.watch(["dataset", "n_samples", "n_steps", "seed", "noise", "activation", "initial_state"], () => race.removeMismatches());
  byId("train-form").addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!document.activeElement?.hasAttribute("aria-invalid")) trainHere(); // Enter, in a field with a value that is not used
  });
  byId("add").addEventListener("click", () => trainHere(true));
  byId("train").disabled = byId("add").disabled = false;
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
  createExamples(store, visit);
  createLesson(store, visit);

  /** Train the runs of a lesson, or show those of the address. @param {Partial<State>[]} runs */
  const resume = async (runs) => {
    const { iteration } = store.state;
    if (runs.length) return trainRuns(runs);
    await race.restore();
    player.goTo(iteration);
  };
  addressBar.watch((address) => {
    player.pause();
    race.clear();
    resume(adopt(address));
  });
  if (lessonRuns.length || store.state.runs.length) await resume(lessonRuns);
}

/** Load the code of the basin map when it is first needed. @param {Optimizer[]} optimizers */
function loadBasins(optimizers) {
  let isLoaded = false;
  store.watch(["basins"], async ({ basins }) => {
    if (!basins || isLoaded) return;
    isLoaded = true;
    try {
      const { createBasins } = await receive(import("./views/basins.js"));
      createBasins(store, surface, optimizers);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      isLoaded = false;
      showProblem("basin-problem", error);
      store.set({ basins: false });
    }
  });
}
