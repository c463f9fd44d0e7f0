// Where training succeeds: the control of the basin map, its legend and its shares.
import { createButton, html } from "../lib/dom.js";
import { formatNumber } from "../lib/format.js";
import { Problem } from "../model/api.js";
import { computeBasinMap } from "../model/basins.js";
import { OBJECTIVE_KEYS } from "../model/requests.js";
import { BasinLayer, createSwatch } from "../charts/basin_layer.js";
import { showProblem } from "./problems.js";
import { showProgress } from "./progress.js";

/** @type {(keyof State)[]} */
const SETTINGS = [...OBJECTIVE_KEYS, "optimizer", "parameters", "n_iterations", "target_cost", "clip", "threshold"];

/**
 * @param {Store} store @param {Surface} surface @param {Optimizer[]} optimizers
 * @param {{legend: HTMLElement, problem: HTMLElement}} elements
 */
export function createBasins(store, surface, optimizers, elements) {
  const control = new BasinControl(store, new BasinLayer(surface), optimizers, elements);
  store.watch(["basins"], () => control.toggle());
  const readSettings = () => JSON.stringify(SETTINGS.map((key) => store.state[key]));
  let settings = readSettings();
  store.watch(SETTINGS, () => {
    if (settings !== (settings = readSettings())) store.set({ basins: false }); // the map would be that of other settings
  });
}

class BasinControl {
  /** @param {Store} store @param {BasinLayer} layer @param {Optimizer[]} optimizers @param {{legend: HTMLElement, problem: HTMLElement}} elements */
  constructor(store, layer, optimizers, { legend, problem }) {
    this.store = store;
    this.layer = layer;
    this.legend = legend;
    this.problem = problem;
    this.titles = new Map(optimizers.map(({ name, title }) => [name, title]));
    this.request = new AbortController();
    this.update = createButton("Compute for this view", () => this.compute());
    store.watch(["view"], () => (this.update.hidden = false));
  }

  toggle() {
    if (this.store.state.basins) this.compute();
    else {
      this.request.abort();
      this.layer.show(null);
      this.legend.replaceChildren();
    }
  }

  async compute() {
    this.request.abort();
    this.request = new AbortController();
    const { signal } = this.request;
    this.update.hidden = true;
    this.legend.replaceChildren("Training from every point of the view…");
    showProblem(this.problem.id, null);
    const title = this.titles.get(this.store.state.optimizer) ?? "";
    try {
      const map = await computeBasinMap(this.store, showProgress(`${title} from every point`), signal);
      if (signal.aborted) return;
      this.layer.show(map);
      this.legend.replaceChildren(...this.describe(map), this.update);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Problem)) throw error;
      showProblem(this.problem.id, error);
      this.store.set({ basins: false });
    }
  }

  /** Return the legend of a map. @param {BasinMap} map @returns {(Node | string)[]} */
  describe(map) {
    const { request, shares } = map.result;
    const title = this.titles.get(request.optimizer.name) ?? request.optimizer.name;
    const reached =
      `${title} reaches a cost of ${formatNumber(request.target_cost)} within ${request.n_iterations.toLocaleString("en")} iterations ` +
      `from ${formatShare(shares.target_reached)} of the starts.`;
    return [
      html("strong", {}, reached),
      html("span", {}, createSwatch("iterations_exhausted"), `Not in time: ${formatShare(shares.iterations_exhausted)}`),
      html("span", {}, createSwatch("diverged"), `Diverged: ${formatShare(shares.diverged)}`),
    ];
  }
}

/** @param {number} share from 0 to 1 */
const formatShare = (share) => `${(100 * share).toFixed(1)}%`;
