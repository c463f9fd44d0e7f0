// The magnitude of the gradient with respect to each state of the sequence that is counted. Time runs
// to the right, as in all figures, so the gradient flows to the left.
import { svg } from "../lib/dom.js";
import { Plot, TOO_LARGE, chooseDecades, stepTicks } from "./plot.js";

const MAX_DOTS = 40;
const MAX_LOG = 9999; // beyond it, a magnitude is not drawn, like zero

export class TraceChart {
  /** @param {HTMLElement} root */
  constructor(root) {
    /** @type {number[]} */ this.logs = [];
    /** @type {number[]} */ this.signs = [];
    this.hint = "";
    this.plot = new Plot(root, "Size of the gradient with respect to each state", () => this.draw());
    this.plot.x_name = "state";
    this.line = svg("path", { class: "trace" });
    this.dots = svg("g");
    this.plot.marks.append(this.line, this.dots);
  }

  /** @param {Trace | null} trace @param {string} summary */
  show(trace, summary) {
    const { gradient, log10_magnitude, sign } = trace ?? { gradient: [], log10_magnitude: [], sign: undefined };
    this.logs = log10_magnitude.map((log) => (Math.abs(log ?? Infinity) > MAX_LOG ? -Infinity : log));
    this.signs = gradient.map((g, k) => sign?.[k] ?? Math.sign(g ?? 1));
    const isDrawn = this.logs.some(Number.isFinite);
    this.hint = isDrawn || !trace ? "" : gradient.some((g) => g !== 0) ? TOO_LARGE : "Every gradient is 0.";
    this.plot.summarize(summary);
    this.draw();
  }

  draw() {
    const { hint, logs, plot, signs } = this;
    const n_steps = Math.max(1, logs.length - 1);
    const steps = logs.map((_, k) => k);
    plot.domain = { x: [0, n_steps], y: chooseDecades(logs) };
    plot.drawAxes(stepTicks(n_steps, plot.rect.width), hint ? [] : plot.decades(), hint);
    this.line.setAttribute("d", plot.path(steps, logs));
    const dots = steps.filter((k) => Number.isFinite(logs[k]));
    this.dots.replaceChildren(
      ...(n_steps > MAX_DOTS ? [] : dots).map((k) => {
        const isNegative = signs[k] < 0;
        const title = svg("title", {}, isNegative ? "negative" : "positive");
        return svg("circle", { class: isNegative ? "dot negative" : "dot", cx: plot.x(k), cy: plot.y(logs[k]), r: 3.4 }, title);
      }),
    );
  }
}
