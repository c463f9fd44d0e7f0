// The cost surface: the heatmap on a canvas, and everything above it in SVG.
import { costScale, drawColorBar } from "../charts/color_bands.js";
import { paint, placeLabels, sampleBands } from "../charts/heatmap.js";
import { weightName } from "../charts/network.js";
import { Plot } from "../charts/plot.js";
import { TrajectoryLine, drawBestWIn, drawOptimum } from "../charts/trajectories.js";
import { html, placeCanvas, setAttributes, svg } from "../lib/dom.js";
import { formatNumber, formatPower } from "../lib/format.js";
import { makeTicks } from "../lib/scales.js";
import { debounce } from "../lib/throttle.js";
import { findShown } from "../model/shown.js";

const MAX_PIXELS = 1_500_000; // of the heatmap
const MOVING_PIXELS = 90_000; // while the view moves, so that every frame is in time
const REST_MS = 120; // without a change of the view
const MAX_OFFSET = 1e4; // pixels; a point farther away is as invisible as one here
const [LEFT, RIGHT] = matchMedia("(max-width: 480px)").matches ? [42, 52] : [50, 62];
// A square, so that both weights have the same scale: gradients stand at right angles on contours.
const SHAPE = { isSquare: true, left: LEFT, right: RIGHT, top: 20, bottom: 44 };
const MIN_ARROW = 24; // pixels
const MAX_ARROW = 76;
const ARROW_DECADE = 3; // pixels per power of ten of the gradient
const ARROW_LOG = -8; // log10 of the gradient whose arrow has the least length
const KEY_HELP =
  "Arrow keys move the point. Hold Shift for ten times the distance, or Alt for a tenth of it. " +
  "Plus and minus zoom. 0 resets the view.";

export class Surface {
  /** @param {HTMLElement} root @param {Store} store */
  constructor(root, store) {
    this.root = root;
    this.store = store;
    this.state = store.state;
    /** @type {TrajectoryLine[]} */ this.trajectories = [];
    /** @type {import("../charts/basin_layer.js").BasinLayer | null} */ this.overlay = null;
    this.image = new ImageData(1, 1);
    this.ratio = 1; // of the pixels of the heatmap to those of the page
    this.movedAt = -Infinity; // when a changed view was drawn
    this.sharpenSoon = debounce(REST_MS, () => this.drawHeatmap(MAX_PIXELS));
    this.canvas = html("canvas", { "aria-hidden": "true" });
    this.context = this.canvas.getContext("2d", { alpha: true });
    this.bar = svg("g", { "aria-hidden": "true" });
    this.labels = svg("g", { class: "contour-labels", "aria-hidden": "true" });
    this.marks = svg("g", { "aria-hidden": "true" });
    this.lines = svg("g", { "aria-hidden": "true" });
    this.arrow = svg("g", { "aria-hidden": "true" });
    this.point = createPoint();
    const names = { x_name: weightName("in"), y_name: weightName("rec") };
    this.plot = new Plot(root, "Cost surface over the two weights", () => this.resize(), { ...SHAPE, ...names });
    setAttributes(this.plot.figure, { role: "group" });
    setAttributes(this.plot.area, { class: "panel" });
    this.plot.inside.append(this.marks, this.lines, this.labels, this.arrow, this.point);
    this.plot.marks.append(this.bar, svg("g", { class: "plot" }, this.plot.area, this.plot.inside));
    root.prepend(this.canvas);
    root.append(html("p", { id: "point-help", class: "visually-hidden" }, KEY_HELP));
    store.watch(["view"], () => this.move());
    store.watch(["costs"], () => this.drawHeatmap());
    store.watch(["costs", "optimum", "valley"], () => this.drawMarks());
    store.watch(["runs"], () => this.createTrajectories());
    store.watch(["iteration"], () => this.drawTrajectories());
    store.watch(["w_in", "w_rec"], () => this.drawPoint());
    store.watch(["evaluation"], () => this.drawDescent());
  }

  /** Adopt the size of the plot. */
  resize() {
    const { rect, size } = this.plot;
    this.root.style.setProperty("--shape", `${size.width} / ${size.height}`);
    this.root.parentElement?.style.setProperty("--panel-end", `${rect.left + rect.width}px`);
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
    this.updateDomain();
    this.drawHeatmap(max_pixels);
    this.drawMarks();
    for (const trajectory of this.trajectories) trajectory.layOut(this.plot);
    this.drawTrajectories();
    this.drawPoint();
    this.drawDescent();
  }

