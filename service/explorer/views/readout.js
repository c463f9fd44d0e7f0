// The numbers at the shown weights: the cost, and how the gradient changes on its way back.
import { describeTrace } from "../charts/trace.js";
import { setText, showNumber } from "../lib/dom.js";
import { OVERFLOW, formatCost, formatNumber, spell } from "../lib/format.js";
import { debounce } from "../lib/throttle.js";
import { STEADY } from "../model/network.js";
import { SHOWN_KEYS, findShown } from "../model/shown.js";

/** What happens to a gradient over the whole sequence, in the words of the service. @type {Record<string, string>} */
const REGIMES = {
  exploding: `▲ exploding: above ${STEADY[1]} over all steps`,
  steady: `= steady: ${STEADY.join(" to ")} over all steps`,
  vanishing: `▽ vanishing: below ${STEADY[0]} over all steps`,
  zero: "0 zero: no gradient reaches the weights",
};
const PENDING = "…";
const ANNOUNCE_MS = 600;

export class Readout {
  /** @param {Store} store @param {Record<string, HTMLElement>} elements */
  constructor(store, elements) {
    this.store = store;
    this.elements = elements;
    this.regime = "";
    this.spoken = "unknown"; // the gradient, in words
    this.text = "";
    this.announce = debounce(
      ANNOUNCE_MS,
      () => (elements.announcement.textContent = this.text && `${this.text}, gradient ${this.spoken}.`),
    );
    store.watch(SHOWN_KEYS, () => this.showWeights());
    store.watch(["evaluation"], () => this.showEvaluation());
    store.watch(["prediction"], () => this.showPrediction());
  }

  showWeights() {
    const { number, iteration, overflow } = findShown(this.store);
    const title = `at iteration ${iteration}${overflow === null ? "" : ` (${overflow} overflows)`}`;
    setText(this.elements["point-title"], number ? title : "at the start");
  }

  showEvaluation() {
    const { dataset, evaluation, state } = this.store;
    const cost = evaluation ? formatCost(evaluation.cost, evaluation.log10_cost) : PENDING;
    showNumber(this.elements.cost, cost, evaluation?.cost);
    this.text = evaluation ? `Cost ${spell(cost)}` : "";
    this.announce();
    this.elements["cost-of"].textContent = dataset && state.dataset ? compareWithMean(evaluation, dataset) : "";
  }

  showPrediction() {
    const { growth, regime } = this.elements;
    const { prediction } = this.store;
    const output = prediction?.states.at(-1);
    showNumber(
      this.elements.prediction,
      prediction ? (output === null ? OVERFLOW : formatNumber(output)) : PENDING,
      output,
    );
    const trace = prediction && describeTrace(prediction.trace);
    this.regime = trace?.regime ?? "";
    const factors = trace?.factor ? trace.factor.split(", ").map((each) => spell(each.slice(1))) : [];
    this.spoken = [REGIMES[this.regime]?.slice(2) ?? "unknown", ...factors].join(", ");
    setText(growth, trace?.factor ?? "");
    growth.dataset.value = String(prediction?.trace.growth_per_step ?? "");
    setText(regime, REGIMES[this.regime] ?? "");
    regime.dataset.regime = this.regime;
  }
}

/**
 * Compare the network with a model that always answers the mean of the targets.
 * @param {Evaluation | null} evaluation
 * @param {Dataset} dataset
 */
function compareWithMean(evaluation, { targets }) {
  const mean = targets.reduce((sum, target) => sum + target / targets.length, 0);
  const cost = targets.reduce((sum, target) => sum + (target - mean) ** 2 / targets.length, 0);
  if (evaluation && !(evaluation.cost <= cost)) {
    return `: worse than always predicting the mean (${formatNumber(cost, 3)})`;
  }
  const explained = evaluation && cost > 0 ? `R² ${formatNumber(1 - evaluation.cost / cost, 3)}; ` : "";
  return ` ${explained}cost of the mean ${formatNumber(cost, 3)}`;
}
