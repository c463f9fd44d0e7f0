// Where training succeeds: the control of the basin map, its legend and its shares.
import { createButton, html } from "../lib/dom.js";
import { count, formatNumber, formatPercent } from "../lib/format.js";
import { Problem } from "../model/api.js";
import { computeBasinMap } from "../model/basins.js";
import { OBJECTIVE_KEYS } from "../model/requests.js";
import { BasinLayer, createSwatch } from "../charts/basin_layer.js";
import { showProblem } from "./problems.js";
import { showProgress } from "./progress.js";

const DIGITS = 4; // of a share of 10,000 starts
/** @type {(keyof State)[]} */
const SETTINGS = [...OBJECTIVE_KEYS, "optimizer", "parameters", "n_iterations", "target_cost", "clip", "threshold"];

export class BasinControl {
  /**
   * @param {Store} store
   * @param {Surface} surface
   * @param {Optimizer[]} optimizers
   * @param {Record<string, HTMLElement>} elements
   */
  constructor(store, surface, optimizers, { "basin-legend": legend, "basin-problem": problem }) {
    this.store = store;
    this.layer = new BasinLayer(surface);
    this.legend = legend;
    this.titles = new Map(optimizers.map(({ name, title }) => [name, title]));
    this.problem = problem;
    /** @type {Promise<BasinMap> | null} */ this.latest = null;
    this.update = createButton("Compute for this view", () => this.compute());
    store.watch(["view"], () => (this.update.hidden = false));
    store.watch(["basins"], () => this.toggle());
    const readSettings = () => JSON.stringify(SETTINGS.map((key) => store.state[key]));
    let settings = readSettings();
    store.watch(SETTINGS, () => {
      // The map would be that of other settings.
      if (settings !== (settings = readSettings())) store.set({ basins: false });
    });
  }

  toggle() {
    if (this.store.state.basins) return this.compute();
    this.latest = null;
    this.layer.show(null);
    this.legend.replaceChildren();
  }

  /** Show the map of the view, unless another one is requested meanwhile. */
  async compute() {
    const { problem, store } = this;
    this.update.hidden = true;
    this.legend.replaceChildren("Training from every point of the view…");
    showProblem(problem.id, null);
    const pending = computeBasinMap(store, showProgress(`${this.titles.get(store.state.optimizer)} from every point`));
    this.latest = pending;
    try {
      const map = await pending;
      if (pending === this.latest) this.show(map);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (pending !== this.latest) return;
      showProblem(problem.id, error);
      store.set({ basins: false });
    }
  }

  /** @param {BasinMap} map */
  show(map) {
    this.layer.show(map);
    this.legend.replaceChildren(...this.describe(map), this.update);
  }

  /** Return the legend of a map. @param {BasinMap} map @returns {(Node | string)[]} */
  describe(map) {
    const { request, shares } = map.result;
    const title = this.titles.get(request.optimizer.name) ?? request.optimizer.name;
    const reached =
      `${title} reaches a cost of ${formatNumber(request.target_cost)} ` +
      `within ${count(request.n_iterations, "iteration")} ` +
      `from ${formatPercent(shares.target_reached, DIGITS)} of the starts.`;
    const late = `Not in time: ${formatPercent(shares.iterations_exhausted, DIGITS)}`;
    const diverged = `Diverged: ${formatPercent(shares.diverged, DIGITS)}`;
    return [
      html("strong", {}, reached),
      html("span", {}, createSwatch("iterations_exhausted"), late),
      html("span", {}, createSwatch("diverged"), diverged),
    ];
  }
}
