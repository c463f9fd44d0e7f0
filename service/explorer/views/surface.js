// The cost surface: the heatmap on a canvas, and everything above it in SVG.
import { html, setAttributes, svg } from "../lib/dom.js";
import { formatNumber } from "../lib/format.js";
import { makeScales } from "../lib/scales.js";
import { debounce } from "../lib/throttle.js";
import { drawAxes, drawColorBar } from "./axes.js";
import { paint, sampleBands } from "./heatmap.js";
import { TrajectoryLine, drawBestWIn, drawOptimum } from "./trajectories.js";

const MAX_PIXELS = 1_500_000; // of the heatmap
const MOVING_PIXELS = 90_000; // while the view moves, so that every frame is in time
const REST_MS = 120; // without a change of the view
const MAX_OFFSET = 1e4; // pixels; a point farther away is as invisible as one here
const NARROW = 480;
const ARROW_LENGTH = 34;
const KEY_HELP =
  "Arrow keys move the point. Hold Shift for ten times the distance, or Alt for a tenth of it. " +
  "Plus and minus zoom. 0 resets the view.";

export class Surface {
  /** @param {HTMLElement} root @param {State} state */
  constructor(root, state) {
    this.root = root;
    this.state = state;
    /** @type {CostSource | null} */ this.costs = null;
    /** @type {TrajectoryLine[]} */ this.trajectories = [];
    /** @type {Weights | null} */ this.optimum = null;
    /** @type {{weights: Weights, gradient: {w_in: number | null, w_rec: number | null} | null} | null} */ this.descent = null;
    /** @type {{draw: () => void} | null} */ this.overlay = null;
    this.image = new ImageData(1, 1);
    this.ratio = 1; // of the pixels of the heatmap to those of the page
    this.movedAt = -Infinity; // when a changed view was drawn
    this.sharpenSoon = debounce(REST_MS, () => this.drawHeatmap(MAX_PIXELS));
    this.canvas = html("canvas", { "aria-hidden": "true" });
    this.context = this.canvas.getContext("2d", { alpha: true });
    this.axes = svg("g", { "aria-hidden": "true" });
    this.bar = svg("g", { "aria-hidden": "true" });
    this.barKey = "";
    this.clip = svg("rect");
    this.panel = svg("rect", { class: "panel" });
    this.marks = svg("g", { "aria-hidden": "true" });
    this.lines = svg("g", { "aria-hidden": "true" });
    this.arrow = svg("g", { "aria-hidden": "true" });
    this.point = createPoint();
    const layers = [this.marks, this.lines, this.arrow, this.point];
    const figure = svg(
      "svg",
      { role: "group", "aria-label": "Cost surface over the two weights" },
      svg("defs", {}, svg("clipPath", { id: "panel-clip" }, this.clip)),
      this.axes,
      this.bar,
      svg("g", { class: "plot" }, this.panel, svg("g", { "clip-path": "url(#panel-clip)" }, ...layers)),
    );
    root.prepend(this.canvas, figure, html("p", { id: "point-help", class: "visually-hidden" }, KEY_HELP));
    this.rect = { left: 0, top: 0, width: 1, height: 1 };
    this.scales = makeScales(state.view, this.rect);
    new ResizeObserver(() => this.resize()).observe(root);
    this.resize();
  }

  /** Adopt the size of the root element. */
  resize() {
    const { width, height } = this.root.getBoundingClientRect();
    const [left, right] = width < NARROW ? [44, 64] : [56, 66];
    const rect = { left, top: 20, width: Math.max(80, width - left - right), height: Math.max(80, height - 62) };
    this.rect = rect;
    for (const element of [this.clip, this.panel]) {
      setAttributes(element, { x: rect.left, y: rect.top, width: rect.width, height: rect.height });
    }
    this.draw();
  }

  /** Draw a changed view, with fewer pixels while it keeps changing. */
  move() {
    const isMoving = performance.now() - this.movedAt < REST_MS;
    this.draw(isMoving ? MOVING_PIXELS : MAX_PIXELS);
    if (isMoving) this.sharpenSoon();
    this.movedAt = performance.now(); // after the work, which may take long on a slow machine
  }

  /** Draw everything for the current view. */
  draw(max_pixels = MAX_PIXELS) {
    this.updateScales();
    this.drawHeatmap(max_pixels);
    this.drawMarks();
    for (const trajectory of this.trajectories) trajectory.layOut(this.scales, this.rect);
    this.drawTrajectories();
    this.drawPoint();
    this.drawDescent();
  }

  updateScales() {
    this.scales = makeScales(this.state.view, this.rect);
  }

  drawHeatmap(max_pixels = MAX_PIXELS) {
    const { canvas, costs, rect } = this;
    const { view } = this.state;
    this.ratio = Math.min(devicePixelRatio, 2, Math.sqrt(max_pixels / (rect.width * rect.height)));
    placeCanvas(canvas, rect, this.ratio);
    this.axes.replaceChildren(...drawAxes(view, rect, this.scales));
    this.overlay?.draw();
    if (!costs) {
      this.bar.replaceChildren();
      this.barKey = "";
      this.context.clearRect(0, 0, canvas.width, canvas.height);
      return;
    }
    const bands = sampleBands(costs, view);
    const { width, height } = canvas;
    const fits = this.image.width === width && this.image.height === height;
    if (!fits) this.image = new ImageData(width, height);
    paint(this.image, costs, view, bands, Math.max(1, 0.6 * this.ratio));
    this.context.putImageData(this.image, 0, 0);
    this.drawColorBar(bands);
  }

