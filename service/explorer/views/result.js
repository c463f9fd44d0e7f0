// What the network answers now, as one line, and what came of the run, as one sentence.
import { html } from "../lib/dom.js";
import { count, formatNumber } from "../lib/format.js";

const MAX_BITS = 24;

export class Result {
  /** @param {Store} store @param {Record<string, HTMLElement>} elements */
  constructor(store, elements) {
    this.store = store;
    this.elements = elements;
    store.watch(["prediction"], () => this.show());
    store.watch(["optimizer", "iteration", "runs", "show", "lesson", "optimum", "evaluation", "forecast"], () =>
      this.explain(),
    );
  }

  show() {
    const { headline } = this.elements;
    const { prediction } = this.store;
    const sample = prediction?.sample;
    const output = prediction?.states.at(-1);
    if (!sample || output === undefined) {
      headline.replaceChildren("…");
      return;
    }
    const isRight = output !== null && isAnswer(output, sample, this.store.dataset);
    const mark = html("span", { class: isRight ? "right" : "wrong", "aria-hidden": "true" }, isRight ? "✓" : "✗");
    const spoken = html("span", { class: "visually-hidden" }, isRight ? " right" : " wrong");
    const error =
      isRight || sample.targets || output === null
        ? ""
        : `, off by ${formatNumber(Math.abs(output - sample.target), 2)}`;
    headline.replaceChildren(
      html("span", { class: "bits" }, this.nameInput(sample)),
      " → ",
      html("span", { class: "answer" }, output === null ? "overflow" : formatNumber(output)),
      html("span", { class: "target" }, ` · ${nameTarget(sample)}${error || " "}`),
      ...(error ? [] : [mark, spoken]),
    );
  }

  /** @param {Sample} sample */
  nameInput({ inputs, targets }) {
    if (targets) return inputs.length <= MAX_BITS ? inputs.join("") : `${inputs.slice(0, MAX_BITS).join("")}…`;
    const rest = inputs.slice(1);
    if (rest.length && !rest.some(Boolean)) return `${formatNumber(inputs[0], 3)}, then ${count(rest.length, "zero")}`;
    const shown = inputs.map((input) => formatNumber(input, 3));
    if (inputs.length <= 4) return shown.join(" ");
    return `${shown.slice(0, 3).join(" ")} … ${shown.at(-1)} (${count(inputs.length, "step")})`;
  }

  /** Describe the outcome of the shown run, or how to begin. */
  async explain() {
    const { note } = this.elements;
    const { state, runs } = this.store;
    const run = runs[state.show - 1];
    const last = run?.trajectory.iteration.at(-1) ?? 0;
    const iteration = Math.min(state.iteration, last);
    note.hidden = state.lesson > 0 && !run;
    if (run && iteration >= last) {
      const { describeEnd } = await import("../model/outcome.js");
      if (run !== this.store.runs[state.show - 1] || state.iteration < last) return; // while the code was loaded
      const { key, sentence } = describeEnd(run, this.store);
      note.dataset.outcome = key;
      note.textContent = sentence;
      return;
    }
    delete note.dataset.outcome;
    if (run) {
      note.textContent = `Training, iteration ${iteration.toLocaleString("en")} of ${last.toLocaleString("en")}.`;
    } else note.textContent = `${HINT} ${describeArrow(this.store)}${describeOptimum(this.store)}`;
  }
}

const HINT = "Each point is a network, colored by its cost. Drag the point or a weight, then press Train.";

/** @param {Store} store */
function describeArrow({ evaluation, state: { activation } }) {
  const { w_in, w_rec } = evaluation?.weight_gradient ?? {};
  if (w_in !== 0 || w_rec !== 0) return "The arrow points in the direction of gradient descent";
  return evaluation?.cost && activation === "relu"
    ? "A dead relu: no gradient passes, so training cannot start"
    : "Here the gradient is 0";
}

/** Describe the star, the largest rate near it, and the effect of the rate from the point. @param {Store} store */
function describeOptimum({ optimum, forecast, state }) {
  const mark = optimum?.unique ? "the optimum" : "one of several optima";
  const star = optimum ? `; the star marks ${mark}.` : ".";
  if (state.optimizer !== "gradient_descent") return star;
  const limit = 2 / Number(optimum?.curvature?.largest);
  const hasLimit = limit > 0 && limit < Infinity;
  const rate = hasLimit
    ? ` Near it, a rate above 2/λ = ${formatNumber(limit, 3)} does not settle (λ: largest curvature).`
    : "";
  return `${star}${rate} ${forecast?.sentence ?? ""}`;
}

/**
 * Return true if an output is right: nearer to its target than to any other one, a count or one of the data.
 * @param {number} output
 * @param {Sample} sample
 * @param {Dataset | null} dataset
 */
export function isAnswer(output, { target, targets }, dataset) {
  const distances = targets ? [1] : (dataset?.targets ?? []).map((other) => Math.abs(other - target)).filter(Boolean);
  const nearest = distances.reduce((a, b) => Math.min(a, b), Infinity);
  return Math.abs(output - target) < (nearest < Infinity ? nearest : 0.1 * Math.abs(target)) / 2;
}

/** @param {Sample} sample */
function nameTarget({ target, targets }) {
  if (targets) return target === 1 ? "1 one" : `${formatNumber(target)} ones`;
  return `target ${formatNumber(target, 3)}`;
}
