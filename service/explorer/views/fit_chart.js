// The output against the target of each sequence, or of the first ones of a large dataset.
import { setAttributes, svg } from "../lib/dom.js";
import { formatNumber } from "../lib/format.js";
import { makeTicks } from "../lib/scales.js";
import { TOO_LARGE, createFigure, drawTitles } from "./plots.js";

const HEIGHT = 230;
const MAX_DOTS = 400;
const MAX_OUTPUT = 1e300; // an axis needs finite differences

export class FitChart {
  /** @param {HTMLElement} root @param {HTMLElement} note which sequences are drawn */
  constructor(root, note) {
    this.note = note;
    this.rect = { left: 66, top: 12, width: 1, height: HEIGHT - 58 };
    /** @type {(number | null)[] | null} */ this.outputs = null;
    /** @type {number[]} */ this.targets = [];
    this.grid = svg("g");
    this.line = svg("line", { class: "target" });
    this.dots = svg("g");
    this.figure = createFigure(root, HEIGHT, "Output against target", (width) => this.resize(width), this.grid, this.line, this.dots);
  }

  /** @param {number} width */
  resize(width) {
    this.rect.width = width - this.rect.left - 14;
    this.draw();
  }

  /** @param {(number | null)[] | null} outputs of the first sequences @param {LoadedDataset | null} dataset */
  show(outputs, dataset) {
    this.outputs = outputs;
    this.targets = dataset?.targets.slice(0, Math.min(MAX_DOTS, outputs?.length ?? 0)) ?? [];
    this.note.textContent = describeFirst(this.targets.length, dataset?.n_total ?? 0);
    if (this.dots.children.length !== this.targets.length) {
      this.dots.replaceChildren(...this.targets.map(() => svg("circle", { class: "sample", r: 3.6 })));
    }
    this.draw();
  }

  draw() {
    const outputs = this.targets.map((_, i) => this.outputs?.[i] ?? NaN);
    const drawn = outputs.filter((output) => Math.abs(output) < MAX_OUTPUT);
    const { left, top, width, height } = this.rect;
    const [x_low, x_high] = padRange(this.targets);
    const [y_low, y_high] = padRange([...this.targets, ...drawn]);
    const x = (/** @type {number} */ v) => left + (width * (v - x_low)) / (x_high - x_low);
    const y = (/** @type {number} */ v) => top + (height * (y_high - v)) / (y_high - y_low);
    const lines = makeTicks(y_low, y_high, height / 40).flatMap(({ value }) => [
      svg("line", { class: "grid", x1: left, x2: left + width, y1: y(value), y2: y(value) }),
      svg("text", { x: left - 7, y: y(value) + 4, "text-anchor": "end" }, formatNumber(value, 3)),
    ]);
    const labels = makeTicks(x_low, x_high, width / 50).map(({ value }) =>
      svg("text", { x: x(value), y: top + height + 17, "text-anchor": "middle" }, formatNumber(value, 3)),
    );
    const middle = { x: left + width / 2, y: top + height / 4, "text-anchor": "middle" };
    const hint = outputs.length && !drawn.length ? [svg("text", { class: "hint", ...middle }, TOO_LARGE)] : [];
    this.grid.replaceChildren(...lines, ...labels, ...drawTitles(this.rect, "target", "output"), ...hint);
    setAttributes(this.line, { x1: x(x_low), x2: x(x_high), y1: y(x_low), y2: y(x_high) });
    outputs.forEach((output, i) => {
      const position = { cx: x(this.targets[i]), cy: y(output), display: null };
      setAttributes(this.dots.children[i], Math.abs(output) < MAX_OUTPUT ? position : { display: "none" });
    });
  }
}

/** Say how many sequences are drawn, if these are not all. @param {number} n_drawn @param {number} n_total */
function describeFirst(n_drawn, n_total) {
  if (n_drawn === 0 || n_drawn === n_total) return "";
  const [first, all] = [n_drawn, n_total].map((n) => n.toLocaleString("en"));
  return `(the first ${first} of ${all} sequences)`;
}

/** Return low and high around values, with a margin. @param {number[]} values */
function padRange(values) {
  const low = values.length ? Math.min(...values) : 0;
  const high = values.length ? Math.max(...values) : 1;
  const margin = 0.06 * (high - low) || 0.5 + Math.abs(low);
  return [low - margin, high + margin];
}
