// The numbers at the shown weights: the cost, and how the gradient changes on its way back.
import { setText, showNumber } from "../lib/dom.js";
import { OVERFLOW, formatCost, formatNumber, spell, superscript } from "../lib/format.js";
import { debounce } from "../lib/throttle.js";

/** What happens to a gradient over the whole sequence, in words. @type {Record<string, string>} */
const REGIMES = {
  exploding: "▲ exploding (above ×10 in total)",
  growing: "▲ growing (×1.1 to ×10 in total)",
  steady: "= steady (×0.9 to ×1.1 in total)",
  shrinking: "▽ shrinking (×0.1 to ×0.9 in total)",
  vanishing: "▽ vanishing (below ×0.1 in total)",
  zero: "0 zero: every gradient is exactly 0",
};
/** What the service calls a change by a factor of up to 10 as well. @type {Record<string, string>} */
const MILD = { exploding: "growing", vanishing: "shrinking" };
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
    this.text = evaluation ? `Cost ${spell(cost)}` : "";
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
    const isMild = trace && Math.abs(logGrowth(trace)) <= 1;
    this.regime = (isMild && MILD[name]) || name;
    setText(regime, REGIMES[this.regime] ?? "");
    regime.dataset.regime = name;
    return [summary, this.regime].filter(Boolean).join(", ");
  }
}

/** Return log10 of the factor over all steps. @param {Trace} trace */
const logGrowth = ({ growth_per_step, gradient }) => (gradient.length - 1) * Math.log10(Number(growth_per_step));

/** @param {Trace} trace */
function describeGrowth(trace) {
  const { growth_per_step, gradient } = trace;
  const n_steps = gradient.length - 1;
  const exponent = logGrowth(trace);
  const total = Math.abs(exponent) < 5 ? formatNumber(10 ** exponent, 3) : `10${superscript(Math.round(exponent))}`;
  return `×${formatNumber(growth_per_step)} per step, ×${growth_per_step ? total : "0"} in ${n_steps}`;
}
