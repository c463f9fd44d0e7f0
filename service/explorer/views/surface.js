// The cost surface: the heatmap on a canvas, and everything above it in SVG.
import { bandColors, colorBarTicks } from "../charts/color_bands.js";
import { paint, placeLabels, sampleBands } from "../charts/heatmap.js";
import { drawAxes, drawColorBar, formatCostPower } from "../charts/surface_axes.js";
import { TrajectoryLine, drawBestWIn, drawOptimum } from "../charts/trajectories.js";
import { html, placeCanvas, setAttributes, svg } from "../lib/dom.js";
import { formatNumber } from "../lib/format.js";
import { makeScales } from "../lib/scales.js";
import { debounce } from "../lib/throttle.js";

const MAX_PIXELS = 1_500_000; // of the heatmap
const MOVING_PIXELS = 90_000; // while the view moves, so that every frame is in time
const REST_MS = 120; // without a change of the view
const MAX_OFFSET = 1e4; // pixels; a point farther away is as invisible as one here
const NARROW = 480;
const TOP = 20; // pixels above and below the panel
const BOTTOM = 44;
const MIN_ARROW = 24; // pixels
const MAX_ARROW = 76;
const ARROW_DECADE = 6; // pixels per power of ten of the gradient
const ARROW_LOG = -2; // log10 of the gradient whose arrow has the least length
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
    /** @type {Optimum | null} */ this.optimum = null;
    /** @type {{weights: Weights, evaluation: Evaluation | null} | null} */ this.descent = null;
    /** @type {import("../charts/basin_layer.js").BasinLayer | null} */ this.overlay = null;
    this.image = new ImageData(1, 1);
    this.ratio = 1; // of the pixels of the heatmap to those of the page
    this.movedAt = -Infinity; // when a changed view was drawn
    this.sharpenSoon = debounce(REST_MS, () => this.drawHeatmap(MAX_PIXELS));
    this.canvas = html("canvas", { "aria-hidden": "true" });
    this.context = this.canvas.getContext("2d", { alpha: true });
    this.axes = svg("g", { "aria-hidden": "true" });
    this.bar = svg("g", { "aria-hidden": "true" });
    this.clip = svg("rect");
    this.panel = svg("rect", { class: "panel" });
    this.labels = svg("g", { class: "contour-labels", "aria-hidden": "true" });
    this.marks = svg("g", { "aria-hidden": "true" });
    this.lines = svg("g", { "aria-hidden": "true" });
    this.arrow = svg("g", { "aria-hidden": "true" });
    this.point = createPoint();
    const layers = [this.labels, this.marks, this.lines, this.arrow, this.point];
    this.figure = svg(
      "svg",
      { role: "group", "aria-label": "Cost surface over the two weights" },
      svg("defs", {}, svg("clipPath", { id: "panel-clip" }, this.clip)),
      this.axes,
      this.bar,
      svg("g", { class: "plot" }, this.panel, svg("g", { "clip-path": "url(#panel-clip)" }, ...layers)),
    );
    root.prepend(this.canvas, this.figure, html("p", { id: "point-help", class: "visually-hidden" }, KEY_HELP));
    this.rect = { left: 0, top: 0, width: 1, height: 1 };
    this.size = { width: 1, height: 1 };
    this.scales = makeScales(state.view, this.rect);
    new ResizeObserver(() => this.resize()).observe(root);
    this.resize();
  }

  /** Adopt the size of the root element. */
  resize() {
    const { width, height } = this.root.getBoundingClientRect();
    this.size = { width, height };
    this.figure.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.root.style.setProperty("--shape", `${width} / ${height}`);
    const [left, right] = width < NARROW ? [42, 52] : [50, 62];
    // A square, so that both weights have the same scale: gradients stand at right angles on contours.
    const size = Math.max(80, Math.min(width - left - right, height - TOP - BOTTOM));
    const rect = { left, top: TOP, width: size, height: size };
    this.rect = rect;
    this.root.parentElement?.style.setProperty("--panel", `${size}px`);
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
    placeCanvas(canvas, rect, this.size, this.ratio);
    this.axes.replaceChildren(...drawAxes(view, rect, this.scales));
    this.overlay?.draw();
    if (!costs) {
      this.bar.replaceChildren();
      this.labels.replaceChildren();
      this.context.clearRect(0, 0, canvas.width, canvas.height);
      return;
    }
    const bands = sampleBands(costs, view);
    const { width, height } = canvas;
    const fits = this.image.width === width && this.image.height === height;
    if (!fits) this.image = new ImageData(width, height);
    paint(this.image, costs, view, bands, Math.max(1, 0.8 * this.ratio));
    this.context.putImageData(this.image, 0, 0);
    const bar = { ...rect, left: rect.left + rect.width + 10, width: 10 };
    this.bar.replaceChildren(...drawColorBar(this.overlay?.scale ?? costScale(bands), bar));
    this.labels.replaceChildren(
      ...placeLabels(costs, view, bands).map(({ w_in, w_rec, exponent }) =>
        svg("text", { x: this.scales.x(w_in), y: this.scales.y(w_rec) + 4, "text-anchor": "middle" }, formatCostPower(exponent)),
      ),
    );
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

  /** @param {Weights} weights @param {Evaluation | null} evaluation */
  setDescent(weights, evaluation) {
    this.descent = { weights, evaluation };
    this.drawDescent();
  }

  /** Draw the direction in which a step of gradient descent moves the weights. Its length is the logarithm of the gradient. */
  drawDescent() {
    const { weights, evaluation } = this.descent ?? {};
    this.arrow.replaceChildren();
    if (!weights || !evaluation) return;
    const { w_in, w_rec } = evaluation.weight_gradient;
    const size = Math.hypot(Number(w_in), Number(w_rec));
    if (!(size > (evaluation.resolution ?? 0) && Number.isFinite(size))) return; // rounding noise has no direction
    const right = -Number(w_in) / this.scales.pixel.w_in;
    const down = Number(w_rec) / this.scales.pixel.w_rec;
    const norm = Math.hypot(right, down);
    const [x, y] = [this.scales.x(weights.w_in), this.scales.y(weights.w_rec)];
    if (!(norm > 0 && Math.hypot(x, y) < MAX_OFFSET)) return;
    const length = Math.min(MAX_ARROW, Math.max(MIN_ARROW, MIN_ARROW + ARROW_DECADE * (Math.log10(size) - ARROW_LOG)));
    this.arrow.setAttribute("transform", `translate(${x} ${y})`);
    const d = arrowPath(right / norm, down / norm, length);
    this.arrow.append(svg("path", { class: "descent-casing", d }), svg("path", { class: "descent", d }));
  }

  /** @param {CostSource | null} costs */
  setCosts(costs) {
    this.costs = costs;
    this.drawHeatmap();
    this.drawMarks();
  }

  /** @param {Optimum | null} optimum */
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

/** @param {Bands} bands @returns {ColorScale} */
function costScale(bands) {
  const ticks = colorBarTicks(bands).map(({ position, exponent }) => ({ position, label: formatCostPower(exponent) }));
  return { title: "cost", colors: bandColors(bands.edges.length - 1), ticks };
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

/** Return the SVG path of an arrow in the direction of a unit vector. @param {number} u @param {number} v @param {number} length */
function arrowPath(u, v, length) {
  const tip = `${u * length} ${v * length}`;
  const [back, side] = [length - 7, 4.5];
  const barbs = [1, -1].map((sign) => `${u * back - sign * v * side} ${v * back + sign * u * side}`);
  return `M${u * 10} ${v * 10}L${tip}M${barbs[0]}L${tip}L${barbs[1]}`;
}
