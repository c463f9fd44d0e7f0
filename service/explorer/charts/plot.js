// What the charts share: an SVG that fills its element, scales, axes and their ticks.
import { setAttributes, svg } from "../lib/dom.js";
import { formatPower, spell } from "../lib/format.js";
import { makeTicks } from "../lib/scales.js";

const MIN_DECADES = 4;
const MARGINS = { left: 56, right: 14, top: 10, bottom: 26 }; // pixels
const OPTIONS = {
  ...MARGINS,
  isSquare: false,
  /** of the axes @type {(Node | string)[]} */ x_name: [],
  /** @type {(Node | string)[]} */ y_name: [],
};
export const NO_MARGINS = { left: 0, right: 0, top: 0, bottom: 0 };
const TICK_WIDTH = 64; // pixels between two labels of an axis
const TICK_HEIGHT = 34;
const CHARACTER = 7; // width of a digit

const USUAL_RATIO = Math.min(devicePixelRatio, 2);

let n_plots = 0;
/** Those of the elements that they fill. @type {WeakMap<Element, Plot>} */ export const plots = new WeakMap();

/** The text for values that overflow. */
export const TOO_LARGE = "Too large to draw.";

/** @typedef {{value: number, label: string}} Tick */

export class Plot {
  /**
   * @param {HTMLElement} root @param {string} label the text alternative
   * @param {(plot: Plot) => void} draw called when the size changes
   * @param {Partial<typeof OPTIONS>} [options]
   */
  constructor(root, label, draw, options = {}) {
    this.options = { ...OPTIONS, ...options };
    this.label = label;
    /** @type {Rect} */ this.rect = { left: this.options.left, top: this.options.top, width: 1, height: 1 };
    this.size = { width: 1, height: 1 }; // with the margins
    this.domain = { x: [0, 1], y: [0, 1] };
    this.grid = svg("g", { "aria-hidden": "true" });
    this.clip = svg("rect");
    /** Where a pointer is in the plot. */ this.area = svg("rect", { class: "seek" });
    const id = `inside-${++n_plots}`;
    /** Marks that end at the axes. */ this.inside = svg("g", { "clip-path": `url(#${id})` });
    this.marks = svg("g", {}, this.inside);
    const clip = svg("clipPath", { id }, this.clip);
    this.figure = svg("svg", { role: "img", "aria-label": label }, clip, this.grid, this.marks);
    this.ratio = USUAL_RATIO; // of the pixels of canvases to those of the page
    root.prepend(this.figure);
    plots.set(root, this);
    this.draw = () => draw(this);
    this.resize(root);
    new ResizeObserver(() => this.resize(root) && this.draw()).observe(root); // which also calls the function once
  }

  /** @param {{clientWidth: number, clientHeight: number}} root @returns {boolean} whether the figure is visible */
  resize({ clientWidth, clientHeight }) {
    if (!clientWidth || !clientHeight) return false;
    const { left, right, top, bottom, isSquare } = this.options;
    const [width, height] = [clientWidth - left - right, clientHeight - top - bottom].map((size) => Math.max(20, size));
    const side = Math.max(80, Math.min(width, height));
    this.rect = { left, top, ...(isSquare ? { width: side, height: side } : { width, height }) };
    this.size = { width: clientWidth, height: clientHeight };
    setAttributes(this.figure, { viewBox: `0 0 ${clientWidth} ${clientHeight}`, ...this.size });
    return true;
  }

  /**
   * Draw in another size, with pixels of another density, and return the size before.
   * @param {{clientWidth: number, clientHeight: number, ratio?: number}} size
   */
  drawInSize({ ratio = USUAL_RATIO, ...size }) {
    const before = { clientWidth: this.size.width, clientHeight: this.size.height };
    this.ratio = ratio;
    this.resize(size);
    this.draw();
    return before;
  }

  /** Add to the name of the figure. @param {string} summary what it shows now */
  summarize(summary) {
    setAttributes(this.figure, { "aria-label": summary ? `${this.label}: ${spell(summary)}` : this.label });
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

  /** Return the x of a pixel. @param {number} x */
  invertX(x) {
    const [low, high] = this.domain.x;
    return low + ((high - low) * (x - this.rect.left)) / this.rect.width;
  }

  /** Return the y of a pixel. @param {number} y */
  invertY(y) {
    const [low, high] = this.domain.y;
    return high - ((high - low) * (y - this.rect.top)) / this.rect.height;
  }

  /** Draw the axes. @param {Tick[]} x_ticks @param {Tick[]} y_ticks @param {string} [hint] instead of data */
  drawAxes(x_ticks, y_ticks, hint = "") {
    const { isSquare, x_name, y_name } = this.options;
    if (!isSquare) this.fitLabels(y_ticks);
    const { left, top, width, height } = this.rect;
    const [bottom, middle] = [top + height, top + height / 2];
    setAttributes(this.area, { x: left, y: top, width, height });
    setAttributes(this.clip, { x: left - 2, y: top, width: width + 4, height: height + 2 });
    const marks = y_ticks.flatMap(({ value, label }) => [
      svg("line", {
        class: "grid",
        x1: left,
        x2: isSquare ? left - 5 : left + width,
        y1: this.y(value),
        y2: this.y(value),
      }),
      svg("text", { x: left - 8, y: this.y(value) + 4, "text-anchor": "end" }, label),
    ]);
    for (const { value, label } of x_ticks) {
      const x = this.x(value);
      if (isSquare) marks.push(svg("line", { class: "grid", x1: x, x2: x, y1: bottom, y2: bottom + 5 }));
      marks.push(svg("text", { x, y: bottom + 19, "text-anchor": "middle" }, label));
    }
    const place = isSquare
      ? { x: left + width / 2, y: bottom + 38, "text-anchor": "middle" }
      : { x: left - 8, y: bottom + 19, "text-anchor": "end" };
    if (x_ticks.length) marks.push(svg("text", place, ...x_name));
    if (y_ticks.length) {
      marks.push(svg("text", { transform: `translate(12 ${middle}) rotate(-90)`, "text-anchor": "middle" }, ...y_name));
    }
    if (hint) marks.push(svg("text", { class: "hint", x: left + width / 2, y: middle, "text-anchor": "middle" }, hint));
    this.grid.replaceChildren(...marks);
  }

  /** Make room for the longest label of the vertical axis, and for its name. @param {Tick[]} ticks */
  fitLabels(ticks) {
    const { rect } = this;
    const right = rect.left + rect.width;
    const label = CHARACTER * Math.max(0, ...ticks.map((tick) => tick.label.length));
    rect.left = Math.max(this.options.left, label + (this.options.y_name.length ? 26 : 14));
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

  /**
   * Return the SVG path through points; a value that is not finite interrupts it.
   * @param {number[]} xs
   * @param {number[]} ys
   */
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

/**
 * Return true if an axis can show a value, which requires finite differences.
 * @param {number | null | undefined} value
 */
export const isDrawable = (value) => Math.abs(value ?? NaN) < 1e300;
