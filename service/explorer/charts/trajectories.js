// Lines over the cost surface: trajectories of runs, and the best w_in for each w_rec.
import { setAttributes, svg } from "../lib/dom.js";
import { findRecord } from "../model/shown.js";

const STAR = "M0 -9L2.35 -3.24L8.56 -2.78L3.8 1.24L5.29 7.28L0 4L-5.29 7.28L-3.8 1.24L-8.56 -2.78L-2.35 -3.24Z";
const FADE_LENGTH = 1800; // pixels of a path that are drawn in full
const MARGIN = 30; // pixels around the plot in which lines are drawn
const CURVE_STEP = 2; // pixels
const MAX_MARKS = 250; // of the last iterations
const MARK_DISTANCE = 7; // pixels

/** Return the classes for the color and dash of a run, as in the pictures of the service. @param {number} index */
export function seriesClass(index) {
  return `series-${index % 8} dash-${((index % 8) + Math.floor(index / 8)) % 4}`;
}

/**
 * Return the part of a line inside a box, as two fractions of its length, or null if it is outside
 * (Liang and Barsky, 1984).
 * @param {number[]} from x and y @param {number[]} to @param {number[]} box left, top, right, bottom
 */
function clipLine([x, y], [to_x, to_y], [left, top, right, bottom]) {
  let [enter, leave] = [0, 1];
  for (const [direction, distance] of [
    [x - to_x, x - left],
    [to_x - x, right - x],
    [y - to_y, y - top],
    [to_y - y, bottom - y],
  ]) {
    if (direction === 0 && distance < 0) return null;
    if (direction < 0) enter = Math.max(enter, distance / direction);
    if (direction > 0) leave = Math.min(leave, distance / direction);
  }
  return enter < leave ? [enter, leave] : null;
}

/**
 * Return the SVG path of each line segment, with one entry per point. Segments are clipped, because
 * the weights of a run may be very large.
 * @param {number[][]} points @param {Rect} rect
 */
function segmentPaths(points, { left, top, width, height }) {
  const box = [left - MARGIN, top - MARGIN, left + width + MARGIN, top + height + MARGIN];
  let connected = false;
  return points.map((to, k) => {
    if (k === 0) return "";
    const from = points[k - 1];
    const part = clipLine(from, to, box);
    if (!part) {
      connected = connected && from[0] === to[0] && from[1] === to[1];
      return "";
    }
    const [start, end] = part;
    const segment = `${connected && start === 0 ? "" : `M${locate(from, to, start)}`}L${locate(from, to, end)}`;
    connected = end === 1;
    return segment;
  });
}

/**
 * Return a point of a line, as text.
 * @param {number[]} from
 * @param {number[]} to
 * @param {number} share of the length
 */
function locate([x, y], [to_x, to_y], share) {
  return `${(x + share * (to_x - x)).toFixed(1)} ${(y + share * (to_y - y)).toFixed(1)}`;
}

/**
 * Return the length of a path up to each point, in pixels inside the plot.
 * @param {number[][]} points
 * @param {Rect} rect
 */
function accumulateLengths(points, { left, top, width, height }) {
  let [length, last_x, last_y] = [0, NaN, NaN];
  return points.map((point) => {
    const x = Math.min(left + width, Math.max(left, point[0]));
    const y = Math.min(top + height, Math.max(top, point[1]));
    length += Math.hypot(x - last_x, y - last_y) || 0;
    [last_x, last_y] = [x, y];
    return length;
  });
}

/** The trajectory of one run, with a ring at its start and a dot at the iteration that is shown. */
export class TrajectoryLine {
  /** @param {Run} run @param {number} index */
  constructor({ trajectory }, index) {
    this.trajectory = trajectory;
    this.lines = ["outline", "casing", "color"].map((name) => svg("path", { class: name }));
    this.start = svg("circle", { class: "start", r: 5 });
    this.current = svg("circle", { class: "current", r: 5.5 });
    this.old = svg("path", { class: "old" });
    this.dots = svg("path", { class: "dots" });
    const attributes = { class: `trajectory ${seriesClass(index)}`, "data-index": index };
    this.element = svg("g", attributes, this.old, ...this.lines, this.dots, this.start, this.current);
    /** @type {number[]} */ this.lengths = [];
    /** @type {number[][]} */ this.points = [];
    /** @type {string[]} */ this.segments = [];
    /** @type {{k: number, path: string}[]} */ this.marks = [];
  }

