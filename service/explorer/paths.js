// Training runs as paths over the surface.
// @ts-check
import { set, svg } from "./dom.js";

const STAR = star(9, 4);

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

/** One path: a ring where it starts, a filled point where it is now. */
export class Path {
  /** @param {import("./race.js").Run} run @param {number} index */
  constructor(run, index) {
    this.run = run;
    this.lines = ["outline", "casing", "colour"].map((name) => svg("polyline", { class: name }));
    this.start = svg("circle", { class: "start", r: 5 });
    this.now = svg("circle", { class: "now", r: 5.5 });
    this.element = svg("g", { class: `path ${lineClass(index)}` }, ...this.lines, this.start, this.now);
    /** @type {string[]} */ this.corners = [];
  }

  /** @param {ReturnType<typeof import("./frame.js").placing>} place */
  lay(place) {
    const { w_in, w_rec } = this.run.trajectory;
    const end = w_in.findIndex((w, k) => w === null || w_rec[k] === null);
    const seen = end < 0 ? w_in : w_in.slice(0, end);
    this.corners = seen.map((w, k) => `${place.x(Number(w)).toFixed(1)},${place.y(Number(w_rec[k])).toFixed(1)}`);
    const [cx, cy] = (this.corners[0] ?? "0,0").split(",");
    set(this.start, { cx, cy });
  }

  /** @param {number} frame */
  show(frame) {
    const last = Math.min(recordAt(this.run.trajectory.iteration, frame), this.corners.length - 1);
    const points = this.corners.slice(0, last + 1).join(" ");
    for (const line of this.lines) line.setAttribute("points", points);
    const [cx, cy] = (this.corners[last] ?? "0,0").split(",");
    set(this.now, { cx, cy });
  }
}

/** The exact optimum. @param {number} x @param {number} y */
export function optimumMark(x, y) {
  return svg("path", { class: "optimum", d: STAR, transform: `translate(${x} ${y})` }, svg("title", {}, "Exact optimum"));
}

/**
 * The best w_in of each w_rec.
 * @param {(w_rec: number) => number} valley @param {number[]} view
 * @param {import("./frame.js").Rect} rect @param {ReturnType<typeof import("./frame.js").placing>} place
 */
export function valleyLines(valley, view, rect, place) {
  const points = [];
  for (let y = 0; y <= rect.height; y += 2) {
    const w_rec = place.w_rec(rect.top + y);
    const w_in = valley(w_rec);
    if (Number.isFinite(w_in)) points.push(`${place.x(w_in).toFixed(1)},${(rect.top + y).toFixed(1)}`);
  }
  const line = points.join(" ");
  return ["valley-casing", "valley"].map((name) => svg("polyline", { class: name, points: line }));
}

/** @param {number} outer @param {number} inner */
function star(outer, inner) {
  const corner = (/** @type {number} */ k) => {
    const [radius, angle] = [k % 2 ? inner : outer, (Math.PI * k) / 5];
    return `${(radius * Math.sin(angle)).toFixed(2)} ${(-radius * Math.cos(angle)).toFixed(2)}`;
  };
  return `M${Array.from({ length: 10 }, (_, k) => corner(k)).join("L")}Z`;
}
