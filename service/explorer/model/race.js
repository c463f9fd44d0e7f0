// The training runs over one cost surface: started together, kept in order, restored and removed.
import { formatNumber, formatPoint } from "../lib/format.js";
import { fromRunText, toRunText } from "./address.js";
import { Problem, getJson, postJson, receive } from "./api.js";
import { RATES } from "./rates.js";
import { fromObjective, isSameObjective, toTrainingRun } from "./requests.js";
import { MAX_RUNS } from "./state.js";

export class Race {
  /**
   * @param {Store} store @param {Optimizer[]} optimizers
   * @param {Record<"progress" | "problem" | "busy" | "removed", any>} handlers what the runs need of the page: to show
   *   progress, a
   * problem, that they are awaited, and which were removed
   */
  constructor(store, optimizers, handlers) {
    this.store = store;
    this.optimizers = new Map(optimizers.map((optimizer) => [optimizer.name, optimizer]));
    this.handlers = handlers;
    this.previous = store.state; // the last state for which all runs were computed
    this.requests = new AbortController();
    /** @type {Promise<unknown>} */ this.pending = Promise.resolve();
  }

  get lastIteration() {
    return Math.max(0, ...this.store.runs.map(({ result }) => result.iterations ?? 0));
  }

  /** Return the settings that name a run: optimizer, rate, clipping and start. @param {any} request */
  listSettings({ optimizer, clip, initial_weights: { w_in, w_rec } }) {
    const rate = RATES.filter((each) => each in optimizer).map((each) => formatNumber(optimizer[each], 3));
    const clipping = clip ? `clip ${clip.by} ${formatNumber(clip.threshold)}` : "";
    return [
      this.optimizers.get(optimizer.name)?.title ?? optimizer.name,
      rate.join(),
      clipping,
      `from ${formatPoint(w_in, w_rec)}`,
    ];
  }

  /** Name a run by its optimizer and its rate. @param {any} request */
  describe(request) {
    return this.listSettings(request).slice(0, 2).join(" ");
  }

  /**
   * Name each run by its rate and by those of these settings that differ, and the first one by its optimizer in any
   * case.
   * @param {Run[]} runs
   */
  nameRuns(runs) {
    const all = runs.map(({ result }) => this.listSettings(result.request));
    const differs = (/** @type {number} */ k) => new Set(all.map((settings) => settings[k])).size > 1;
    return all.map((settings, index) =>
      settings.filter((each, k) => each && (k === 1 || (k === 0 && index === 0) || differs(k))).join(" "),
    );
  }

  /** Start to train from several states. @param {State[]} states @param {AbortSignal} signal */
  start(states, signal) {
    const bodies = states.map(toTrainingRun);
    return Promise.allSettled(
      bodies.map((body) => startRun(body, this.handlers.progress(this.describe(body)), signal)),
    );
  }

  /**
   * Train from several states, and show the runs at their first iteration.
   * @param {State[]} states @param {boolean} keep the current runs
   * @returns {Promise<boolean>} whether runs are shown
   */
  async train(states, keep) {
    const { handlers } = this;
    const { signal } = keep ? this.requests : this.replaceRequests();
    handlers.problem(null);
    handlers.busy(true);
    const started = this.start(states, signal);
    const inOrder = this.pending.then(() => started); // runs appear in the order in which they were started
    this.pending = inOrder;
    try {
      const results = await inOrder;
      if (signal.aborted) return false;
      const runs = this.collect(results);
      if (runs.length) this.add(runs, keep);
      return runs.length > 0;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      handlers.problem(error);
      return false;
    } finally {
      if (!signal.aborted) handlers.busy(false);
    }
  }

  /** Remove all runs, and do not wait for others. */
  clear() {
    this.replaceRequests();
    this.handlers.problem(null);
    this.handlers.removed("", null);
    this.show([]);
  }

