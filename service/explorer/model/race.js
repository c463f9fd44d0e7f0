// The training runs over one cost surface: started together, kept in order, restored and removed.
import { formatNumber } from "../lib/format.js";
import { fromRunText, toRunText } from "./address.js";
import { Problem, getJson, postJson, receive } from "./api.js";
import { RATES } from "./optimizers.js";
import { fromObjective, isSameObjective, toTrainingRun } from "./requests.js";
import { MAX_RUNS } from "./state.js";

export class Race {
  /**
   * @param {Store} store @param {Optimizer[]} optimizers
   * @param {Record<"progress" | "problem" | "busy" | "removed", any>} handlers what the runs need of the page: to show progress, a
   * problem, that they are awaited, and which were removed
   */
  constructor(store, optimizers, handlers) {
    this.store = store;
    this.optimizers = new Map(optimizers.map((optimizer) => [optimizer.name, optimizer]));
    this.handlers = handlers;
    this.requests = new AbortController();
    /** @type {Promise<unknown>} */ this.pending = Promise.resolve();
  }

  get lastIteration() {
    return Math.max(0, ...this.store.runs.map(({ result }) => result.iterations ?? 0));
  }

  /** @param {Run} run */
  name({ result }) {
    const { name } = result.request.optimizer;
    return this.optimizers.get(name)?.title ?? name;
  }

  /** Return the request of a run as text. @param {Run} run */
  describeRun({ result: { request } }) {
    return toRunText(request, this.optimizers.get(request.optimizer.name)?.parameters ?? []);
  }

  /** Name a run by its optimizer and its rate. @param {any} request */
  describe({ optimizer }) {
    const rate = findRate(optimizer);
    return `${this.optimizers.get(optimizer.name)?.title ?? optimizer.name}${rate === null ? "" : ` ${formatNumber(rate, 2)}`}`;
  }

  /** Start to train from several states. @param {State[]} states @param {AbortSignal} signal */
  start(states, signal) {
    const bodies = states.map(toTrainingRun);
    return Promise.allSettled(bodies.map((body) => startRun(body, this.handlers.progress(this.describe(body)), signal)));
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
    this.handlers.busy(false);
    this.show([]);
  }

  /** Remove all runs, and offer to return to them. */
  remove() {
    const { iteration, show } = this.store.state;
    const { runs } = this.store;
    this.clear();
    this.offerUndo(runs, "", { iteration, show });
  }

  /** Say which runs were removed, and offer to return to them. @param {Run[]} runs @param {string} origin @param {Partial<State>} state to return to */
  offerUndo(runs, origin, state) {
    const text = runs.length === 1 ? `The run${origin} was removed.` : `The ${runs.length} runs${origin} were removed.`;
    this.handlers.removed(text, () => {
      this.show(runs);
      this.store.set(state);
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
    const others = keep ? this.store.runs.filter(({ result }) => !ids.has(result.id)) : [];
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
    const results = await this.start(
      state.runs.map((text) => ({ ...state, ...fromRunText(text) })),
      signal,
    );
    if (!signal.aborted) this.show(this.collect(results));
  }

  /** Return the runs for the data of the page, and show what failed. @param {PromiseSettledResult<Run>[]} results */
  collect(results) {
    const problem = results.find((each) => each.status === "rejected")?.reason ?? null;
    if (problem && !(problem instanceof Problem)) throw problem;
    this.handlers.problem(problem);
    return results.flatMap((each) => (each.status === "fulfilled" && this.matches(each.value) ? [each.value] : []));
  }

  /** Return whether a run has the dataset and the network of the page. @param {Run} run */
  matches({ result: { request } }) {
    return isSameObjective(request, this.store.state);
  }

  /** Remove the runs of other data, and offer to return to these. */
  removeMismatches() {
    const { store } = this;
    const { runs } = store;
    const matching = runs.filter((run) => this.matches(run));
    if (matching.length === runs.length) return;
    const { view, w_in, w_rec, iteration, show, sequence } = store.state;
    const previous = { view, w_in, w_rec, iteration, show, sequence, ...fromObjective(runs[0].result.request) };
    this.show(matching);
    this.offerUndo(runs, " of the previous data", previous);
  }

  /** @param {Run[]} runs */
  show(runs) {
    if (runs.length) this.handlers.removed("", null);
    this.store.runs = runs;
    const { iteration } = this.store.state;
    this.store.set({ runs: runs.map((run) => this.describeRun(run)), iteration: Math.min(iteration, this.lastIteration) });
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

/** Return the rate of an optimizer in a request, or null if it has none. @param {Record<string, any>} optimizer @returns {number | null} */
export function findRate(optimizer) {
  const name = RATES.find((each) => each in optimizer);
  return name === undefined ? null : optimizer[name];
}
