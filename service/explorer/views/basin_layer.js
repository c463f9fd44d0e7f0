// The basin map over the cost surface: where training fails, the surface is covered.
import { html } from "../lib/dom.js";
import { placeCanvas } from "./surface.js";

/**
 * How failures look. Hatching distinguishes them for any color vision.
 * @type {{outcome: string, ground: string, line: string, slope: 1 | -1}[]}
 */
const HATCHES = [
  { outcome: "iterations_exhausted", ground: "rgb(190 196 203 / 68%)", line: "rgb(92 100 110 / 90%)", slope: 1 },
  { outcome: "diverged", ground: "rgb(255 255 255 / 62%)", line: "rgb(213 94 0 / 95%)", slope: -1 },
];
const HATCH_SIZE = 8; // CSS pixels

export class BasinLayer {
  /** @param {Surface} surface */
  constructor(surface) {
    this.surface = surface;
    this.canvas = html("canvas", { id: "basin-map", "aria-hidden": "true" });
    surface.canvas.after(this.canvas);
    /** @type {BasinMap | null} */ this.map = null;
    /** @type {HTMLCanvasElement[]} */ this.masks = [];
    this.scratch = document.createElement("canvas");
    surface.overlay = this;
  }

  /** @param {BasinMap | null} map */
  show(map) {
    this.map = map;
    this.masks = map ? HATCHES.map(({ outcome }) => makeMask(map, outcome)) : [];
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

/**
 * Return a picture of one outcome, with one pixel per cell and high w_rec at the top.
 * @param {BasinMap} map @param {string} outcome
 */
function makeMask({ outcome: outcomes, result }, outcome) {
  const { resolution } = result.request.window;
  const mask = document.createElement("canvas");
  mask.width = mask.height = resolution;
  const context = /** @type {CanvasRenderingContext2D} */ (mask.getContext("2d"));
  const image = context.createImageData(resolution, resolution);
  outcomes.forEach((each, index) => {
    if (each !== outcome) return;
    const row = resolution - 1 - Math.floor(index / resolution);
    image.data[4 * (row * resolution + (index % resolution)) + 3] = 255;
  });
  context.putImageData(image, 0, 0);
  return mask;
}

/**
 * Fill a canvas with the hatching of one outcome.
 * @param {CanvasRenderingContext2D} context @param {number} index @param {number} ratio of pixels
 */
export function fillHatched(context, index, ratio) {
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
