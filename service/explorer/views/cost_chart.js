// The cost of each run against the iteration, with a cursor at the current one.
import { setAttributes, svg } from "../lib/dom.js";
import { makeTicks } from "../lib/scales.js";
import { findRecord } from "../model/runs.js";
import { chooseDecades, createFigure, drawDecades, drawTitles } from "./plots.js";
import { seriesClass } from "./trajectories.js";

const HEIGHT = 230;
const RISE = 3; // decades shown above the start

export class CostChart {
  /** @param {HTMLElement} root @param {(iteration: number) => void} onSeek */
  constructor(root, onSeek) {
    /** @type {Run[]} */ this.runs = [];
    /** @type {number[][]} */ this.logs = [];
    /** @type {Element[]} */ this.points = [];
    /** @type {Rect} */ this.rect = { left: 58, top: 12, width: 1, height: HEIGHT - 58 };
    this.iteration = 0;
    this.last = 1;
    /** @type {number[]} */ this.decades = [-2, 2];
    this.grid = svg("g");
    this.clip = svg("rect");
    this.paths = svg("g", { "clip-path": "url(#cost-clip)" });
    this.cursor = svg("line", { class: "cursor" });
    this.dots = svg("g");
    this.target = svg("rect", { class: "seek" });
    this.plot = svg("g", { class: "plot" }, this.target, this.paths, this.cursor, this.dots);
    const layers = [svg("defs", {}, svg("clipPath", { id: "cost-clip" }, this.clip)), this.grid, this.plot];
    this.figure = createFigure(root, HEIGHT, "Cost against iteration", (width) => this.resize(width), ...layers);
    const seek = (/** @type {PointerEvent} */ event) => {
      if (!this.runs.length || !this.plot.hasPointerCapture(event.pointerId)) return;
      const share = (event.clientX - this.target.getBoundingClientRect().left) / this.rect.width;
      onSeek(Math.round(Math.min(1, Math.max(0, share)) * this.last));
    };
    this.plot.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
      this.plot.setPointerCapture(event.pointerId);
      seek(event);
    });
    this.plot.addEventListener("pointermove", seek);
  }

  /** @param {number} width */
  resize(width) {
    this.rect.width = width - this.rect.left - 14;
    this.draw();
  }

  /** @param {Run[]} runs */
  setRuns(runs) {
    this.runs = runs;
    this.draw();
  }

  draw() {
    const { rect, runs } = this;
    const logs = runs.map(({ trajectory }) => trajectory.cost.map((cost, k) => readLog(trajectory, cost, k)));
    const limit = Math.max(...logs.map(([first]) => first)) + RISE;
    this.decades = chooseDecades(logs.flat().map((log) => Math.min(log, limit)));
    this.last = Math.max(1, ...runs.map(({ result }) => result.iterations ?? 0));
    setAttributes(this.target, { x: rect.left, y: rect.top, width: rect.width, height: rect.height });
    setAttributes(this.clip, { x: rect.left - 2, y: rect.top, width: rect.width + 4, height: rect.height + 2 });
    this.grid.replaceChildren(...drawDecades(this.decades, rect), ...this.drawIterations());
    this.logs = logs;
    this.points = runs.map((_, index) => svg("circle", { class: `current ${seriesClass(index)}`, r: 4, "data-index": index }));
    this.dots.replaceChildren(...this.points);
    this.paths.replaceChildren(
      ...runs.map(({ trajectory }, index) => {
        const line = svg("path", { class: "color", d: this.path(trajectory.iteration, logs[index]) });
        return svg("g", { class: `cost-line ${seriesClass(index)}`, "data-index": index }, line);
      }),
    );
    this.show(this.iteration);
  }

  drawIterations() {
    const { left, top, width, height } = this.rect;
    const bottom = top + height;
    const labels = makeTicks(0, this.last, Math.min(this.last, width / 70)).map(({ value, label }) =>
      svg("text", { x: this.x(value), y: bottom + 17, "text-anchor": "middle" }, label),
    );
    const middle = { x: left + width / 2, y: top + height / 2, "text-anchor": "middle" };
    const hint = this.runs.length ? [] : [svg("text", { class: "hint", ...middle }, "No runs yet. Press Train.")];
    return [...labels, ...drawTitles(this.rect, "iteration", "cost"), ...hint];
  }

  /** @param {number} iteration */
  x(iteration) {
    return this.rect.left + (this.rect.width * iteration) / this.last;
  }

  /** Return where a logarithm is drawn: a large one above the plot. @param {number} log */
  y(log) {
    const [low, high] = this.decades;
    return this.rect.top + (this.rect.height * (high - Math.max(low, Math.min(2 * high - low, log)))) / (high - low);
  }

  /** @param {number[]} iterations @param {number[]} logs */
  path(iterations, logs) {
    let connected = false;
    return logs
      .map((log, k) => {
        if (Number.isNaN(log)) {
          connected = false;
          return "";
        }
        const to = `${connected ? "L" : "M"}${this.x(iterations[k]).toFixed(1)} ${this.y(log).toFixed(1)}`;
        connected = true;
        return to;
      })
      .join("");
  }

  /** @param {number} iteration */
  show(iteration) {
    this.iteration = iteration;
    const { top, height } = this.rect;
    const x = this.x(Math.min(iteration, this.last));
    setAttributes(this.cursor, { x1: x, x2: x, y1: top, y2: top + height, display: this.runs.length ? null : "none" });
    this.runs.forEach(({ trajectory }, index) => {
      const at = findRecord(trajectory.iteration, iteration);
      const log = this.logs[index][at];
      const position = { cx: this.x(trajectory.iteration[at]), cy: this.y(log), display: null };
      setAttributes(this.points[index], log <= this.decades[1] ? position : { display: "none" });
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
