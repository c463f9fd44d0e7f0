// The page, put together.
// @ts-check
import { Problem } from "./model/api.js";
import { StatesChart, TraceChart } from "./views/charts.js";
import { startCode } from "./views/code.js";
import { byId, html, paced, showProblem } from "./lib/dom.js";
import { startExamples } from "./views/examples.js";
import { bind, number, whole } from "./views/fields.js";
import { attachGestures } from "./views/gestures.js";
import { Player } from "./views/player.js";
import { Race } from "./views/race.js";
import { showEvaluation, showPrediction } from "./views/readout.js";
import { optimizers, startScene } from "./model/data.js";
import { Store, fromHash, toHash } from "./model/state.js";
import { Surface } from "./views/surface.js";
import { startForm } from "./views/training.js";

const store = new Store(fromHash(location.hash));
const surface = new Surface(byId("surface"), store.state);
const trace = new TraceChart(byId("trace"));
const chart = new StatesChart(byId("states"));

attachGestures(surface, store);
surface.root.append(html("p", { id: "here", class: "here", "aria-hidden": "true" }));
store.watch(["view", "valley"], () => surface.drawAll());
store.watch(["w_in", "w_rec"], () => surface.drawPoint());
store.watch(["frame"], () => surface.drawFrame());

startScene(store, {
  source: (source) => surface.setSource(source),
  optimum: (weights) => surface.setOptimum(weights),
  evaluation(evaluation) {
    showEvaluation(evaluation);
    trace.show(evaluation);
    surface.drawSlope(evaluation?.weight_gradient ?? null);
  },
  prediction(states) {
    showPrediction(states, store.state.bits);
    chart.show(states, store.state.bits);
  },
});

for (const key of /** @type {const} */ (["w_in", "w_rec", "initial_state", "noise"])) bind(store, key, number, { example: "" });
for (const key of /** @type {const} */ (["n_samples", "n_steps", "seed"])) bind(store, key, whole, { example: "" });
bind(store, "activation", (field) => field.value, { example: "" });
bind(store, "bits", (field) => (/^[01]+$/.test(field.value) ? field.value : undefined));
store.watch(["activation"], ({ activation }) => {
  byId("function").textContent = activation === "identity" ? "" : `${activation}(`;
  byId("function-end").textContent = activation === "identity" ? "" : ")";
});

const valley = html("input", { type: "checkbox", id: "valley" });
surface.root.append(html("div", { class: "options" }, html("label", { title: "The best input weight for each recurrent weight" }, valley, "Valley")));
bind(store, "valley", (field) => field.checked);
store.watch(["activation"], ({ activation }) => (valley.disabled = activation !== "identity"));

startCode(store);

/** What needs the registry of optimizers. */
async function startTraining() {
  const known = await optimizers();
  startForm(store, known);
  const race = new Race(store, known, (runs) => surface.setRuns(runs));
  /** @param {import("./model/state.js").State[]} states @param {boolean} keep */
  const train = async (states, keep) => {
    if (await race.train(states, keep)) player.begin();
  };
  const here = () => [{ ...store.state }];
  const player = new Player(store, race, () => train(here(), false));
  store.watch(["frame"], ({ frame }) => race.frame(frame));
  store.watch(["n_samples", "n_steps", "seed", "noise", "activation", "initial_state"], () => race.prune());
  byId("train-form").addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    train(here(), false);
  });
  byId("add").addEventListener("click", () => train(here(), true));
  startExamples(store, (states) => {
    player.pause();
    race.show([]);
    if (states.length) train(states, false);
  });

  const restore = async () => {
    const { runs, frame } = store.state;
    await race.restore(runs);
    player.go(frame);
  };
  if (store.state.runs.length) await restore();
  addEventListener("hashchange", () => {
    player.pause();
    store.set(fromHash(location.hash));
    restore();
  });
}

startTraining().catch((error) => {
  if (!(error instanceof Problem)) throw error;
  showProblem("train-problem", error);
});

// The address holds the state: the way past the introduction must not take its place.
byId("skip").addEventListener("click", (/** @type {Event} */ event) => {
  event.preventDefault();
  byId("stage").focus();
});

const remember = paced(300, () => {
  const hash = toHash(store.state);
  history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
});
store.watch(/** @type {any} */ (Object.keys(store.state)), remember);
document.documentElement.dataset.ready = "true";