  /** Compute the line for a view. @param {Plot} plot */
  layOut(plot) {
    const { rect } = plot;
    const { w_in, w_rec } = this.trajectory;
    const overflow = w_in.findIndex((w, k) => w === null || w_rec[k] === null);
    const finite = overflow < 0 ? w_in : w_in.slice(0, overflow);
    this.points = finite.map((w, k) => [plot.x(Number(w)), plot.y(Number(w_rec[k]))]);
    this.segments = segmentPaths(this.points, rect);
    this.lengths = accumulateLengths(this.points, rect);
    this.rect = rect;
    this.marks = placeMarks(this.points, rect);
    moveCircle(this.start, this.points[0], rect);
  }

  /** Draw the line up to an iteration. @param {number} iteration */
  show(iteration) {
    if (!this.rect) return;
    const last = Math.min(findRecord(this.trajectory.iteration, iteration), this.points.length - 1);
    // An oscillating path would cover everything, so its older part fades.
    const end = this.lengths[last];
    const recent = end <= FADE_LENGTH ? 0 : this.lengths.findIndex((length) => end - length <= FADE_LENGTH);
    this.old.setAttribute("d", this.segments.slice(0, recent + 1).join(""));
    const [x, y] = this.points[recent] ?? [0, 0];
    const segments = this.segments.slice(recent + 1, last + 1).join("");
    const d = segments.startsWith("L") ? `M${x.toFixed(1)} ${y.toFixed(1)}${segments}` : segments;
    for (const line of this.lines) line.setAttribute("d", d);
    const marks = this.marks.filter(({ k }) => k <= last).slice(-MAX_MARKS);
    this.dots.setAttribute("d", marks.map(({ path }) => path).join(""));
    this.element.classList.toggle("landed", last === this.trajectory.iteration.length - 1);
    moveCircle(this.current, this.points[last], this.rect);
  }
}

/** Return the iterations that a dot marks, where dots have room. @param {number[][]} points @param {Rect} rect */
function placeMarks(points, { left, top, width, height }) {
  let [last_x, last_y] = [NaN, NaN];
  return points.flatMap(([x, y], k) => {
    const isInside = x > left && x < left + width && y > top && y < top + height;
    if (!isInside || Math.hypot(x - last_x, y - last_y) < MARK_DISTANCE) return [];
    [last_x, last_y] = [x, y];
    return { k, path: `M${x.toFixed(1)} ${y.toFixed(1)}h0` };
  });
}

/** Move a circle, or hide it outside the plot. @param {Element} circle @param {number[]} center @param {Rect} rect */
function moveCircle(circle, [cx, cy], { left, top, width, height }) {
  const inside = cx > left - MARGIN && cx < left + width + MARGIN && cy > top - MARGIN && cy < top + height + MARGIN;
  setAttributes(circle, inside ? { cx, cy, display: null } : { display: "none" });
}

/** @param {number} x @param {number} y */
export function drawOptimum(x, y) {
  const title = svg("title", {}, "Exact optimum");
  return svg("path", { class: "optimum", d: STAR, transform: `translate(${x} ${y})` }, title);
}

/** Draw the best w_in for each w_rec. @param {(w_rec: number) => number} bestWIn @param {Plot} plot */
export function drawBestWIn(bestWIn, plot) {
  const { top, height } = plot.rect;
  const points = [];
  for (let y = top; y <= top + height; y += CURVE_STEP) {
    const w_in = bestWIn(plot.invertY(y));
    if (Number.isFinite(w_in)) points.push([plot.x(w_in), y]);
  }
  const d = segmentPaths(points, plot.rect).join("");
  return ["valley-casing", "valley"].map((name) => svg("path", { class: name, d }));
}