  /** Draw the color bar, unless it is the same as before. @param {Bands} bands */
  drawColorBar(bands) {
    const rect = { ...this.rect, left: this.rect.left + this.rect.width + 14, width: 12 };
    const key = JSON.stringify([bands, rect]);
    if (key !== this.barKey) this.bar.replaceChildren(...drawColorBar(bands, rect));
    this.barKey = key;
  }

  drawMarks() {
    const { optimum, scales } = this;
    const bestWIn = this.state.valley && this.costs?.bestWIn;
    this.marks.replaceChildren(
      ...(bestWIn ? drawBestWIn(bestWIn, this.rect, scales) : []),
      ...(optimum ? [drawOptimum(scales.x(optimum.w_in), scales.y(optimum.w_rec))] : []),
    );
  }

  drawTrajectories() {
    for (const trajectory of this.trajectories) trajectory.show(this.state.iteration);
  }

  drawPoint() {
    const { w_in, w_rec } = this.state;
    const [x, y] = [this.scales.x(w_in), this.scales.y(w_rec)].map((p) => Math.min(MAX_OFFSET, Math.max(-MAX_OFFSET, p)));
    this.point.setAttribute("transform", `translate(${x} ${y})`);
    this.point.setAttribute("aria-label", `Start weights: input ${formatNumber(w_in)}, recurrent ${formatNumber(w_rec)}`);
  }

  /** @param {Weights} weights @param {{w_in: number | null, w_rec: number | null} | null} gradient */
  setDescent(weights, gradient) {
    this.descent = { weights, gradient };
    this.drawDescent();
  }

  /** Draw the direction in which a step of gradient descent moves the weights. */
  drawDescent() {
    const { weights, gradient } = this.descent ?? {};
    this.arrow.replaceChildren();
    if (!weights || !gradient) return;
    const right = -Number(gradient.w_in) / this.scales.pixel.w_in;
    const down = Number(gradient.w_rec) / this.scales.pixel.w_rec;
    const length = Math.hypot(right, down);
    const [x, y] = [this.scales.x(weights.w_in), this.scales.y(weights.w_rec)];
    if (!(length > 0 && Number.isFinite(length) && Math.hypot(x, y) < MAX_OFFSET)) return;
    this.arrow.setAttribute("transform", `translate(${x} ${y})`);
    const d = arrowPath(right / length, down / length);
    this.arrow.append(svg("path", { class: "descent-casing", d }), svg("path", { class: "descent", d }));
  }

  /** @param {CostSource | null} costs */
  setCosts(costs) {
    this.costs = costs;
    this.drawHeatmap();
    this.drawMarks();
  }

  /** @param {Weights | null} optimum */
  setOptimum(optimum) {
    this.optimum = optimum;
    this.drawMarks();
  }

  /** @param {Run[]} runs */
  setRuns(runs) {
    this.trajectories = runs.map((run, index) => new TrajectoryLine(run, index));
    this.lines.replaceChildren(...this.trajectories.map(({ element }) => element));
    for (const trajectory of this.trajectories) trajectory.layOut(this.scales, this.rect);
    this.drawTrajectories();
  }
}

/**
 * Give a canvas its place and size.
 * @param {HTMLCanvasElement} canvas @param {Rect} rect @param {number} ratio of its pixels to those of the page
 */
export function placeCanvas(canvas, rect, ratio) {
  const size = { width: Math.round(rect.width * ratio), height: Math.round(rect.height * ratio) };
  if (canvas.width !== size.width || canvas.height !== size.height) Object.assign(canvas, size);
  for (const side of /** @type {const} */ (["left", "top", "width", "height"])) canvas.style[side] = `${rect[side]}px`;
}

function createPoint() {
  return svg(
    "g",
    {
      class: "point",
      tabindex: 0,
      role: "application",
      "aria-roledescription": "point on the cost surface",
      "aria-describedby": "point-help",
    },
    svg("circle", { class: "ring outer", r: 15 }),
    svg("circle", { class: "ring", r: 15 }),
    svg("circle", { class: "touch", r: 26 }),
    svg("circle", { class: "halo", r: 9 }),
    svg("circle", { class: "core", r: 3.2 }),
  );
}

/** Return the SVG path of an arrow in the direction of a unit vector. @param {number} u @param {number} v */
function arrowPath(u, v) {
  const tip = `${u * ARROW_LENGTH} ${v * ARROW_LENGTH}`;
  const [back, side] = [ARROW_LENGTH - 7, 4.5];
  const barbs = [1, -1].map((sign) => `${u * back - sign * v * side} ${v * back + sign * u * side}`);
  return `M${u * 10} ${v * 10}L${tip}M${barbs[0]}L${tip}L${barbs[1]}`;
}
