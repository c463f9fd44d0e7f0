// Training runs: asked of the service, raced over one surface, told of in a table.
// @ts-check
import { Problem, get, post } from "../model/api.js";
import { byId, html, showNumber, showProblem, svg } from "../lib/dom.js";
import { short, shortCost } from "../lib/format.js";
import { lineClass, recordAt } from "./paths.js";
import { datasetOf, networkOf } from "../model/data.js";
import { runQuestion } from "./training.js";

/**
 * @typedef {{iteration: number[], w_in: (number | null)[], w_rec: (number | null)[], cost: (number | null)[], log10_cost: (number | null)[]}} Trajectory
 * @typedef {{id: string, title: string, answer: any, trajectory: Trajectory}} Run
 */

const MOST = 8;
const POLL_MS = 1000;
const OUTCOMES = { target_reached: "reached the target", iterations_exhausted: "all iterations done", diverged: "diverged" };
const HEADINGS = ["Optimizer", "Cost now", "Final cost", "Gap to optimum", "Outcome", ""];

export class Race {
  /**
   * @param {import("../model/state.js").Store} store @param {import("../model/data.js").Optimizer[]} optimizers
   * @param {(runs: Run[]) => void} changed
   */
  constructor(store, optimizers, changed) {
    this.store = store;
    this.optimizers = optimizers;
    this.changed = changed;
    /** @type {Run[]} */ this.runs = [];
    /** @type {Element[]} */ this.now = [];
    this.asking = 0;
    /** @type {Promise<void>} */ this.pending = Promise.resolve();
  }

  get last() {
    return Math.max(0, ...this.runs.map(({ answer }) => answer.iterations ?? 0));
  }

  /**
   * Train from states of the page, and show the runs from their start.
   * @param {import("../model/state.js").State[]} states @param {boolean} keep the runs there are
   */
  async train(states, keep) {
    const turn = keep ? this.asking : ++this.asking;
    const before = this.pending;
    let done = () => {};
    this.pending = new Promise((resolve) => (done = () => resolve(undefined)));
    showProblem("train-problem", null);
    byId("race").setAttribute("aria-busy", "true");
    try {
      const found = await Promise.all(states.map((state) => this.ask(state)));
      await before; // what was asked before this is in the race first
      if (turn !== this.asking) return false;
      const known = new Set(found.map(({ id }) => id));
      const others = keep ? this.runs.filter(({ id }) => !known.has(id)) : [];
      if (others.length + found.length > MOST) {
        throw new Problem("The race is full", `Remove one of the ${MOST} runs first.`);
      }
      this.show([...others, ...found]);
      this.store.set({ frame: 0 });
      return true;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (turn === this.asking) showProblem("train-problem", error);
      return false;
    } finally {
      done();
      byId("race").removeAttribute("aria-busy");
    }
  }

  /** @param {import("../model/state.js").State} state */
  async ask(state) {
    return this.fetch(await post("v1/training-runs", runQuestion(state)));
  }

  /** @param {any} answer of a run @returns {Promise<Run>} */
  async fetch(answer) {
    while (answer.status === "queued" || answer.status === "running") {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      answer = await get(`v1/training-runs/${answer.id}`);
    }
    if (answer.status !== "succeeded") {
      throw new Problem(answer.error?.title ?? `The run was ${answer.status}`, answer.error?.detail ?? "");
    }
    const { name } = answer.request.optimizer;
    const title = this.optimizers.find((each) => each.name === name)?.title ?? name;
    return { id: answer.id, title, answer, trajectory: await get(answer.links.trajectory) };
  }

  /** Bring back the runs of an address. @param {string[]} ids */
  async restore(ids) {
    const turn = ++this.asking;
    const answers = await Promise.allSettled(
      ids.map(async (id) => this.fetch(await get(`v1/training-runs/${id}`))),
    );
    if (turn !== this.asking) return;
    const found = answers.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    this.show(found.filter((run) => this.fits(run)));
    const failed = answers.find((each) => each.status === "rejected");
    if (failed) {
      if (!(failed.reason instanceof Problem)) throw failed.reason;
      showProblem("train-problem", failed.reason);
    }
  }

  /** Whether a run belongs to the surface that is shown. @param {Run} run */
  fits({ answer: { request } }) {
    const { state } = this.store;
    return (
      JSON.stringify(sorted(request.dataset)) === JSON.stringify(sorted(datasetOf(state))) &&
      JSON.stringify(sorted(request.network)) === JSON.stringify(sorted(networkOf(state)))
    );
  }

  /** Let go of runs on other data. */
  prune() {
    const fitting = this.runs.filter((run) => this.fits(run));
    if (fitting.length !== this.runs.length) this.show(fitting);
  }

  /** @param {Run[]} runs */
  show(runs) {
    this.runs = runs;
    this.store.set({ runs: runs.map(({ id }) => id), frame: Math.min(this.store.state.frame, this.last) });
    this.table();
    this.changed(runs);
    this.frame(this.store.state.frame);
  }

  table() {
    const place = byId("race");
    place.replaceChildren();
    this.now = [];
    if (!this.runs.length) return;
    const head = html("tr", {}, ...HEADINGS.map((text) => html("th", { scope: "col", class: text === "Outcome" ? "outcome" : null }, text || html("span", { class: "spoken" }, "Remove"))));
    const rows = this.runs.map((run, index) => this.row(run, index));
    place.append(html("table", {}, html("caption", { class: "spoken" }, "Runs in the race"), html("thead", {}, head), html("tbody", {}, ...rows)));
  }

  /** @param {Run} run @param {number} index */
  row({ id, title, answer }, index) {
    const swatch = svg("svg", { class: `swatch ${lineClass(index)}`, "aria-hidden": "true" }, svg("line", { x1: 1, x2: 29, y1: 6, y2: 6 }));
    const now = html("td", { "data-title": "now" });
    this.now.push(now);
    const final = html("td", { "data-title": "final" });
    showNumber(final, shortCost(answer.final.cost, answer.final.log10_cost), answer.final.cost);
    const gap = html("td", { "data-title": "gap" });
    showNumber(gap, short(answer.gap_to_optimum, 3), answer.gap_to_optimum);
    const remove = html("button", { type: "button", class: "quiet", "aria-label": `Remove ${title}` }, "×");
    remove.addEventListener("click", () => {
      this.show(this.runs.filter((run) => run.id !== id));
      byId("add").focus();
    });
    const outcome = OUTCOMES[/** @type {keyof typeof OUTCOMES} */ (answer.outcome)] ?? answer.outcome;
    const done = answer.outcome === "iterations_exhausted" ? `${answer.iterations} iterations` : `${outcome} after ${answer.iterations}`;
    return html("tr", { "data-run": id, "data-outcome": answer.outcome }, html("th", { scope: "row" }, swatch, title), now, final, gap, html("td", { class: "outcome" }, done), html("td", { class: "remove" }, remove));
  }

  /** Tell the costs at an iteration. @param {number} frame */
  frame(frame) {
    this.runs.forEach(({ trajectory }, index) => {
      const at = recordAt(trajectory.iteration, frame);
      showNumber(this.now[index], shortCost(trajectory.cost[at], trajectory.log10_cost?.[at]), trajectory.cost[at]);
    });
  }
}

/** @param {Record<string, any>} object @returns {[string, any][]} */
function sorted(object) {
  return Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1));
}
