// The output against the target of each sequence, or of the first ones of a large dataset.
import { setAttributes, svg } from "../lib/dom.js";
import { formatNumber } from "../lib/format.js";
import { Plot, TOO_LARGE, padRange } from "./plot.js";

const MAX_DOTS = 400;
const MAX_OUTPUT = 1e300; // an axis needs finite differences

export class FitChart {
  /** @param {HTMLElement} root @param {HTMLElement} note which sequences are drawn */
  constructor(root, note) {
    this.note = note;
    /** @type {(number | null)[] | null} */ this.outputs = null;
    /** @type {number[]} */ this.targets = [];
    this.plot = new Plot(root, "Output against target", () => this.draw());
    this.plot.x_name = "target";
    this.line = svg("line", { class: "target" });
    this.dots = svg("g");
    this.plot.marks.append(this.line, this.dots);
  }

  /** @param {(number | null)[] | null} outputs of the first sequences @param {LoadedDataset | null} dataset */
  show(outputs, dataset) {
    this.outputs = outputs;
    this.targets = dataset?.targets.slice(0, Math.min(MAX_DOTS, outputs?.length ?? 0)) ?? [];
    this.note.textContent = describeFirst(this.targets.length, dataset?.n_total ?? 0);
    if (this.dots.children.length !== this.targets.length) {
      this.dots.replaceChildren(...this.targets.map(() => svg("circle", { class: "sample", r: 4 })));
    }
    this.draw();
  }

  draw() {
    const { plot } = this;
    const outputs = this.targets.map((_, i) => this.outputs?.[i] ?? NaN);
    const drawn = outputs.filter((output) => Math.abs(output) < MAX_OUTPUT);
    plot.domain = { x: padRange(this.targets), y: padRange([...this.targets, ...drawn]) };
    const shorten = (/** @type {{value: number}} */ { value }) => ({ value, label: formatNumber(value, 3) });
    plot.drawAxes(plot.xTicks().map(shorten), plot.yTicks().map(shorten), outputs.length && !drawn.length ? TOO_LARGE : "");
    const [low, high] = plot.domain.x;
    setAttributes(this.line, { x1: plot.x(low), x2: plot.x(high), y1: plot.y(low), y2: plot.y(high) });
    outputs.forEach((output, i) => {
      const position = { cx: plot.x(this.targets[i]), cy: plot.y(output), display: null };
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
