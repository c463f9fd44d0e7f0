// The output against the target of every sequence of the dataset.
// @ts-check
import { setAttributes, svg } from "../lib/dom.js";
import { formatNumber } from "../lib/format.js";
import { makeTicks } from "../lib/scales.js";
import { createFigure } from "./plots.js";

const HEIGHT = 230;
const LABEL = "Output against target of every sequence";
const MAX_DOTS = 400;

export class FitChart {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.rect = { left: 58, top: 12, width: 1, height: HEIGHT - 58 };
    /** @type {(number | null)[] | null} */ this.outputs = null;
    /** @type {number[]} */ this.targets = [];
    this.grid = svg("g");
    this.line = svg("line", { class: "target" });
    this.dots = svg("g");
    /** @type {Element[]} */ this.pool = [];
    this.limits = "";
    this.figure = createFigure(root, HEIGHT, LABEL, (width) => this.resize(width), this.grid, this.line, this.dots);
  }

  /** @param {number} width */
  resize(width) {
    this.rect.width = width - this.rect.left - 14;
    this.limits = "";
    this.draw();
  }

  /** @param {(number | null)[] | null} outputs @param {number[]} targets */
  show(outputs, targets) {
    this.outputs = outputs;
    this.targets = targets;
    this.draw();
  }

  draw() {
    const pairs = this.targets.flatMap((target, i) => {
      const output = this.outputs?.[i];
      return output === null || output === undefined || !Number.isFinite(output) ? [] : [[target, output]];
    });
    const drawn = pairs.slice(0, MAX_DOTS);
    const { left, top, width, height } = this.rect;
    const [x_low, x_high] = padRange(this.targets);
    const [y_low, y_high] = padRange([...this.targets, ...pairs.map(([, output]) => output)]);
    const x = (/** @type {number} */ v) => left + (width * (v - x_low)) / (x_high - x_low);
    const y = (/** @type {number} */ v) => top + (height * (y_high - v)) / (y_high - y_low);
    this.drawAxes([x_low, x_high, y_low, y_high], x, y);
    setAttributes(this.line, { x1: x(x_low), x2: x(x_high), y1: y(x_low), y2: y(x_high) });
    while (this.pool.length < drawn.length) this.pool.push(svg("circle", { class: "sample", r: 3.6 }));
    drawn.forEach(([target, output], i) => setAttributes(this.pool[i], { cx: x(target).toFixed(1), cy: y(output).toFixed(1) }));
    if (this.dots.childElementCount !== drawn.length) this.dots.replaceChildren(...this.pool.slice(0, drawn.length));
    const shown = `${drawn.length} of ${this.targets.length} sequences are drawn`;
    const label = drawn.length === this.targets.length ? LABEL : `${LABEL}; ${shown}`;
    if (this.figure.getAttribute("aria-label") !== label) this.figure.setAttribute("aria-label", label);
  }

  /**
   * @param {number[]} limits @param {(v: number) => number} x @param {(v: number) => number} y
   */
  drawAxes(limits, x, y) {
    if (this.limits === String(limits)) return;
    this.limits = String(limits);
    const [x_low, x_high, y_low, y_high] = limits;
    const { left, top, width, height } = this.rect;
    const marks = [];
    for (const { value } of makeTicks(y_low, y_high, height / 40)) {
      marks.push(svg("line", { class: "grid", x1: left, x2: left + width, y1: y(value), y2: y(value) }));
      marks.push(svg("text", { x: left - 7, y: y(value) + 4, "text-anchor": "end" }, formatNumber(value, 3)));
    }
    for (const { value } of makeTicks(x_low, x_high, width / 50)) {
      marks.push(svg("text", { x: x(value), y: top + height + 17, "text-anchor": "middle" }, formatNumber(value, 3)));
    }
    marks.push(svg("text", { x: left + width / 2, y: top + height + 36, "text-anchor": "middle" }, "target"));
    marks.push(svg("text", { "text-anchor": "middle", transform: `translate(10 ${top + height / 2}) rotate(-90)` }, "output"));
    this.grid.replaceChildren(...marks);
  }
}

/** Return low and high around values, with a margin. @param {number[]} values */
function padRange(values) {
  const low = values.length ? Math.min(...values) : 0;
  const high = values.length ? Math.max(...values) : 1;
  const margin = 0.06 * (high - low) || 0.5;
  return [low - margin, high + margin];
}
