// The cost of each run against the iteration, with a cursor at the current one.
import { setAttributes, svg } from "../lib/dom.js";
import { formatCost, formatNumber, formatPower } from "../lib/format.js";
import { makeTicks } from "../lib/scales.js";
import { findRecord } from "../model/shown.js";
import { Plot, chooseDecades } from "./plot.js";
import { seriesClass } from "./trajectories.js";

const RISE = 3; // decades shown above the start

export class CostChart {
  /** @param {HTMLElement} root @param {Store} store @param {Race} race @param {(iteration: number) => void} onSeek */
  constructor(root, store, race, onSeek) {
    this.store = store;
    this.race = race;
    /** @type {number[][]} */ this.logs = [];
    /** @type {Element[]} */ this.points = [];
    this.last = 1;
    this.plot = new Plot(root, "Cost against iteration", () => this.draw(), {
      x_name: ["iteration"],
      y_name: ["cost"],
    });
    this.played = svg("rect"); // up to the cursor, lines are drawn in full
    this.cursor = svg("line", { class: "cursor" });
    this.dots = svg("g");
    const layer = svg("g", { class: "plot" }, this.plot.area, this.plot.inside, this.cursor, this.dots);
    this.plot.marks.append(svg("clipPath", { id: "played" }, this.played), layer);
    const seek = (/** @type {PointerEvent} */ event) => {
      if (!store.runs.length || !layer.hasPointerCapture(event.pointerId)) return;
      const share = (event.clientX - this.plot.area.getBoundingClientRect().left) / this.plot.rect.width;
      onSeek(Math.round(Math.min(1, Math.max(0, share)) * this.last));
    };
    layer.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
      layer.setPointerCapture(event.pointerId);
      seek(event);
    });
    layer.addEventListener("pointermove", seek);
    store.watch(["runs"], () => this.draw());
    store.watch(["iteration"], () => this.show());
  }

  draw() {
    const { plot } = this;
    const { runs } = this.store;
    const ends = runs.map((run) => {
      const [from, to] = [run.result.initial, run.result.final].map(({ cost, log10_cost }) =>
        formatCost(cost, log10_cost),
      );
      return `${this.race.describe(run.result.request)} from ${from} to ${to}`;
    });
    plot.summarize(ends.join("; "));
    const { rect } = plot;
    const logs = runs.map(({ trajectory }) =>
      trajectory.cost.map((cost, k) => (cost === 0 ? -Infinity : (trajectory.log10_cost[k] ?? NaN))),
    );
    const limit = Math.max(...logs.map(([first]) => first)) + RISE;
    this.last = Math.max(1, ...runs.map(({ result }) => result.iterations ?? 0));
    const targets = [...new Set(runs.flatMap(({ result }) => result.request.target_cost || []))];
    const shown = [...logs.flat().map((log) => Math.min(log, limit)), ...targets.map(Math.log10)];
    plot.domain = { x: [0, this.last], y: chooseDecades(shown) };
    const iterations = makeTicks(0, this.last, Math.min(this.last, rect.width / 64));
    plot.drawAxes(
      runs.length ? iterations : [],
      runs.length ? plot.decades() : [],
      runs.length ? "" : "No runs yet. Press Train.",
    );
    this.logs = logs;
    this.points = runs.map((_, index) =>
      svg("circle", { class: `current ${seriesClass(index)}`, r: 4, "data-index": index }),
    );
    this.dots.replaceChildren(...this.points);
    const [low, high] = plot.domain.y;
    plot.inside.replaceChildren(
      ...this.labelPeak(),
      ...targets.flatMap((target) => {
        const [y, right] = [plot.y(Math.log10(target)), rect.left + rect.width];
        const text = `stop at ${formatNumber(target, 2)}`;
        const label = svg("text", { x: right - 4, y: y + 15, "text-anchor": "end" }, text);
        return [svg("line", { class: "target", x1: rect.left, x2: right, y1: y, y2: y }), label];
      }),
      ...runs.map(({ trajectory }, index) => {
        // A cost of 0 is drawn at the lower end, and a large one above the plot.
        const drawn = logs[index].map((log) =>
          Number.isNaN(log) ? NaN : Math.max(low, Math.min(2 * high - low, log)),
        );
        const d = plot.path(trajectory.iteration, drawn);
        const lines = [
          svg("path", { class: "rest", d }),
          svg("path", { class: "color", d, "clip-path": "url(#played)" }),
        ];
        return svg("g", { class: `cost-line ${seriesClass(index)}`, "data-index": index }, ...lines);
      }),
    );
    this.show();
  }

  /** Write the range of the costs above the plot, next to the highest. */
  labelPeak() {
    const { x, y } = this.plot.domain;
    let peak = { log: y[1], iteration: 0 };
    this.store.runs.forEach(({ trajectory }, index) => {
      this.logs[index].forEach((log, k) => log > peak.log && (peak = { log, iteration: trajectory.iteration[k] }));
    });
    if (peak.log === y[1]) return [];
    const side = peak.iteration > x[1] / 2 ? { dx: -10, "text-anchor": "end" } : { dx: 10 };
    const text = `up to ${formatPower(Math.round(peak.log))}`;
    return [svg("text", { x: this.plot.x(peak.iteration), y: this.plot.rect.top + 14, ...side }, text)];
  }

  /** Show the current iteration. */
  show() {
    const { plot } = this;
    const { runs, state } = this.store;
    const { iteration } = state;
    const { left, top, height } = plot.rect;
    const x = plot.x(Math.min(iteration, this.last));
    setAttributes(this.cursor, { x1: x, x2: x, y1: top, y2: top + height, display: runs.length ? null : "none" });
    setAttributes(this.played, { x: left - 2, y: top, width: x - left + 2, height: height + 2 });
    const [low, high] = plot.domain.y;
    runs.forEach(({ trajectory }, index) => {
      const at = findRecord(trajectory.iteration, iteration);
      const log = this.logs[index][at];
      const position = { cx: plot.x(trajectory.iteration[at]), cy: plot.y(Math.max(low, log)), display: null };
      setAttributes(this.points[index], log <= high ? position : { display: "none" });
    });
  }
}
