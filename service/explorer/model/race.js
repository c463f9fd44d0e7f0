// The training runs over one cost surface: started together, kept in order, restored and removed.
import { formatNumber } from "../lib/format.js";
import { fromRunText, toRunText } from "./address.js";
import { Problem } from "./api.js";
import { RATES } from "./optimizers.js";
import { fromObjective, isSameObjective, toTrainingRun } from "./requests.js";
import { separateRuns, startRun } from "./runs.js";
import { MAX_RUNS } from "./state.js";

export class Race {
  /** @param {Store} store @param {Optimizer[]} optimizers @param {RaceHandlers} handlers */
  constructor(store, optimizers, handlers) {
    this.store = store;
    this.optimizers = new Map(optimizers.map((optimizer) => [optimizer.name, optimizer]));
    this.handlers = handlers;
    this.requests = new AbortController();
    /** @type {Promise<void>} */ this.pending = Promise.resolve();
  }

  get runs() {
    return this.store.runs;
  }

  get lastIteration() {
    return Math.max(0, ...this.runs.map(({ result }) => result.iterations ?? 0));
  }

  /** @param {Run} run */
  name({ result }) {
    const { name } = result.request.optimizer;
    return this.optimizers.get(name)?.title ?? name;
  }

  /** Return the request of a run as text. @param {Run} run */
  describeRun({ result: { request } }) {
    const optimizer = this.optimizers.get(request.optimizer.name);
    const defaults = (optimizer?.parameters ?? []).map((each) => [each.name, each.default]);
    return toRunText(request, Object.fromEntries(defaults));
  }

  /** Describe the run that starts from a state. @param {State} state */
  describe({ optimizer, parameters }) {
    const rate = RATES.find((name) => name in parameters);
    return `${this.optimizers.get(optimizer)?.title ?? optimizer}${rate ? ` with ${formatNumber(Number(parameters[rate]))}` : ""}`;
  }

  /**
   * Train from several states, and show the runs at their first iteration.
   * @param {State[]} states @param {boolean} keep the current runs
   * @returns {Promise<boolean>} whether runs are shown
   */
  async train(states, keep) {
    const { handlers } = this;
    const { signal } = keep ? this.requests : this.replaceRequests();
    const previous = this.pending;
    let finish = () => {};
    this.pending = new Promise((resolve) => (finish = () => resolve(undefined)));
    handlers.problem(null);
    handlers.busy(true);
    try {
      const started = states.map((state) => startRun(toTrainingRun(state), handlers.progress(this.describe(state)), signal));
      const results = await Promise.allSettled(started);
      await previous; // runs appear in the order in which they were started
      if (signal.aborted) return false;
      const runs = this.collect(results);
      if (runs.length) this.add(runs, keep);
      return runs.length > 0;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      handlers.problem(error);
      return false;
    } finally {
      finish();
      if (!signal.aborted) handlers.busy(false);
    }
  }

  /** Remove all runs, and do not wait for others. */
  clear() {
    this.replaceRequests();
    this.handlers.problem(null);
    this.handlers.busy(false);
    this.show([]);
  }

  /** Remove all runs, and offer to return to them. */
  remove() {
    const { runs, store } = this;
    const { iteration, show } = store.state;
    this.clear();
    this.handlers.removed(runs.length === 1 ? "The run was removed." : `The ${runs.length} runs were removed.`, () => {
      this.show(runs);
      store.set({ iteration, show });
    });
  }

  /** Stop waiting for runs. Jobs continue, because others may wait for them as well. */
  replaceRequests() {
    this.requests.abort();
    this.requests = new AbortController();
    return this.requests;
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
    const ask = (/** @type {string} */ text, /** @type {number} */ index) =>
      startRun(toTrainingRun({ ...state, ...fromRunText(text) }), this.handlers.progress(`Run ${index + 1}`), signal);
    const results = await Promise.allSettled(state.runs.map(ask));
    if (!signal.aborted) this.show(this.collect(results));
  }

  /** Return the runs for the data of the page, and show what failed. @param {PromiseSettledResult<Run>[]} results */
  collect(results) {
    const { runs, problem } = separateRuns(results);
    this.handlers.problem(problem);
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
    this.handlers.removed(text, () => {
      this.show(runs);
      store.set(previous);
    });
  }

  /** @param {Run[]} runs */
  show(runs) {
    if (runs.length) this.handlers.removed("", null);
    this.store.runs = runs;
    const { iteration } = this.store.state;
    this.store.set({ runs: runs.map((run) => this.describeRun(run)), iteration: Math.min(iteration, this.lastIteration) });
    this.handlers.change(runs);
  }
}
