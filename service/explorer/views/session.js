// Training from the form, for a lesson and from addresses.
import { CostChart } from "../charts/cost.js";
import { byId, byIds, setAttributes } from "../lib/dom.js";
import { once } from "../lib/once.js";
import { receive } from "../model/api.js";
import { checkOptimizer } from "../model/optimizers.js";
import { Race } from "../model/race.js";
import { checkFields } from "./fields.js";
import { Player } from "./player.js";
import { offerUndo, showIgnored, showProblem } from "./problems.js";
import { showProgress } from "./progress.js";
import { createTrainingForm } from "./training.js";

/** @typedef {ReturnType<typeof import("../model/address.js").readHash>} Address */
/** @typedef {import("./address_bar.js").AddressBar} AddressBar */

/** Adopts the state of addresses. The last one counts, also while an earlier one is still loading. */
export class AddressReader {
  /**
   * @param {Store} store
   * @param {Optimizer[]} optimizers
   * @param {() => Promise<typeof import("./lesson.js")>} importLesson
   * @param {Address["ignored"]} ignoredQuery what the query of the page has in vain
   */
  constructor(store, optimizers, importLesson, ignoredQuery) {
    this.store = store;
    this.optimizers = optimizers;
    this.importLesson = importLesson;
    this.ignoredQuery = ignoredQuery;
    /** @type {unknown} */ this.latest = null;
  }

  /**
   * Adopt an address, at once if its code is loaded, and return the runs to train, or null if the user went on
   * meanwhile.
   * @param {Address} address
   */
  async adopt(address) {
    this.latest = address;
    const { state, ignored } = address;
    const lesson = state.lesson ? (await this.importLesson()).completeLesson(state) : { state, runs: [] };
    if (address !== this.latest) return null;
    const checked = checkOptimizer(this.optimizers, lesson.state);
    this.store.set({ ...lesson.state, ...checked.change });
    showIgnored([...this.ignoredQuery, ...ignored, ...checked.ignored]);
    return lesson.runs;
  }
}

/** Trains from the form, for a lesson and from addresses, and plays the runs. */
export class Training {
  /**
   * @param {Store} store
   * @param {Optimizer[]} optimizers
   * @param {AddressBar} addressBar
   * @param {AddressReader} addresses
   */
  constructor(store, optimizers, addressBar, addresses) {
    this.store = store;
    this.optimizers = optimizers;
    this.addressBar = addressBar;
    this.addresses = addresses;
    const form = ["optimizer", "clip", "threshold", "formula", "variant", "source", "parameters", "more-parameters"];
    createTrainingForm(store, optimizers, byIds(...form));
    this.race = new Race(store, optimizers, {
      progress: showProgress,
      problem: (/** @type {Problem | null} */ problem) => showProblem("train-problem", problem),
      busy: (/** @type {boolean} */ busy) => setAttributes(byId("race"), { "aria-busy": busy && "true" }),
      removed: offerUndo,
    });
    new CostChart(byId("cost-chart"), store, this.race, (iteration) => this.player.goTo(iteration));
    const buttons = byIds("play", "step", "rewind", "clear", "timeline", "iteration", "train");
    this.player = new Player(store, this.race, buttons);
    this.loadTable = once(async () => {
      const { RunsTable } = await import("./runs_table.js");
      return new RunsTable(store, this.race, byIds("race", "runs-legend", "add"));
    });
    store.watch(["runs"], ({ runs }) => void (runs.length && this.loadTable()));
    store.watch(/** @type {(keyof State)[]} */ (Object.keys(store.state)), () => this.race.follow());
  }

  /** Let the buttons of the form train. */
  bindForm() {
    const trainHere = (keep = false) => checkFields() && this.train([{ ...this.store.state }], keep);
    const sweep = async () => {
      const { spreadRates } = await receive(import("../model/sweep.js"));
      if (checkFields()) this.train(spreadRates(this.store.state, this.optimizers), false);
    };
    byId("sweep").addEventListener("click", sweep);
    byId("add").addEventListener("click", () => trainHere(true));
    byId("train-form").addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      trainHere();
    });
    // In these fields, it moves the point.
    const refuseEnter = (/** @type {KeyboardEvent} */ event) => event.key === "Enter" && event.preventDefault();
    for (const id of ["w_in", "w_rec"]) byId(id).addEventListener("keydown", refuseEnter);
    for (const id of ["train", "add", "sweep"]) byId(id).disabled = false;
  }

  /** @param {State[]} states @param {boolean} keep */
  async train(states, keep) {
    if (await this.race.train(states, keep)) this.player.start();
  }

  /** Train from the state with changes. @param {Partial<State>[]} runs */
  trainRuns(runs) {
    const states = runs.map((run) => ({ ...this.store.state, parameters: {}, ...run }));
    return this.train(states, false);
  }

  /**
   * Show a step of a lesson, and train its runs.
   * @param {Partial<State>} change
   * @param {Partial<State>[]} runs
   * @param {boolean} [isNew] whether Back returns to the present state
   */
  visit(change, runs, isNew = true) {
    this.addresses.latest = change;
    this.player.pause();
    if (isNew) this.addressBar.visit(change);
    else this.store.set(change);
    this.race.clear();
    if (runs.length) this.trainRuns(runs);
  }

  /** Train the runs of a lesson, or show those of the address. @param {Partial<State>[]} runs */
  async resume(runs) {
    if (runs.length) return this.trainRuns(runs);
    const { iteration } = this.store.state;
    if (await this.race.restore()) this.player.goTo(iteration);
  }

  /** Show another address. @param {Address} address */
  async open(address) {
    this.player.pause();
    this.race.clear();
    const runs = await this.addresses.adopt(address);
    if (runs) await this.resume(runs);
  }
}
