// What the network answers now, as one line, and what came of the run, as one sentence.
import { html } from "../lib/dom.js";
import { count, formatNumber } from "../lib/format.js";

const NEAR = 0.05; // of the target's size, for data that are not counts
const MAX_BITS = 24;

export class Result {
  /** @param {Store} store @param {Record<string, HTMLElement>} elements */
  constructor(store, elements) {
    this.store = store;
    this.elements = elements;
    store.watch(["prediction"], () => this.show());
    store.watch(["optimizer", "iteration", "runs", "show", "lesson", "optimum", "evaluation"], () => this.explain());
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
    const isRight = output !== null && isAnswer(output, sample);
    const mark = html("span", { class: isRight ? "right" : "wrong", "aria-hidden": "true" }, isRight ? "✓" : "✗");
    const spoken = html("span", { class: "visually-hidden" }, isRight ? " right" : " wrong");
    headline.replaceChildren(
      html("span", { class: "bits" }, this.nameInput(sample)),
      " → ",
      html("span", { class: "answer" }, output === null ? "overflow" : formatNumber(output)),
      html("span", { class: "target" }, ` · ${nameTarget(sample)} `),
      mark,
      spoken,
    );
  }

  /** @param {Sample} sample */
  nameInput({ number, inputs, targets }) {
    const { state } = this.store;
    if (targets) return inputs.length <= MAX_BITS ? inputs.join("") : `${inputs.slice(0, MAX_BITS).join("")}…`;
    if (!state.dataset && state.task === "remember") return `${formatNumber(inputs[0], 3)}, then ${count(inputs.length - 1, "zero")}`;
    return `Sequence ${number}`;
  }

  /** Say what came of the run that is shown, or how to begin. */
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
    if (run) note.textContent = `Training, iteration ${iteration.toLocaleString("en")} of ${last.toLocaleString("en")}.`;
    else note.textContent = `${HINT} ${describeArrow(this.store)}${describeOptimum(this.store)}`;
  }
}

const HINT = "Each point is a network, colored by its cost. Drag the point or a weight, then press Train.";

/** @param {Store} store */
function describeArrow({ evaluation, state: { activation } }) {
  const { w_in, w_rec } = evaluation?.weight_gradient ?? {};
  if (w_in !== 0 || w_rec !== 0) return "The arrow shows gradient descent";
  return evaluation?.cost && activation === "relu" ? "A dead relu: no gradient passes, so training cannot start" : "Here the gradient is 0";
}

/** Say what the star is, and which rate is too high there and here. @param {Store} store */
function describeOptimum({ optimum, evaluation, state }) {
  if (!optimum) return ".";
  const star = optimum.unique ? ", the star the optimum." : ", the star one of several optima.";
  const limits = Object.entries({ "at the star": optimum, here: evaluation }).flatMap(([place, at]) => {
    const limit = 2 / Number(at?.curvature?.largest);
    return limit > 0 && limit < Infinity ? `${formatNumber(limit, 3)} ${place}` : [];
  });
  if (state.optimizer !== "gradient_descent" || !limits.length) return star;
  return `${star} A rate above 2/λ, with the largest curvature λ, does not settle: 2/λ is ${limits.join(", and ")}.`;
}

/** Return whether an output is right: a count when it is rounded, another target within a part of its size. @param {number} output @param {Sample} sample */
function isAnswer(output, { target, targets }) {
  return targets ? Math.round(output) === target : Math.abs(output - target) <= NEAR * Math.abs(target);
}

/** @param {Sample} sample */
function nameTarget({ target, targets }) {
  if (targets) return target === 1 ? "1 one" : `${formatNumber(target)} ones`;
  return `target ${formatNumber(target, 3)}`;
}
