// Two small charts: the gradient back through time, and the states while bits are read.
// @ts-check
import { html, set, svg } from "../lib/dom.js";
import { superscript } from "../lib/format.js";

const WIDTH = 330;

/** Like a logarithm, but through zero: log10(1 + |g|) with the sign of g. @param {number} g @param {number | null} log10 */
function symlog(g, log10) {
  const size = Number.isFinite(g) ? Math.log10(1 + Math.abs(g)) : Number(log10);
  return g < 0 ? -size : size;
}

/** @param {(number | null)[]} values @param {number[]} logs @param {number[]} [signs] */
function heights(values, logs, signs) {
  return values.map((g, k) => symlog(g ?? (signs?.[k] ?? 1) * Infinity, logs[k]));
}

/** Draws ∂cost/∂S_k against the steps back in time. */
export class TraceChart {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.grid = svg("g");
    this.line = svg("polyline", { class: "trace" });
    this.dots = svg("g");
    this.height = 176;
    this.figure = svg("svg", { viewBox: `0 0 ${WIDTH} ${this.height}`, role: "img" }, this.grid, this.line, this.dots);
    root.append(this.figure);
    this.name();
    this.drawn = "";
  }

  /** Tell who does not see it what it shows. @param {string} [found] */
  name(found) {
    set(this.figure, { "aria-label": ["Gradient of the cost by the state", found].filter(Boolean).join(", ") });
  }

  /** @param {import("../model/data.js").Evaluation | null} evaluation */
  show(evaluation) {
    this.name();
    this.line.setAttribute("points", "");
    this.root.dataset.regime = evaluation?.regime ?? "";
    this.dots.replaceChildren();
    if (!evaluation) return;
    const { gradient, log10_magnitude, sign } = /** @type {any} */ (evaluation);
    const values = heights(gradient, log10_magnitude, sign).reverse(); // the output first
    const n_steps = values.length - 1;
    const largest = Math.max(...values.map(Math.abs));
    const limit = Math.max(4, 4 * Math.ceil(largest / 4));
    const [left, right, top, bottom] = [44, WIDTH - 13, 8, this.height - 36];
    const x = (/** @type {number} */ m) => left + ((right - left) * m) / Math.max(1, n_steps);
    const y = (/** @type {number} */ v) => (top + bottom) / 2 - ((bottom - top) / 2) * (v / limit);
    const frame = `${n_steps} ${limit}`;
    if (this.drawn !== frame) this.grid.replaceChildren(...this.axes(n_steps, limit, x, y));
    this.drawn = frame;
    this.line.setAttribute("points", values.map((v, m) => `${x(m).toFixed(1)},${y(v).toFixed(1)}`).join(" "));
    if (n_steps <= 40) {
      this.dots.replaceChildren(...values.map((v, m) => svg("circle", { class: "dot", cx: x(m), cy: y(v), r: 2.8 })));
    }
    this.name(`from the output ${n_steps} steps back: ${evaluation.regime ?? "none"}`);
  }

  /**
   * @param {number} n_steps @param {number} limit
   * @param {(m: number) => number} x @param {(v: number) => number} y
   */
  axes(n_steps, limit, x, y) {
    const parts = [];
    for (const share of [-1, -0.5, 0, 0.5, 1]) {
      const exponent = share * limit;
      const at = y(exponent);
      parts.push(svg("line", { class: share ? "grid" : "zero", x1: x(0), x2: x(n_steps), y1: at, y2: at }));
      const label = share === 0 ? "0" : `${share < 0 ? "−" : ""}10${superscript(Math.abs(exponent))}`;
      parts.push(svg("text", { x: x(0) - 7, y: at + 4, "text-anchor": "end" }, label));
    }
    const stride = [1, 2, 5, 10, 20, 50].find((s) => n_steps / s <= 10) ?? 100;
    for (let m = 0; m <= n_steps; m += stride) {
      parts.push(svg("text", { x: x(m), y: this.height - 19, "text-anchor": "middle" }, String(m)));
    }
    parts.push(svg("text", { x: (x(0) + x(n_steps)) / 2, y: this.height - 3, "text-anchor": "middle" }, "steps back in time"));
    return parts;
  }
}

/** Draws the state after each bit, beside the count that is wanted. */
export class StatesChart {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.height = 104;
    this.wanted = svg("polyline", { class: "wanted" });
    this.line = svg("polyline", { class: "states" });
    this.marks = svg("g");
    const label = "States of the network, and the count wanted";
    this.figure = svg("svg", { viewBox: `0 0 ${WIDTH} ${this.height}`, role: "img", "aria-label": label }, this.marks, this.wanted, this.line);
    this.key = html("p", { class: "key" });
    root.append(this.figure);
  }

  /** @param {(number | null)[] | null} states @param {string} bits */
  show(states, bits) {
    this.figure.toggleAttribute("hidden", !states);
    if (!states) return;
    const counts = [0];
    for (const bit of bits) counts.push(counts[counts.length - 1] + Number(bit));
    const seen = states.map((s) => s ?? NaN).filter(Number.isFinite);
    const top = Math.max(1, counts[counts.length - 1], ...seen);
    const low = Math.min(0, ...seen);
    const [left, right, up, down] = [44, WIDTH - 8, 8, this.height - 22];
    const x = (/** @type {number} */ k) => left + ((right - left) * k) / bits.length;
    const y = (/** @type {number} */ v) => down - ((down - up) * (v - low)) / (top - low);
    const corner = (/** @type {number | null} */ v, /** @type {number} */ k) =>
      v === null || !Number.isFinite(v) ? "" : `${x(k).toFixed(1)},${y(v).toFixed(1)}`;
    this.wanted.setAttribute("points", counts.map(corner).join(" "));
    this.line.setAttribute("points", states.map(corner).join(" "));
    const every = Math.ceil(bits.length / 30);
    this.marks.replaceChildren(
      svg("line", { class: "zero", x1: left, x2: right, y1: y(0), y2: y(0) }),
      ...[low, top].map((v) => svg("text", { x: left - 7, y: y(v) + 4, "text-anchor": "end" }, tickText(v))),
      ...[...bits].map((bit, k) =>
        k % every ? "" : svg("text", { class: bit === "1" ? "bit one" : "bit", x: x(k + 1), y: this.height - 5 }, bit),
      ),
    );
    set(this.figure, { "aria-label": `States of the network after each of ${bits.length} bits, and the count wanted` });
  }
}

/** @param {number} v */
function tickText(v) {
  if (v === 0) return "0";
  if (Math.abs(v) < 1000) return String(Number(v.toPrecision(2))).replace("-", "−");
  return `${v < 0 ? "−" : ""}10${superscript(Math.floor(Math.log10(Math.abs(v))))}`;
}
