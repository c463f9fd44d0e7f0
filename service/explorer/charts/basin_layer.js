// The basin map over the cost surface: how many iterations training needs from each point, and where it fails.
import { html, placeCanvas } from "../lib/dom.js";

/**
 * How failures look. Hatching distinguishes them for any color vision.
 * @type {{outcome: string, ground: string, line: string, slope: 1 | -1}[]}
 */
const HATCHES = [
  { outcome: "iterations_exhausted", ground: "rgb(190 196 203 / 78%)", line: "rgb(92 100 110 / 90%)", slope: 1 },
  { outcome: "diverged", ground: "rgb(255 255 255 / 78%)", line: "rgb(160 30 60 / 90%)", slope: -1 },
];
const FEW = 0.02; // of the starts have the first color
const HATCH_SIZE = 8; // CSS pixels
/** Colors from the fewest iterations to the most, all lighter than the marks above them. */
const SCALE = [
  [255, 247, 214],
  [250, 214, 142],
  [240, 160, 96],
  [205, 98, 100],
  [138, 58, 110],
  [66, 34, 86],
];

export class BasinLayer {
  /** @param {Surface} surface */
  constructor(surface) {
    this.surface = surface;
    this.canvas = html("canvas", { id: "basin-map", "aria-hidden": "true" });
    surface.canvas.after(this.canvas);
    /** @type {BasinMap | null} */ this.map = null;
    /** @type {HTMLCanvasElement[]} */ this.masks = [];
    /** @type {HTMLCanvasElement | null} */ this.iterations = null;
    this.scratch = document.createElement("canvas");
    surface.overlay = this;
  }

  /** @param {BasinMap | null} map */
  show(map) {
    this.map = map;
    this.masks = map ? HATCHES.map(({ outcome }) => makeMask(map, outcome)) : [];
    this.iterations = map && paintIterations(map);
    this.draw();
  }

  /** Draw the map at the place of its window in the current view. */
  draw() {
    const { canvas, map, scratch, surface } = this;
    const { ratio, rect, scales } = surface;
    canvas.hidden = !map;
    if (!map) return;
    placeCanvas(canvas, rect, ratio);
    placeCanvas(scratch, rect, ratio);
    const { w_in, w_rec, resolution } = map.result.request.window;
    // Every point of the grid is the center of its cell.
    const [dx, dy] = [w_in, w_rec].map(({ low, high }) => (high - low) / (resolution - 1) / 2);
    const [left, right] = [scales.x(w_in.low - dx), scales.x(w_in.high + dx)].map((x) => (x - rect.left) * ratio);
    const [top, bottom] = [scales.y(w_rec.high + dy), scales.y(w_rec.low - dy)].map((y) => (y - rect.top) * ratio);
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingEnabled = false;
    if (this.iterations) context.drawImage(this.iterations, left, top, right - left, bottom - top);
    const pen = /** @type {CanvasRenderingContext2D} */ (scratch.getContext("2d"));
    this.masks.forEach((mask, index) => {
      pen.globalCompositeOperation = "source-over";
      pen.clearRect(0, 0, scratch.width, scratch.height);
      pen.imageSmoothingEnabled = false;
      pen.drawImage(mask, left, top, right - left, bottom - top);
      pen.globalCompositeOperation = "source-in";
      fillHatched(pen, index, ratio);
      context.drawImage(scratch, 0, 0);
    });
  }
}

/** Return a picture of the iterations that the successful starts need, with one pixel per cell. @param {BasinMap} map */
function paintIterations({ outcome, iterations, result: { request } }) {
  const { resolution } = request.window;
  const [low, high] = iterationRange({ outcome, iterations });
  const [bottom, top] = [Math.log(low), Math.log(high + 1)];
  return paintCells(resolution, (index) =>
    outcome[index] === "target_reached" ? [...pickColor((Math.log(Math.max(1, iterations[index])) - bottom) / (top - bottom)), 255] : null,
  );
}

/** Return few and the most iterations of the successful starts. @param {{outcome: string[], iterations: number[]}} map */
export function iterationRange({ outcome, iterations }) {
  const needed = iterations.filter((_, index) => outcome[index] === "target_reached").sort((a, b) => a - b);
  const few = needed[Math.floor(FEW * needed.length)] ?? 1; // and not the one that starts at the optimum
  return [Math.max(1, few), needed[needed.length - 1] ?? 1];
}

/** @param {number} share from 0 to 1 @returns {number[]} red, green and blue */
function pickColor(share) {
  const at = Math.min(0.9999, Math.max(0, share)) * (SCALE.length - 1);
  const below = Math.floor(at);
  return SCALE[below].map((value, k) => value + (at - below) * (SCALE[below + 1][k] - value));
}

/** Return a legend of the colors. */
export function createScale() {
  const canvas = html("canvas", { width: 120, height: 1, class: "scale", "aria-hidden": "true" });
  const context = canvas.getContext("2d");
  for (let x = 0; x < canvas.width; x++) {
    context.fillStyle = `rgb(${pickColor(x / canvas.width).join(" ")})`;
    context.fillRect(x, 0, 1, 1);
  }
  return canvas;
}

/** Return a sample of the hatching of one outcome. @param {number} index */
export function createSwatch(index) {
  const swatch = html("canvas", { width: 52, height: 32, "aria-hidden": "true" });
  fillHatched(swatch.getContext("2d"), index, 2);
  return swatch;
}

/**
 * Return a picture with one pixel per cell and high w_rec at the top.
 * @param {number} resolution @param {(index: number) => number[] | null} color red, green, blue and alpha
 */
function paintCells(resolution, color) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = resolution;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = context.createImageData(resolution, resolution);
  for (let index = 0; index < resolution * resolution; index++) {
    const row = resolution - 1 - Math.floor(index / resolution);
    const rgba = color(index);
    if (rgba) image.data.set(rgba, 4 * (row * resolution + (index % resolution)));
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

/**
 * Return a picture of one outcome, with one pixel per cell and high w_rec at the top.
 * @param {BasinMap} map @param {string} outcome
 */
function makeMask({ outcome: outcomes, result }, outcome) {
  return paintCells(result.request.window.resolution, (index) => (outcomes[index] === outcome ? [0, 0, 0, 255] : null));
}

/**
 * Fill a canvas with the hatching of one outcome.
 * @param {CanvasRenderingContext2D} context @param {number} index @param {number} ratio of pixels
 */
function fillHatched(context, index, ratio) {
  const { ground, line, slope } = HATCHES[index];
  const size = Math.round(HATCH_SIZE * ratio);
  const tile = document.createElement("canvas");
  tile.width = tile.height = size;
  const pen = /** @type {CanvasRenderingContext2D} */ (tile.getContext("2d"));
  pen.fillStyle = ground;
  pen.fillRect(0, 0, size, size);
  pen.strokeStyle = line;
  pen.lineWidth = 1.6 * ratio;
  for (const shift of [-size, 0, size]) {
    pen.moveTo(shift - 1, slope > 0 ? size + 1 : -1);
    pen.lineTo(shift + size + 1, slope > 0 ? -1 : size + 1);
  }
  pen.stroke();
  context.fillStyle = /** @type {CanvasPattern} */ (context.createPattern(tile, "repeat"));
  context.fillRect(0, 0, context.canvas.width, context.canvas.height);
}
