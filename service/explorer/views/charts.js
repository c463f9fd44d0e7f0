// Two small charts: the gradient trace, and the states while bits are read.
// @ts-check
import { setAttributes, svg } from "../lib/dom.js";
import { superscript } from "../lib/format.js";
/** @import { Evaluation } from "../model/network.js" */

const WIDTH = 330;
const TRACE_HEIGHT = 176;
const STATES_HEIGHT = 104;
const MAX_DOTS = 40;
const MAX_BIT_LABELS = 30;

/**
 * Return log10(1 + |g|) with the sign of g: a logarithmic scale that includes zero.
 * @param {number} g @param {number | null} log10_magnitude of g, used if g overflows
 */
function symlog(g, log10_magnitude) {
  const size = Number.isFinite(g) ? Math.log10(1 + Math.abs(g)) : Number(log10_magnitude);
  return g < 0 ? -size : size;
}

/** Draws ∂cost/∂S_k against the number of steps back in time. */
export class TraceChart {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.grid = svg("g");
    this.line = svg("polyline", { class: "trace" });
    this.dots = svg("g");
    const attributes = { viewBox: `0 0 ${WIDTH} ${TRACE_HEIGHT}`, role: "img" };
    this.figure = svg("svg", attributes, this.grid, this.line, this.dots);
    root.append(this.figure);
    this.setSummary();
    this.limits = "";
  }

  /** Set the text alternative of the chart. @param {string} [summary] */
  setSummary(summary) {
    const label = ["Gradient of the cost with respect to the state", summary].filter(Boolean).join(", ");
    setAttributes(this.figure, { "aria-label": label });
  }

  /** @param {Evaluation | null} evaluation */
  show(evaluation) {
    this.setSummary();
    this.line.setAttribute("points", "");
    this.root.dataset.regime = evaluation?.regime ?? "";
    this.dots.replaceChildren();
    if (!evaluation) return;
    const { gradient, log10_magnitude, sign } = evaluation;
    const heights = gradient.map((g, k) => symlog(g ?? (sign?.[k] ?? 1) * Infinity, log10_magnitude[k]));
    this.draw(heights.reverse()); // from the output back in time
    this.setSummary(`${heights.length - 1} steps back in time: ${evaluation.regime ?? "zero"}`);
  }

  /** @param {number[]} heights */
  draw(heights) {
    const n_steps = heights.length - 1;
    const limit = Math.max(4, 4 * Math.ceil(Math.max(...heights.map(Math.abs)) / 4));
    const [left, right, top, bottom] = [44, WIDTH - 13, 8, TRACE_HEIGHT - 36];
    const x = (/** @type {number} */ m) => left + ((right - left) * m) / Math.max(1, n_steps);
    const y = (/** @type {number} */ v) => (top + bottom) / 2 - ((bottom - top) / 2) * (v / limit);
    const limits = `${n_steps} ${limit}`;
    if (this.limits !== limits) this.grid.replaceChildren(...drawTraceAxes(n_steps, limit, x, y));
    this.limits = limits;
    this.line.setAttribute("points", heights.map((v, m) => `${x(m).toFixed(1)},${y(v).toFixed(1)}`).join(" "));
    if (n_steps <= MAX_DOTS) {
      this.dots.replaceChildren(...heights.map((v, m) => svg("circle", { class: "dot", cx: x(m), cy: y(v), r: 2.8 })));
    }
  }
}

/**
 * @param {number} n_steps @param {number} limit
 * @param {(m: number) => number} x @param {(v: number) => number} y
 */
function drawTraceAxes(n_steps, limit, x, y) {
  const marks = [];
  for (const share of [-1, -0.5, 0, 0.5, 1]) {
    const exponent = share * limit;
    const at = y(exponent);
    marks.push(svg("line", { class: share ? "grid" : "zero", x1: x(0), x2: x(n_steps), y1: at, y2: at }));
    const label = share === 0 ? "0" : `${share < 0 ? "−" : ""}10${superscript(Math.abs(exponent))}`;
    marks.push(svg("text", { x: x(0) - 7, y: at + 4, "text-anchor": "end" }, label));
  }
  const stride = [1, 2, 5, 10, 20, 50].find((s) => n_steps / s <= 10) ?? 100;
  for (let m = 0; m <= n_steps; m += stride) {
    marks.push(svg("text", { x: x(m), y: TRACE_HEIGHT - 19, "text-anchor": "middle" }, String(m)));
  }
  const middle = (x(0) + x(n_steps)) / 2;
  marks.push(svg("text", { x: middle, y: TRACE_HEIGHT - 3, "text-anchor": "middle" }, "steps back in time"));
  return marks;
}

/** Draws the state after each bit, and the number of ones so far. */
export class StatesChart {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.target = svg("polyline", { class: "target" });
    this.line = svg("polyline", { class: "states" });
    this.marks = svg("g");
    const label = "States of the network after each bit, and the number of ones so far";
    const attributes = { viewBox: `0 0 ${WIDTH} ${STATES_HEIGHT}`, role: "img", "aria-label": label };
    this.figure = svg("svg", attributes, this.marks, this.target, this.line);
    root.append(this.figure);
  }

  /** @param {(number | null)[] | null} states @param {string} bits */
  show(states, bits) {
    this.figure.toggleAttribute("hidden", !states);
    if (!states) return;
    const counts = [0];
    for (const bit of bits) counts.push(counts[counts.length - 1] + Number(bit));
    const finite = states.map((s) => s ?? NaN).filter(Number.isFinite);
    const high = Math.max(1, counts[counts.length - 1], ...finite);
    const low = Math.min(0, ...finite);
    const [left, right, top, bottom] = [44, WIDTH - 8, 8, STATES_HEIGHT - 22];
    const x = (/** @type {number} */ k) => left + ((right - left) * k) / bits.length;
    const y = (/** @type {number} */ v) => bottom - ((bottom - top) * (v - low)) / (high - low);
    const place = (/** @type {number | null} */ v, /** @type {number} */ k) =>
      v === null || !Number.isFinite(v) ? "" : `${x(k).toFixed(1)},${y(v).toFixed(1)}`;
    this.target.setAttribute("points", counts.map(place).join(" "));
    this.line.setAttribute("points", states.map(place).join(" "));
    const stride = Math.ceil(bits.length / MAX_BIT_LABELS);
    this.marks.replaceChildren(
      svg("line", { class: "zero", x1: left, x2: right, y1: y(0), y2: y(0) }),
      ...[low, high].map((v) => svg("text", { x: left - 7, y: y(v) + 4, "text-anchor": "end" }, formatTick(v))),
      ...[...bits].map((bit, k) =>
        k % stride ? "" : svg("text", { class: bit === "1" ? "bit one" : "bit", x: x(k + 1), y: STATES_HEIGHT - 5 }, bit),
      ),
    );
  }
}

/** @param {number} v */
function formatTick(v) {
  if (v === 0) return "0";
  if (Math.abs(v) < 1000) return String(Number(v.toPrecision(2))).replace("-", "−");
  return `${v < 0 ? "−" : ""}10${superscript(Math.floor(Math.log10(Math.abs(v))))}`;
}
