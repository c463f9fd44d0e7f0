// Training runs over the same cost surface, in a table.
import { byId, createButton, html, showNumber, svg } from "../lib/dom.js";
import { formatNumber } from "../lib/format.js";
import { fromRunText, toRunText } from "../model/address.js";
import { Problem } from "../model/api.js";
import { RATES } from "../model/optimizers.js";
import { fromObjective, isSameObjective, toTrainingRun } from "../model/requests.js";
import { describeOutcome, describeSettings, separateRuns, startRun } from "../model/runs.js";
import { readRun } from "../model/shown.js";
import { MAX_RUNS } from "../model/state.js";
import { showProblem } from "./problems.js";
import { showProgress } from "./progress.js";
import { showResult } from "./readout.js";
import { seriesClass } from "./trajectories.js";
import { offerUndo } from "./undo.js";

const HEADINGS = ["Run", "Now", "At the end", "Gap to optimum"];

export class Race {
  /** @param {Store} store @param {Optimizer[]} optimizers @param {(runs: Run[]) => void} onChange */
  constructor(store, optimizers, onChange) {
    this.store = store;
    this.optimizers = new Map(optimizers.map((optimizer) => [optimizer.name, optimizer]));
    this.onChange = onChange;
    /** @type {{weights: Element, cost: Element}[]} */ this.currentCells = [];
    this.requests = new AbortController();
    /** @type {Promise<void>} */ this.pending = Promise.resolve();
    byId("show").addEventListener("change", () => store.set({ show: Number(byId("show").value) }));
    store.watch(["show", "runs"], () => this.markShown());
  }

  get runs() {
    return this.store.runs;
  }

  /** @param {Run} run */
  name({ result }) {
    const { name } = result.request.optimizer;
    return this.optimizers.get(name)?.title ?? name;
  }

  /** Return the request of a run as text. @param {Run} run */
  describeRun({ result: { request } }) {
    const parameters = this.optimizers.get(request.optimizer.name)?.parameters ?? [];
    return toRunText(request, Object.fromEntries(parameters.map((each) => [each.name, each.default])));
  }

  get lastIteration() {
    return Math.max(0, ...this.runs.map(({ result }) => result.iterations ?? 0));
  }

  /**
   * Train from several states, and show the runs at their first iteration.
   * @param {State[]} states @param {boolean} keep the current runs
   * @returns {Promise<boolean>} whether runs are shown
   */
  async train(states, keep) {
    const { signal } = keep ? this.requests : this.replaceRequests();
    const previous = this.pending;
    let finish = () => {};
    this.pending = new Promise((resolve) => (finish = () => resolve(undefined)));
    showProblem("train-problem", null);
    byId("race").setAttribute("aria-busy", "true");
    try {
      const started = states.map((state) => startRun(toTrainingRun(state), showProgress(this.describe(state)), signal));
      const results = await Promise.allSettled(started);
      await previous; // runs appear in the order in which they were started
      if (signal.aborted) return false;
      const runs = this.collect(results);
      if (runs.length) this.add(runs, keep);
      return runs.length > 0;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      showProblem("train-problem", error);
      return false;
    } finally {
      finish();
      if (!signal.aborted) byId("race").removeAttribute("aria-busy");
    }
  }

  /** Remove all runs, and do not wait for others. */
  clear() {
    this.replaceRequests();
    showProblem("train-problem", null);
    byId("race").removeAttribute("aria-busy");
    this.show([]);
  }

  /** Stop waiting for runs. Jobs continue, because others may wait for them as well. */
  replaceRequests() {
    this.requests.abort();
    this.requests = new AbortController();
    return this.requests;
  }

  /** Describe the run that starts from a state. @param {State} state */
  describe({ optimizer, parameters }) {
    const rate = RATES.find((name) => name in parameters);
    return `${this.optimizers.get(optimizer)?.title ?? optimizer}${rate ? ` with ${formatNumber(Number(parameters[rate]))}` : ""}`;
  }

  /** @param {Run[]} runs @param {boolean} keep */
  add(runs, keep) {
    const ids = new Set(runs.map(({ result }) => result.id));
    const others = keep ? this.runs.filter(({ result }) => !ids.has(result.id)) : [];
    if (others.length + runs.length > MAX_RUNS) {
      throw new Problem("The race is full", `A race has at most ${MAX_RUNS} runs. Remove one first.`);
    }
    this.show([...others, ...runs]);
    const costs = runs.map(({ result }) => result.final.cost ?? Infinity);
    this.store.set({ iteration: 0, show: others.length + 1 + costs.lastIndexOf(Math.min(...costs)) });
  }

  /** Show the runs of an address. They are trained again if the server does not have them. */
  async restore() {
    const { signal } = this.replaceRequests();
    const { state } = this.store;
    const ask = (/** @type {string} */ text, /** @type {number} */ index) => {
      const watcher = showProgress(`Run ${index + 1}`);
      return startRun(toTrainingRun({ ...state, ...fromRunText(text) }), watcher, signal);
    };
    const results = await Promise.allSettled(state.runs.map(ask));
    if (!signal.aborted) this.show(this.collect(results));
  }

