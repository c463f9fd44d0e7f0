// Where training succeeds: the control of the basin map, its legend and its shares.
import { byId, createButton, html } from "../lib/dom.js";
import { formatNumber } from "../lib/format.js";
import { Problem } from "../model/api.js";
import { computeBasinMap } from "../model/basins.js";
import { OBJECTIVE_KEYS } from "../model/requests.js";
import { BasinLayer, createScale, createSwatch, iterationRange } from "../charts/basin_layer.js";
import { showProblem } from "./problems.js";
import { showProgress } from "./progress.js";

/** @type {(keyof State)[]} */
const SETTINGS = ["optimizer", "parameters", "n_iterations", "target_cost", "clip", "threshold"];

/** @param {Store} store @param {Surface} surface @param {Optimizer[]} optimizers */
export function createBasins(store, surface, optimizers) {
  const control = new BasinControl(store, new BasinLayer(surface), optimizers);
  store.watch(OBJECTIVE_KEYS, () => control.clear("The data"));
  store.watch(SETTINGS, () => control.clear("The settings"));
  store.watch(["view"], () => control.offerUpdate());
  store.watch(["basins"], () => control.toggle());
}

class BasinControl {
  /** @param {Store} store @param {BasinLayer} layer @param {Optimizer[]} optimizers */
  constructor(store, layer, optimizers) {
    this.store = store;
    this.layer = layer;
    this.titles = new Map(optimizers.map(({ name, title }) => [name, title]));
    this.request = new AbortController();
    this.settings = ""; // of the map, or of the one that is computed
    this.update = createButton("Compute for these settings", () => this.compute());
  }

  toggle() {
    if (this.store.state.basins) this.compute();
    else {
      this.remove();
      byId("basin-legend").replaceChildren();
    }
  }

  remove() {
    this.request.abort();
    this.layer.show(null);
    this.settings = "";
  }

  /** Offer to compute the map again if the settings differ from its own. */
  offerUpdate() {
    this.update.hidden = this.settings === readSettings(this.store.state);
  }

  /** Remove the map of other data or settings. @param {string} what has changed */
  clear(what) {
    if (!this.settings || this.settings === readSettings(this.store.state)) return;
    this.remove();
    byId("basin-legend").replaceChildren(`${what} have changed.`, this.update);
    this.offerUpdate();
  }

  async compute() {
    this.request.abort();
    this.request = new AbortController();
    const { signal } = this.request;
    this.settings = readSettings(this.store.state);
    this.offerUpdate();
    byId("basin-legend").replaceChildren("Training from every point of the view…");
    showProblem("basin-problem", null);
    const title = this.titles.get(this.store.state.optimizer) ?? "";
    try {
      const map = await computeBasinMap(this.store, showProgress(`${title} from every point`), signal);
      if (signal.aborted) return;
      this.layer.show(map);
      byId("basin-legend").replaceChildren(...this.describe(map), this.update);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Problem)) throw error;
      showProblem("basin-problem", error);
      byId("basin-legend").replaceChildren();
      this.store.set({ basins: false });
    }
  }

  /** Return the legend of a map. @param {BasinMap} map @returns {(Node | string)[]} */
  describe(map) {
    const { request, shares } = map.result;
    const [low, high] = iterationRange(map).map((n) => n.toLocaleString("en"));
    const title = this.titles.get(request.optimizer.name) ?? request.optimizer.name;
    const reached =
      `${title} reaches a cost of ${formatNumber(request.target_cost)} within ${request.n_iterations.toLocaleString("en")} iterations ` +
      `from ${formatShare(shares.target_reached)} of the starts.`;
    return [
      html("strong", {}, reached),
      html("span", {}, `≤ ${low}`, createScale(), `${high} iterations`),
      html("span", {}, createSwatch("iterations_exhausted"), `Not in time: ${formatShare(shares.iterations_exhausted)}`),
      html("span", {}, createSwatch("diverged"), `Diverged: ${formatShare(shares.diverged)}`),
    ];
  }
}

/** @param {State} state */
const readSettings = (state) =>
  JSON.stringify([...OBJECTIVE_KEYS, ...SETTINGS, "view"].map((key) => state[/** @type {keyof State} */ (key)]));

/** @param {number} share from 0 to 1 */
const formatShare = (share) => `${(100 * share).toFixed(1)}%`;
