// The cost of each run against the iteration, with a cursor at the current one.
import { setAttributes, svg } from "../lib/dom.js";
import { formatCost } from "../lib/format.js";
import { makeTicks } from "../lib/scales.js";
import { findRecord } from "../model/runs.js";
import { Plot, chooseDecades } from "./plot.js";
import { seriesClass } from "./trajectories.js";

const RISE = 3; // decades shown above the start

export class CostChart {
  /** @param {HTMLElement} root @param {(iteration: number) => void} onSeek */
  constructor(root, onSeek) {
    /** @type {Run[]} */ this.runs = [];
    /** @type {number[][]} */ this.logs = [];
    /** @type {Element[]} */ this.points = [];
    this.iteration = 0;
    this.last = 1;
    this.plot = new Plot(root, "Cost against iteration", () => this.draw());
    this.plot.x_name = "iteration";
    this.clip = svg("rect");
    this.paths = svg("g", { "clip-path": "url(#cost-clip)" });
    this.cursor = svg("line", { class: "cursor" });
    this.dots = svg("g");
    this.target = svg("rect", { class: "seek" });
    const layer = svg("g", { class: "plot" }, this.target, this.paths, this.cursor, this.dots);
    this.plot.marks.append(svg("defs", {}, svg("clipPath", { id: "cost-clip" }, this.clip)), layer);
    const seek = (/** @type {PointerEvent} */ event) => {
      if (!this.runs.length || !layer.hasPointerCapture(event.pointerId)) return;
      const share = (event.clientX - this.target.getBoundingClientRect().left) / this.plot.rect.width;
      onSeek(Math.round(Math.min(1, Math.max(0, share)) * this.last));
    };
    layer.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
      layer.setPointerCapture(event.pointerId);
      seek(event);
    });
    layer.addEventListener("pointermove", seek);
  }

  /** @param {Run[]} runs @param {string[]} names */
  setRuns(runs, names) {
    this.runs = runs;
    const ends = runs.map(({ result: { initial, final } }, index) => {
      const [from, to] = [initial, final].map(({ cost, log10_cost }) => formatCost(cost, log10_cost));
      return `${names[index]} from ${from} to ${to}`;
    });
    this.plot.summarize(ends.join("; "));
    this.draw();
  }

  draw() {
    const { plot, runs } = this;
    const { rect } = plot;
    const logs = runs.map(({ trajectory }) => trajectory.cost.map((cost, k) => readLog(trajectory, cost, k)));
    const limit = Math.max(...logs.map(([first]) => first)) + RISE;
    this.last = Math.max(1, ...runs.map(({ result }) => result.iterations ?? 0));
    plot.domain = { x: [0, this.last], y: chooseDecades(logs.flat().map((log) => Math.min(log, limit))) };
    const { left: x, top: y, width, height } = rect;
    setAttributes(this.target, { x, y, width, height });
    setAttributes(this.clip, { x: x - 2, y, width: width + 4, height: height + 2 });
    const iterations = makeTicks(0, this.last, Math.min(this.last, width / 64));
    plot.drawAxes(runs.length ? iterations : [], runs.length ? plot.decades() : [], runs.length ? "" : "No runs yet. Press Train.");
    this.logs = logs;
    this.points = runs.map((_, index) => svg("circle", { class: `current ${seriesClass(index)}`, r: 4, "data-index": index }));
    this.dots.replaceChildren(...this.points);
    const [low, high] = plot.domain.y;
    this.paths.replaceChildren(
      ...runs.map(({ trajectory }, index) => {
        // A cost of 0 is drawn at the lower end, and a large one above the plot.
        const drawn = logs[index].map((log) => (Number.isNaN(log) ? NaN : Math.max(low, Math.min(2 * high - low, log))));
        const line = svg("path", { class: "color", d: plot.path(trajectory.iteration, drawn) });
        return svg("g", { class: `cost-line ${seriesClass(index)}`, "data-index": index }, line);
      }),
    );
    this.show(this.iteration);
  }

  /** @param {number} iteration */
  show(iteration) {
    this.iteration = iteration;
    const { plot } = this;
    const { top, height } = plot.rect;
    const x = plot.x(Math.min(iteration, this.last));
    setAttributes(this.cursor, { x1: x, x2: x, y1: top, y2: top + height, display: this.runs.length ? null : "none" });
    const [low, high] = plot.domain.y;
    this.runs.forEach(({ trajectory }, index) => {
      const at = findRecord(trajectory.iteration, iteration);
      const log = this.logs[index][at];
      const position = { cx: plot.x(trajectory.iteration[at]), cy: plot.y(Math.max(low, log)), display: null };
      setAttributes(this.points[index], log <= high ? position : { display: "none" });
    });
  }
}

/**
 * Return log10 of a recorded cost, or NaN if it is unknown.
 * @param {Trajectory} trajectory @param {number | null} cost @param {number} k
 */
function readLog({ log10_cost }, cost, k) {
  if (cost === 0) return -Infinity;
  return log10_cost?.[k] ?? (cost === null ? NaN : Math.log10(cost));
}
