// The numbers at the shown weights: the cost, and how the gradient changes on its way back.
import { setText, showNumber } from "../lib/dom.js";
import { OVERFLOW, formatCost, formatNumber, superscript } from "../lib/format.js";
import { debounce } from "../lib/throttle.js";

/** Words for what happens to a gradient over the whole sequence, with the threshold of each. @type {Record<string, {icon: string, word: string, threshold: string}>} */
const REGIMES = {
  exploding: { icon: "▲", word: "exploding", threshold: "above ×1.1 in all" },
  vanishing: { icon: "▽", word: "vanishing", threshold: "below ×0.9 in all" },
  steady: { icon: "=", word: "steady", threshold: "from ×0.9 to ×1.1 in all" },
  zero: { icon: "0", word: "zero", threshold: "every gradient is exactly 0" },
};
const PENDING = "…";
const ANNOUNCE_MS = 600;

export class Readout {
  /** @param {{title: HTMLElement, cost: HTMLElement, growth: HTMLElement, regime: HTMLElement, prediction: HTMLElement, announcement: HTMLElement}} elements */
  constructor(elements) {
    this.elements = elements;
    this.regime = "";
    this.text = "";
    this.announce = debounce(
      ANNOUNCE_MS,
      () => (elements.announcement.textContent = this.text && `${this.text}, gradient ${this.regime || "unknown"}.`),
    );
  }

  /** @param {Shown} shown */
  showWeights({ number, iteration }) {
    setText(this.elements.title, number ? `at iteration ${iteration}` : "at the start");
  }

  /** @param {Evaluation | null} evaluation */
  showEvaluation(evaluation) {
    const cost = evaluation ? formatCost(evaluation.cost, evaluation.log10_cost) : PENDING;
    showNumber(this.elements.cost, cost, evaluation?.cost);
    this.text = evaluation ? `Cost ${cost.replace("×10", " times 10 to the ")}` : "";
    this.announce();
  }

  /** @param {Prediction | null} prediction @returns {string} a summary of the gradient */
  showPrediction(prediction) {
    const { growth, regime } = this.elements;
    const output = prediction?.states.at(-1);
    showNumber(this.elements.prediction, prediction ? (output === null ? OVERFLOW : formatNumber(output)) : PENDING, output);
    const trace = prediction?.trace;
    const isZero = trace && (trace.growth_per_step === null || trace.gradient.every((g) => g === 0));
    const name = !trace ? "" : isZero ? "zero" : (trace.regime ?? "zero");
    const summary = trace && !isZero ? describeGrowth(trace) : "";
    setText(growth, summary);
    growth.dataset.value = String(trace?.growth_per_step ?? "");
    const { icon, word, threshold } = REGIMES[name] ?? { icon: "", word: "", threshold: "" };
    setText(regime, name && `${icon} ${word}${name === "zero" ? ": " : " ("}${threshold}${name === "zero" ? "" : ")"}`);
    regime.dataset.regime = this.regime = name;
    return [summary, word].filter(Boolean).join(", ");
  }
}

/** @param {Trace} trace */
function describeGrowth({ growth_per_step, gradient }) {
  const n_steps = gradient.length - 1;
  const exponent = n_steps * Math.log10(Number(growth_per_step));
  const total = Math.abs(exponent) < 5 ? formatNumber(10 ** exponent, 3) : `10${superscript(Math.round(exponent))}`;
  return `×${formatNumber(growth_per_step)} per step, ×${growth_per_step ? total : "0"} in ${n_steps}`;
}
