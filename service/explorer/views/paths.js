// Training runs as paths over the surface.
// @ts-check
import { set, svg } from "../lib/dom.js";

const STAR = star(9, 4);
const MARGIN = 30;

/** Which colour and dash the run number `index` has, as the service's pictures do. @param {number} index */
export function lineClass(index) {
  return `series-${index % 7} dash-${(index + Math.floor(index / 7)) % 4}`;
}

/**
 * The last recorded place that is not after an iteration.
 * @param {number[]} iterations rising @param {number} frame
 */
export function recordAt(iterations, frame) {
  let [low, high] = [0, iterations.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (iterations[middle] <= frame) low = middle;
    else high = middle - 1;
  }
  return low;
}

/**
 * The part of a line within a rectangle, as shares of its length; null where there is none
 * (Liang and Barsky 1984).
 * @param {number[]} from x and y @param {number[]} to @param {number[]} box left, top, right, bottom
 */
export function clip([x, y], [to_x, to_y], [left, top, right, bottom]) {
  let [enter, leave] = [0, 1];
  for (const [along, room] of [
    [x - to_x, x - left],
    [to_x - x, right - x],
    [y - to_y, y - top],
    [to_y - y, bottom - y],
  ]) {
    if (along === 0 && room < 0) return null;
    if (along < 0) enter = Math.max(enter, room / along);
    if (along > 0) leave = Math.min(leave, room / along);
  }
  return enter < leave ? [enter, leave] : null;
}

/**
 * A path's strokes, one for each corner: what is far outside the picture is left out, for runs go
 * anywhere.
 * @param {number[][]} corners @param {import("../lib/scales.js").Rect} rect
 */
function strokes(corners, { left, top, width, height }) {
  const box = [left - MARGIN, top - MARGIN, left + width + MARGIN, top + height + MARGIN];
  let open = false;
  return corners.map((to, k) => {
    if (k === 0) return "";
    const from = corners[k - 1];
    const part = clip(from, to, box);
    if (!part) {
      open = open && from[0] === to[0] && from[1] === to[1];
      return "";
    }
    const [start, end] = part.map((share) => from.map((c, i) => (c + share * (to[i] - c)).toFixed(1)).join(" "));
    const stroke = open && part[0] === 0 ? `L${end}` : `M${start}L${end}`;
    open = part[1] === 1;
    return stroke;
  });
}

/** One path: a ring where it starts, a filled point where it is now. */
export class Path {
  /** @param {import("./race.js").Run} run @param {number} index */
  constructor(run, index) {
    this.run = run;
    this.lines = ["outline", "casing", "colour"].map((name) => svg("path", { class: name }));
    this.start = svg("circle", { class: "start", r: 5 });
    this.now = svg("circle", { class: "now", r: 5.5 });
    this.element = svg("g", { class: `path ${lineClass(index)}` }, ...this.lines, this.start, this.now);
    /** @type {number[][]} */ this.corners = [];
    /** @type {string[]} */ this.strokes = [];
  }

  /** @param {ReturnType<typeof import("../lib/scales.js").placing>} place @param {import("../lib/scales.js").Rect} rect */
  lay(place, rect) {
    const { w_in, w_rec } = this.run.trajectory;
    const end = w_in.findIndex((w, k) => w === null || w_rec[k] === null);
    const seen = end < 0 ? w_in : w_in.slice(0, end);
    this.corners = seen.map((w, k) => [place.x(Number(w)), place.y(Number(w_rec[k]))]);
    this.strokes = strokes(this.corners, rect);
    mark(this.start, this.corners[0], rect);
    this.rect = rect;
  }

  /** @param {number} frame */
  show(frame) {
    if (!this.rect) return;
    const last = Math.min(recordAt(this.run.trajectory.iteration, frame), this.corners.length - 1);
    const d = this.strokes.slice(0, last + 1).join("");
    for (const line of this.lines) line.setAttribute("d", d);
    mark(this.now, this.corners[last], this.rect);
  }
}

/** Put a circle where it is, unless that is far outside. @param {Element} circle @param {number[]} at @param {import("../lib/scales.js").Rect} rect */
function mark(circle, [cx, cy], { left, top, width, height }) {
  const near = cx > left - MARGIN && cx < left + width + MARGIN && cy > top - MARGIN && cy < top + height + MARGIN;
  set(circle, near ? { cx, cy, display: null } : { display: "none" });
}

/** The exact optimum. @param {number} x @param {number} y */
export function optimumMark(x, y) {
  return svg("path", { class: "optimum", d: STAR, transform: `translate(${x} ${y})` }, svg("title", {}, "Exact optimum"));
}

/**
 * The best w_in of each w_rec.
 * @param {(w_rec: number) => number} valley @param {number[]} view
 * @param {import("../lib/scales.js").Rect} rect @param {ReturnType<typeof import("../lib/scales.js").placing>} place
 */
export function valleyLines(valley, view, rect, place) {
  const corners = [];
  for (let y = 0; y <= rect.height; y += 2) {
    const w_in = valley(place.w_rec(rect.top + y));
    if (Number.isFinite(w_in)) corners.push([place.x(w_in), rect.top + y]);
  }
  const d = strokes(corners, rect).join("");
  return ["valley-casing", "valley"].map((name) => svg("path", { class: name, d }));
}

/** @param {number} outer @param {number} inner */
function star(outer, inner) {
  const corner = (/** @type {number} */ k) => {
    const [radius, angle] = [k % 2 ? inner : outer, (Math.PI * k) / 5];
    return `${(radius * Math.sin(angle)).toFixed(2)} ${(-radius * Math.cos(angle)).toFixed(2)}`;
  };
  return `M${Array.from({ length: 10 }, (_, k) => corner(k)).join("L")}Z`;
}
