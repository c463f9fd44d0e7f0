// The numbers at the point, in digits, words and speech.
// @ts-check
import { byId, debounced, showNumber } from "../lib/dom.js";
import { short, shortCost, superscript } from "../lib/format.js";

const WORDS = { exploding: "Exploding.", vanishing: "Vanishing.", steady: "Steady." };

/** @typedef {import("../model/data.js").Evaluation} Evaluation */

let cost = "";

const speak = debounced(600, () => {
  const regime = byId("regime").textContent.toLowerCase();
  byId("spoken").textContent = `Cost ${cost.replace("×10", " times ten to the ")}, gradient ${regime || "none"}`;
});

/** @param {Evaluation | null} evaluation */
export function showEvaluation(evaluation) {
  cost = evaluation ? shortCost(evaluation.cost, evaluation.log10_cost) : "…";
  showNumber(byId("cost"), cost, evaluation?.cost);
  for (const weight of /** @type {const} */ (["w_in", "w_rec"])) {
    const value = evaluation?.weight_gradient[weight];
    const text = value === null ? "beyond 10³⁰⁸" : evaluation ? short(value) : "…";
    showNumber(byId(`by_${weight}`), text, value);
  }
  const regime = evaluation?.regime ?? "";
  byId("regime").textContent = WORDS[/** @type {keyof typeof WORDS} */ (regime)] ?? "";
  byId("regime").dataset.regime = regime;
  byId("growth").textContent = evaluation ? growth(evaluation) : "";
  byId("growth").dataset.value = String(evaluation?.growth_per_step ?? "");
  byId("here").textContent = evaluation ? `cost ${cost}${regime && `, ${regime}`}` : "";
  speak();
}

/** @param {Evaluation} evaluation */
function growth({ growth_per_step, gradient }) {
  if (growth_per_step === null) return "The gradient is zero.";
  const n_steps = gradient.length - 1;
  const whole = n_steps * Math.log10(growth_per_step);
  const factor = Math.abs(whole) < 4 ? short(10 ** whole) : `10${superscript(Math.round(whole))}`;
  return `Each step back multiplies it by ${short(growth_per_step, 3)}, ${n_steps} steps by ${growth_per_step ? factor : "0"}.`;
}

/** @param {(number | null)[] | null} states @param {string} bits */
export function showPrediction(states, bits) {
  const output = states ? states[states.length - 1] : undefined;
  showNumber(byId("prediction"), states ? (output === null ? "beyond 10³⁰⁸" : short(output)) : "…", output);
  const ones = [...bits].filter((bit) => bit === "1").length;
  byId("ones").textContent = String(ones);
}