  updateDomain() {
    const [left, right, bottom, top] = this.state.view;
    this.plot.domain = { x: [left, right], y: [bottom, top] };
  }

  drawHeatmap(max_pixels = MAX_PIXELS) {
    const { canvas, plot } = this;
    const { costs } = this.store;
    const { rect } = plot;
    const { view } = this.state;
    this.ratio = Math.min(plot.ratio, Math.sqrt(max_pixels / (rect.width * rect.height)));
    placeCanvas(canvas, plot, this.ratio);
    plot.drawAxes(makeTicks(view[0], view[1], rect.width / 62), makeTicks(view[2], view[3], rect.height / 54));
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
        svg("text", { x: plot.x(w_in), y: plot.y(w_rec) + 4, "text-anchor": "middle" }, formatPower(exponent)),
      ),
    );
  }

  drawMarks() {
    const { plot } = this;
    const { costs, optimum } = this.store;
    const bestWIn = this.state.valley && costs?.bestWIn;
    this.marks.replaceChildren(
      ...(bestWIn ? drawBestWIn(bestWIn, plot) : []),
      ...(optimum ? [drawOptimum(plot.x(optimum.w_in), plot.y(optimum.w_rec))] : []),
    );
  }

  drawTrajectories() {
    for (const trajectory of this.trajectories) trajectory.show(this.state.iteration);
  }

  drawPoint() {
    const { w_in, w_rec } = this.state;
    const [x, y] = [this.plot.x(w_in), this.plot.y(w_rec)].map((p) => Math.min(MAX_OFFSET, Math.max(-MAX_OFFSET, p)));
    this.point.setAttribute("transform", `translate(${x} ${y})`);
    this.point.setAttribute(
      "aria-label",
      `Start weights: input ${formatNumber(w_in)}, recurrent ${formatNumber(w_rec)}`,
    );
  }

  /**
   * Draw the direction in which a step of gradient descent moves the weights. Its length is the logarithm of the
   * gradient.
   */
  drawDescent() {
    const { evaluation } = this.store;
    this.arrow.replaceChildren();
    if (!evaluation) return;
    const weights = findShown(this.store);
    const { w_in, w_rec } = evaluation.weight_gradient;
    const size = Math.hypot(Number(w_in), Number(w_rec));
    if (!(size > (evaluation.resolution ?? 0) && Number.isFinite(size))) return; // rounding noise has no direction
    const { domain } = this.plot;
    const right = -Number(w_in) / (domain.x[1] - domain.x[0]);
    const down = Number(w_rec) / (domain.y[1] - domain.y[0]);
    const norm = Math.hypot(right, down);
    const [x, y] = [this.plot.x(weights.w_in), this.plot.y(weights.w_rec)];
    if (!(norm > 0 && Math.hypot(x, y) < MAX_OFFSET)) return;
    const length = Math.min(MAX_ARROW, Math.max(MIN_ARROW, MIN_ARROW + ARROW_DECADE * (Math.log10(size) - ARROW_LOG)));
    this.arrow.setAttribute("transform", `translate(${x} ${y})`);
    const d = arrowPath(right / norm, down / norm, length);
    this.arrow.append(svg("path", { class: "descent-casing", d }), svg("path", { class: "descent", d }));
  }

  createTrajectories() {
    this.trajectories = this.store.runs.map((run, index) => new TrajectoryLine(run, index));
    this.lines.replaceChildren(...this.trajectories.map(({ element }) => element));
    for (const trajectory of this.trajectories) trajectory.layOut(this.plot);
    this.drawTrajectories();
  }
}

function createPoint() {
  const radii = { "ring outer": 15, ring: 15, touch: 26, halo: 9, core: 3.2 };
  const circles = Object.entries(radii).map(([name, r]) => svg("circle", { class: name, r }));
  const description = { "aria-roledescription": "point on the cost surface", "aria-describedby": "point-help" };
  return svg("g", { class: "point", tabindex: 0, role: "application", ...description }, ...circles);
}

/**
 * Return the SVG path of an arrow in the direction of a unit vector.
 * @param {number} u
 * @param {number} v
 * @param {number} length
 */
function arrowPath(u, v, length) {
  const tip = `${u * length} ${v * length}`;
  const [back, side] = [length - 7, 4.5];
  const barbs = [1, -1].map((sign) => `${u * back - sign * v * side} ${v * back + sign * u * side}`);
  return `M${u * 10} ${v * 10}L${tip}M${barbs[0]}L${tip}L${barbs[1]}`;
}