  /**
   * Show other runs, and offer to return to these, and to their data.
   * @param {Run[]} others
   * @param {string} [origin] of these, in words
   */
  replace(others, origin = "") {
    const { previous, store } = this;
    const { runs } = store;
    const shown = runs[store.state.show - 1];
    const removed = runs.filter((run) => !others.includes(run));
    this.show(others);
    store.set({ show: others.indexOf(shown) + 1 });
    const text =
      removed.length === 1 ? `The run${origin} was removed.` : `The ${removed.length} runs${origin} were removed.`;
    this.handlers.removed(text, () => {
      const { iteration, sequence, show, view, w_in, w_rec } = previous;
      const { request } = runs[0].result;
      if (!isSameObjective(request, store.state)) store.set({ ...fromObjective(request), sequence, view, w_in, w_rec });
      this.show(runs);
      store.set({ iteration, show });
    });
  }

  /** Stop waiting for runs. Jobs continue, because others may wait for them as well. */
  replaceRequests() {
    this.requests.abort();
    this.requests = new AbortController();
    this.handlers.busy(false);
    return this.requests;
  }

  /** @param {Run[]} runs @param {boolean} keep */
  add(runs, keep) {
    const ids = new Set(runs.map(({ result }) => result.id));
    const others = keep ? this.store.runs.filter(({ result }) => !ids.has(result.id)) : [];
    if (others.length + runs.length > MAX_RUNS) {
      throw new Problem("The race is full", `A race has at most ${MAX_RUNS} runs. Remove one first.`);
    }
    if (keep || this.store.runs.length < 2) this.show([...others, ...runs]);
    else this.replace(runs, " before");
    const costs = runs.map(({ result }) => result.final.cost ?? Infinity);
    this.store.set({ iteration: 0, show: others.length + 1 + costs.lastIndexOf(Math.min(...costs)) });
  }

  /**
   * Show the runs of an address, and return true unless they were replaced. They are trained again if the server does
   * not have them.
   */
  async restore() {
    const { signal } = this.replaceRequests();
    const { state } = this.store;
    if (state.dataset) await (await import("./own_data.js")).storeExample(state.dataset);
    if (signal.aborted) return false;
    const results = await this.start(
      state.runs.map((text) => ({ ...state, ...fromRunText(text) })),
      signal,
    );
    if (!signal.aborted) this.show(this.collect(results));
    return !signal.aborted;
  }

  /** Return the runs for the data of the page, and show what failed. @param {PromiseSettledResult<Run>[]} results */
  collect(results) {
    const problem = results.find((each) => each.status === "rejected")?.reason ?? null;
    if (problem && !(problem instanceof Problem)) throw problem;
    this.handlers.problem(problem);
    const runs = results.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    return runs.filter(({ result }) => isSameObjective(result.request, this.store.state));
  }

  /** Follow the state: remember it, or remove the runs of other data. */
  follow() {
    const { runs, state } = this.store;
    const matching = runs.filter(({ result }) => isSameObjective(result.request, state));
    if (matching.length < runs.length) this.replace(matching, " of the previous data");
    else this.previous = { ...state };
  }

  /** @param {Run[]} runs */
  show(runs) {
    if (runs.length) this.handlers.removed("", null);
    this.store.runs = runs;
    const { iteration } = this.store.state;
    const texts = runs.map(({ result: { request } }) =>
      toRunText(request, this.optimizers.get(request.optimizer.name)?.parameters ?? []),
    );
    this.store.set({ runs: texts, iteration: Math.min(iteration, this.lastIteration) });
  }
}

/**
 * Start a training run and wait for its result.
 * @param {object} body @param {Watcher} watcher @param {AbortSignal} signal @returns {Promise<Run>}
 */
async function startRun(body, watcher, signal) {
  const started = await postJson("v1/training-runs", body, signal);
  const { completeJob } = await receive(import("./jobs.js"));
  const result = await completeJob(started, "training run", watcher, signal);
  return { result, trajectory: await getJson(result.links.trajectory, signal) };
}