  /** Return the runs for the data of the page, and show what failed. @param {PromiseSettledResult<Run>[]} results */
  collect(results) {
    const { runs, problem } = separateRuns(results);
    showProblem("train-problem", problem);
    return runs.filter((run) => this.matches(run));
  }

  /** Return whether a run has the dataset and the network of the page. @param {Run} run */
  matches({ result: { request } }) {
    return isSameObjective(request, this.store.state);
  }

  /** Remove the runs of other data, and offer to return to these. */
  removeMismatches() {
    const { runs, store } = this;
    const matching = runs.filter((run) => this.matches(run));
    if (matching.length === runs.length) return;
    const { view, w_in, w_rec, iteration, show, sequence } = store.state;
    const previous = { view, w_in, w_rec, iteration, show, sequence, ...fromObjective(runs[0].result.request) };
    this.show(matching);
    const text =
      runs.length === 1 ? "The run of the previous data was removed." : `The ${runs.length} runs of the previous data were removed.`;
    offerUndo(text, () => {
      this.show(runs);
      store.set(previous);
    });
  }

  /** @param {Run[]} runs */
  show(runs) {
    if (runs.length) offerUndo("", null);
    this.store.runs = runs;
    const { iteration } = this.store.state;
    this.store.set({ runs: runs.map((run) => this.describeRun(run)), iteration: Math.min(iteration, this.lastIteration) });
    this.drawTable();
    this.onChange(runs);
    this.showCurrent();
  }

  drawTable() {
    byId("race").replaceChildren();
    this.currentCells = [];
    if (!this.runs.length) return;
    const head = html(
      "tr",
      {},
      ...HEADINGS.map((text) => html("th", { scope: "col" }, text)),
      html("th", { scope: "col", class: "outcome" }, "Outcome"),
      html("th", { scope: "col" }, html("span", { class: "visually-hidden" }, "Actions")),
    );
    const rows = this.runs.map((run, index) => this.drawRow(run, index));
    const caption = html("caption", { class: "visually-hidden" }, "Training runs");
    byId("race").append(html("table", {}, caption, html("thead", {}, head), html("tbody", {}, ...rows)));
  }

  /** @param {Run} run @param {number} index */
  drawRow(run, index) {
    const { result } = run;
    const title = this.name(run);
    const line = svg("line", { x1: 1, x2: 29, y1: 6, y2: 6 });
    const swatch = svg("svg", { class: `swatch ${seriesClass(index)}`, "aria-hidden": "true" }, line);
    const current = createCell("current", "now");
    this.currentCells.push(current);
    const final = createCell("final", "at the end");
    showResult(final, { ...result.final.weights, ...result.final });
    const gap = html("td", { "data-title": "gap", "data-label": "gap" });
    // The gap has more digits than the cost, so it may exceed a cost that is 0 within its accuracy.
    const { gap_to_optimum } = result;
    const excess = gap_to_optimum === null ? null : Math.min(gap_to_optimum, result.final.cost ?? Infinity);
    showNumber(gap, formatNumber(excess, 3), excess);
    return html(
      "tr",
      { "data-run": result.id, "data-outcome": result.outcome, "data-index": index },
      html("th", { scope: "row" }, swatch, `${index + 1}. ${title}`, html("small", {}, describeSettings(run))),
      current.cell,
      final.cell,
      gap,
      html("td", { class: "outcome" }, describeOutcome(result)),
      html("td", { class: "buttons" }, ...this.createButtons(run, title)),
    );
  }

  /** @param {Run} run @param {string} title */
  createButtons(run, title) {
    const use = () => {
      const { w_in, w_rec } = readRun(run, this.store.state.iteration);
      this.store.set({ w_in, w_rec, show: 0, example: "" });
    };
    const remove = () => {
      this.show(this.runs.filter(({ result }) => result.id !== run.result.id));
      byId("add").focus();
    };
    return [
      createButton("Use these weights", use, { "aria-label": `Use these weights of ${title}` }),
      createButton("×", remove, { class: "quiet", "aria-label": `Remove ${title}` }),
    ];
  }

  /** Show the weights and costs at the current iteration. */
  showCurrent() {
    this.runs.forEach((run, index) => showResult(this.currentCells[index], readRun(run, this.store.state.iteration)));
  }

  /** Offer the runs for the readouts, and mark the one that they follow. */
  markShown() {
    const select = byId("show");
    const names = ["Start", ...this.runs.map((run, index) => `${index + 1}. ${this.name(run)}`)];
    select.replaceChildren(...names.map((text, value) => html("option", { value }, text)));
    const number = this.runs[this.store.state.show - 1] ? this.store.state.show : 0;
    select.value = String(number);
    byId("show-label").hidden = !this.runs.length;
    [...byId("race").querySelectorAll("tbody tr")].forEach((row, index) => row.classList.toggle("shown", index + 1 === number));
  }
}

/** @param {string} name @param {string} label for narrow screens */
function createCell(name, label) {
  const [weights, cost] = [html("small", { class: "weights" }), html("span", { class: "cost" })];
  return { cell: html("td", { "data-title": name, "data-label": label }, cost, weights), weights, cost };
}
