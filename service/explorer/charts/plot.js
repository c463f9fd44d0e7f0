// What the charts share: an SVG that fills its element, scales, axes and their ticks.
import { setAttributes, svg } from "../lib/dom.js";
import { superscript } from "../lib/format.js";
import { makeTicks } from "../lib/scales.js";

const MIN_DECADES = 4;
const MARGINS = { left: 56, right: 14, top: 10, bottom: 26 };
const TICK_WIDTH = 64; // pixels between two labels of an axis
const TICK_HEIGHT = 34;
const CHARACTER = 7; // width of a digit

let n_plots = 0;

/** Said in place of values that overflow. */
export const TOO_LARGE = "Too large to draw.";

/** @typedef {{value: number, label: string}} Tick */

export class Plot {
  /**
   * @param {HTMLElement} root @param {string} label the text alternative
   * @param {() => void} draw called when the size changes
   * @param {Partial<typeof MARGINS>} [margins] in pixels
   */
  constructor(root, label, draw, margins = {}) {
    this.margins = { ...MARGINS, ...margins };
    this.label = label;
    this.x_name = ""; // of the horizontal axis
    /** @type {Rect} */ this.rect = { left: this.margins.left, top: this.margins.top, width: 1, height: 1 };
    this.domain = { x: [0, 1], y: [0, 1] };
    this.grid = svg("g");
    this.clip = svg("rect");
    const id = `inside-${++n_plots}`;
    /** Marks that end at the axes. */ this.inside = svg("g", { "clip-path": `url(#${id})` });
    this.marks = svg("g", {}, this.inside);
    const clip = svg("clipPath", { id }, this.clip);
    this.figure = svg("svg", { role: "img", "aria-label": label }, clip, this.grid, this.marks);
    root.append(this.figure);
    new ResizeObserver(() => this.resize(root) && draw()).observe(root); // which also calls the function once
  }

  /** @param {HTMLElement} root @returns {boolean} whether the figure is visible */
  resize({ clientWidth: width, clientHeight: height }) {
    if (!width || !height) return false;
    const { left, right, top, bottom } = this.margins;
    this.rect = { left, top, width: Math.max(20, width - left - right), height: Math.max(20, height - top - bottom) };
    setAttributes(this.figure, { viewBox: `0 0 ${width} ${height}`, width, height });
    return true;
  }

  /** @param {string} summary what the figure shows now */
  summarize(summary) {
    setAttributes(this.figure, { "aria-label": summary ? `${this.label}: ${summary}` : this.label });
  }

  /** @param {number} value */
  x(value) {
    const [low, high] = this.domain.x;
    return this.rect.left + (this.rect.width * (value - low)) / (high - low);
  }

  /** @param {number} value */
  y(value) {
    const [low, high] = this.domain.y;
    return this.rect.top + (this.rect.height * (high - value)) / (high - low);
  }

  /** Draw the axes. @param {Tick[]} x_ticks @param {Tick[]} y_ticks @param {string} [hint] in place of data */
  drawAxes(x_ticks, y_ticks, hint = "") {
    this.fitLabels(y_ticks);
    const { left, top, width, height } = this.rect;
    setAttributes(this.clip, { x: left, y: top, width, height });
    const bottom = top + height;
    const marks = y_ticks.flatMap(({ value, label }) => [
      svg("line", { class: "grid", x1: left, x2: left + width, y1: this.y(value), y2: this.y(value) }),
      svg("text", { x: left - 8, y: this.y(value) + 4, "text-anchor": "end" }, label),
    ]);
    marks.push(...x_ticks.map(({ value, label }) => svg("text", { x: this.x(value), y: bottom + 18, "text-anchor": "middle" }, label)));
    if (x_ticks.length) marks.push(svg("text", { x: left - 8, y: bottom + 18, "text-anchor": "end" }, this.x_name));
    if (hint) marks.push(svg("text", { class: "hint", x: left + width / 2, y: top + height / 2, "text-anchor": "middle" }, hint));
    this.grid.replaceChildren(...marks);
  }

  /** Make room for the longest label of the vertical axis. @param {Tick[]} ticks */
  fitLabels(ticks) {
    const { rect } = this;
    const right = rect.left + rect.width;
    rect.left = Math.max(this.margins.left, 14 + CHARACTER * Math.max(0, ...ticks.map(({ label }) => label.length)));
    rect.width = Math.max(20, right - rect.left);
  }

  /** @returns {Tick[]} */
  xTicks() {
    const [low, high] = this.domain.x;
    return makeTicks(low, high, this.rect.width / TICK_WIDTH);
  }

  /** @returns {Tick[]} */
  yTicks() {
    const [low, high] = this.domain.y;
    return makeTicks(low, high, this.rect.height / TICK_HEIGHT);
  }

  /** Return the ticks of a vertical axis of logarithms. @returns {Tick[]} */
  decades() {
    const [low, high] = this.domain.y;
    const stride = Math.max(1, Math.ceil((high - low) / Math.max(1, Math.floor(this.rect.height / (TICK_HEIGHT - 6)))));
    const ticks = [];
    for (let exponent = Math.ceil(low / stride) * stride; exponent <= high; exponent += stride) {
      ticks.push({ value: exponent, label: formatPower(exponent) });
    }
    return ticks;
  }

  /** Return the SVG path through points; a value that is not finite interrupts it. @param {number[]} xs @param {number[]} ys */
  path(xs, ys) {
    let connected = false;
    return ys
      .map((value, k) => {
        const isKnown = Number.isFinite(value);
        const to = isKnown ? `${connected ? "L" : "M"}${this.x(xs[k]).toFixed(1)} ${this.y(value).toFixed(1)}` : "";
        connected = isKnown;
        return to;
      })
      .join("");
  }
}

/** @param {number} exponent an integer */
export function formatPower(exponent) {
  return exponent === 0 ? "1" : exponent === 1 ? "10" : `10${superscript(exponent)}`;
}

/**
 * Return whole decades around values, low and high, at least a few of them, so that a constant is a flat line.
 * @param {number[]} logs
 */
export function chooseDecades(logs) {
  const finite = logs.filter(Number.isFinite);
  if (!finite.length) return [-2, 2];
  let low = Math.floor(Math.min(...finite) - 0.05);
  let high = Math.ceil(Math.max(...finite) + 0.05);
  for (let k = 0; high - low < MIN_DECADES; k++) k % 2 ? high++ : low--;
  return [low, high];
}

/** Return low and high around values, with a margin. @param {number[]} values */
export function padRange(values) {
  const low = values.length ? Math.min(...values) : 0;
  const high = values.length ? Math.max(...values) : 1;
  const margin = 0.06 * (high - low) || 0.5 + Math.abs(low);
  return [low - margin, high + margin];
}

/** Return the labels of time steps 0 to n, as many as have room. @param {number} n_steps @param {number} width @returns {Tick[]} */
export function stepTicks(n_steps, width) {
  const stride = [1, 2, 5, 10, 20, 50].find((s) => (n_steps / s) * 24 <= width) ?? 100;
  return Array.from({ length: Math.floor(n_steps / stride) + 1 }, (_, k) => ({ value: k * stride, label: String(k * stride) }));
}
