// The cost surface: the field on a canvas, all that lies over it in SVG.
// @ts-check
import { axes, colourBar } from "./axes.js";
import { html, set, svg } from "../lib/dom.js";
import { levelsOf, paint } from "./heatmap.js";
import { short } from "../lib/format.js";
import { placing } from "../lib/scales.js";
import { Path, optimumMark, valleyLines } from "./paths.js";

const MAX_PIXELS = 1_500_000;
const ARROW = 34;

/** @typedef {import("../model/state.js").State} State */

export class Surface {
  /** @param {HTMLElement} root @param {State} state */
  constructor(root, state) {
    this.root = root;
    this.state = state;
    /** @type {import("./heatmap.js").Source | null} */ this.source = null;
    /** @type {Path[]} */ this.paths = [];
    /** @type {{w_in: number, w_rec: number} | null} */ this.optimum = null;
    /** @type {{w_in: number | null, w_rec: number | null} | null} */ this.slope = null;
    this.canvas = html("canvas", { "aria-hidden": "true" });
    this.context = this.canvas.getContext("2d", { alpha: true });
    this.around = svg("g", { "aria-hidden": "true" });
    this.clip = svg("rect");
    this.panel = svg("rect", { class: "panel" });
    this.under = svg("g", { "aria-hidden": "true" });
    this.over = svg("g", { "aria-hidden": "true" });
    this.arrow = svg("g", { "aria-hidden": "true" });
    this.point = svg(
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
      svg("circle", { class: "touch", r: 22 }),
      svg("circle", { class: "halo", r: 9 }),
      svg("circle", { class: "core", r: 3.2 }),
    );
    const clipped = svg("g", { "clip-path": "url(#panel-clip)" }, this.under, this.over, this.arrow, this.point);
    const figure = svg(
      "svg",
      { role: "group", "aria-label": "Cost over the two weights" },
      svg("defs", {}, svg("clipPath", { id: "panel-clip" }, this.clip)),
      this.around,
      this.panel,
      clipped,
    );
    const help = html("p", { id: "point-help", class: "spoken" });
    help.textContent = "Arrow keys move the point, with Shift ten times as far, with Alt a tenth. Plus and minus zoom, 0 shows the whole surface.";
    root.append(this.canvas, figure, help);
    this.rect = { left: 0, top: 0, width: 1, height: 1 };
    this.place = placing(state.view, this.rect);
    new ResizeObserver(() => this.measure()).observe(root);
    this.measure();
  }

  /** Take the size of the page. */
  measure() {
    const { width, height } = this.root.getBoundingClientRect();
    const small = width < 480;
    const [left, right] = small ? [44, 64] : [56, 66];
    this.rect = { left, top: 20, width: Math.max(80, width - left - right), height: Math.max(80, height - 62) };
    const { rect } = this;
    for (const each of [this.clip, this.panel]) {
      set(each, { x: rect.left, y: rect.top, width: rect.width, height: rect.height });
    }
    const ratio = Math.min(devicePixelRatio, 2, Math.sqrt(MAX_PIXELS / (rect.width * rect.height)));
    this.ratio = ratio;
    set(this.canvas, { width: Math.round(rect.width * ratio), height: Math.round(rect.height * ratio) });
    Object.assign(this.canvas.style, {
      left: `${rect.left}px`,
      top: `${rect.top}px`,
      width: `${rect.width}px`,
      height: `${rect.height}px`,
    });
    this.image = this.context.createImageData(this.canvas.width, this.canvas.height);
    this.drawAll();
  }

  drawAll() {
    this.place = placing(this.state.view, this.rect);
    this.drawField();
    this.drawUnder();
    for (const path of this.paths) path.lay(this.place, this.rect);
    this.drawFrame();
    this.drawPoint();
  }

  drawField() {
    const { view } = this.state;
    this.around.replaceChildren(...axes(view, this.rect, this.place));
    if (!this.source || !this.image) return;
    const levels = levelsOf(this.source, view);
    paint(this.image, this.source, view, levels, Math.max(1, 0.6 * (this.ratio ?? 1)));
    this.context.putImageData(this.image, 0, 0);
    const bar = { ...this.rect, left: this.rect.left + this.rect.width + 14, width: 12 };
    this.around.append(...colourBar(levels, bar));
  }

  drawUnder() {
    this.under.replaceChildren();
    if (this.state.valley && this.source?.valley) {
      this.under.append(...valleyLines(this.source.valley, this.state.view, this.rect, this.place));
    }
    if (this.optimum) {
      this.under.append(optimumMark(this.place.x(this.optimum.w_in), this.place.y(this.optimum.w_rec)));
    }
  }

  drawFrame() {
    for (const path of this.paths) path.show(this.state.frame);
  }

  drawPoint() {
    /** Far away is as good as farther. @param {number} pixel */
    const near = (pixel) => Math.min(1e4, Math.max(-1e4, pixel));
    const [x, y] = [near(this.place.x(this.state.w_in)), near(this.place.y(this.state.w_rec))];
    this.point.setAttribute("transform", `translate(${x} ${y})`);
    this.point.setAttribute("aria-label", `Weights: input ${short(this.state.w_in)}, recurrent ${short(this.state.w_rec)}`);
    this.arrow.setAttribute("transform", `translate(${x} ${y})`);
  }

  /**
   * Point downhill, as the picture shows it.
   * @param {{w_in: number | null, w_rec: number | null} | null} slope
   */
  drawSlope(slope) {
    const across = -Number(slope?.w_in) * this.place.pixel.w_in;
    const up = Number(slope?.w_rec) * this.place.pixel.w_rec;
    const length = Math.hypot(across, up);
    this.arrow.replaceChildren();
    if (!(length > 0 && Number.isFinite(length))) return;
    const [u, v] = [across / length, up / length];
    const tip = `${u * ARROW} ${v * ARROW}`;
    const [back, side] = [ARROW - 7, 4.5];
    const d = `M${u * 10} ${v * 10}L${tip}M${u * back - v * side} ${v * back + u * side}L${tip}L${u * back + v * side} ${v * back - u * side}`;
    this.arrow.append(svg("path", { class: "downhill-casing", d }), svg("path", { class: "downhill", d }));
  }

  /** @param {import("./heatmap.js").Source | null} source */
  setSource(source) {
    this.source = source;
    if (!source) this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.drawField();
    this.drawUnder();
  }

  /** @param {{w_in: number, w_rec: number} | null} optimum */
  setOptimum(optimum) {
    this.optimum = optimum;
    this.drawUnder();
  }

  /** @param {import("./race.js").Run[]} runs */
  setRuns(runs) {
    this.paths = runs.map((run, index) => new Path(run, index));
    this.over.replaceChildren(...this.paths.map((path) => path.element));
    for (const path of this.paths) path.lay(this.place, this.rect);
    this.drawFrame();
  }
}
