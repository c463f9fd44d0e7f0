// The numbers at the point, of runs and of the prediction.
import { byId, setText, showNumber } from "../lib/dom.js";
import { OVERFLOW, formatCost, formatNumber, formatPoint, superscript } from "../lib/format.js";
import { debounce } from "../lib/throttle.js";

const REGIMES = { exploding: "Exploding.", vanishing: "Vanishing.", steady: "Steady." };
const PENDING = "…";

let announcement = "";
const announce = debounce(600, () => (byId("announcement").textContent = announcement));

/** @param {Shown} shown */
export function showWeights({ number, w_in, w_rec, iteration }) {
  byId("point-title").textContent = number ? `At iteration ${iteration}` : "At the start";
  showNumber(byId("shown_w_in"), formatNumber(w_in), w_in);
  showNumber(byId("shown_w_rec"), formatNumber(w_rec), w_rec);
}

/** @param {Evaluation | null} evaluation */
export function showEvaluation(evaluation) {
  const cost = evaluation ? formatCost(evaluation.cost, evaluation.log10_cost) : PENDING;
  showNumber(byId("cost"), cost, evaluation?.cost);
  for (const weight of /** @type {const} */ (["w_in", "w_rec"])) {
    const value = evaluation?.weight_gradient[weight];
    const text = value === null || Number.isNaN(value) ? OVERFLOW : evaluation ? formatNumber(value) : PENDING;
    showNumber(byId(`by_${weight}`), text, value);
  }
  const regime = evaluation?.regime ?? "";
  byId("regime").textContent = REGIMES[/** @type {keyof typeof REGIMES} */ (regime)] ?? "";
  byId("regime").dataset.regime = regime;
  byId("growth").textContent = evaluation ? describeGrowth(evaluation) : "";
  byId("growth").dataset.value = String(evaluation?.growth_per_step ?? "");
  byId("point-summary").textContent = evaluation ? `cost ${cost}${regime && `, ${regime}`}` : "";
  const spoken_cost = cost.replace("×10", " times 10 to the ");
  announcement = evaluation ? `Cost ${spoken_cost}, gradient ${regime || "zero"}.` : "";
  announce();
}

/** @param {Evaluation} evaluation */
function describeGrowth({ growth_per_step, gradient }) {
  if (growth_per_step === null) return "The gradient is zero.";
  const n_steps = gradient.length - 1;
  const exponent = n_steps * Math.log10(growth_per_step);
  const total = Math.abs(exponent) < 4 ? formatNumber(10 ** exponent) : `10${superscript(Math.round(exponent))}`;
  const steps = n_steps === 1 ? "1 step" : `${n_steps} steps`;
  return `Factor ${formatNumber(growth_per_step)} per step, ${growth_per_step ? total : "0"} in ${steps}.`;
}

/**
 * Show the weights and the cost of a run.
 * @param {{weights: Element, cost: Element}} cell
 * @param {{w_in: number | null, w_rec: number | null, cost?: number | null, log10_cost?: number | null}} result
 */
export function showResult(cell, { w_in, w_rec, cost, log10_cost }) {
  showNumber(cell.cost, formatCost(cost, log10_cost), cost);
  const text = w_in === null || w_rec === null ? OVERFLOW : formatPoint(w_in, w_rec);
  setText(cell.weights, text);
}

/** @param {Prediction | null} prediction @param {Sample | null} sample */
export function showPrediction(prediction, sample) {
  const states = prediction?.states;
  const output = states ? states[states.length - 1] : undefined;
  showNumber(byId("prediction"), states ? (output === null ? OVERFLOW : formatNumber(output)) : PENDING, output);
  const isCount = sample?.targets !== null;
  byId("target-name").textContent = isCount ? "Number of ones" : "Target";
  byId("dashed-states").textContent = isCount ? "count so far" : "target";
  byId("ones").textContent = sample ? formatNumber(sample.target) : "";
}
