// The basin map over the cost surface: how many iterations training needs from each point, and where it fails.
import { html, placeCanvas } from "../lib/dom.js";
import { formatNumber } from "../lib/format.js";

/**
 * How failures look: two colors each, in stripes that rise or fall. Stripes distinguish them for any color vision.
 * @type {Record<string, {ground: number, line: number, slope: 1 | -1}>}
 */
const HATCHES = {
  iterations_exhausted: { ground: pack([190, 196, 203, 200]), line: pack([92, 100, 110, 230]), slope: 1 },
  diverged: { ground: pack([255, 255, 255, 200]), line: pack([160, 30, 60, 230]), slope: -1 },
};
const STRIPE = 8; // CSS pixels from one line to the next
const LINE = 2.2;
const N_COLORS = 40; // of the color bar
const FEW = 0.02; // of the starts have the first color
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
    /** of the cells that succeed @type {(number | null)[]} */ this.colors = [];
    surface.overlay = this;
  }

  /** @param {BasinMap | null} map */
  show(map) {
    this.map = map;
    this.colors = map ? colorCells(map) : [];
    this.surface.drawHeatmap();
  }

  /** @returns {ColorScale | null} for the color bar, while a map is shown */
  get scale() {
    if (!this.map) return null;
    const [low, high] = iterationRange(this.map);
    const ticks = [0, 0.5, 1].map((position) => ({ position, label: formatNumber(Math.round(low * (high / low) ** position), 2) }));
    ticks[0].label = `≤ ${ticks[0].label}`;
    return { title: "iterations", colors: Array.from({ length: N_COLORS }, (_, k) => mixColor(k / (N_COLORS - 1))), ticks };
  }

  /** Draw the map at the place of its window in the current view. */
  draw() {
    const { canvas, colors, map } = this;
    const { ratio, rect, scales, size } = this.surface;
    canvas.hidden = !map;
    if (!map) return;
    placeCanvas(canvas, rect, size, ratio);
    const { w_in, w_rec, resolution } = map.result.request.window;
    const findCell = (/** @type {number} */ value, /** @type {{low: number, high: number}} */ { low, high }) =>
      Math.round(((value - low) / (high - low)) * (resolution - 1)); // every point of the grid is the center of its cell
    const columns = Array.from({ length: canvas.width }, (_, x) => findCell(scales.w_in(rect.left + (x + 0.5) / ratio), w_in));
    paint(canvas, ratio, (x, y) => {
      const row = findCell(scales.w_rec(rect.top + (y + 0.5) / ratio), w_rec);
      const column = columns[x];
      const index = row * resolution + column;
      const isInside = row >= 0 && row < resolution && column >= 0 && column < resolution;
      return isInside ? (colors[index] ?? map.outcome[index]) : 0;
    });
  }
}

/** Return the color of each cell from which training succeeds. @param {BasinMap} map */
function colorCells({ outcome, iterations }) {
  const [bottom, top] = iterationRange({ outcome, iterations }).map((n, k) => Math.log(n + k));
  return outcome.map((each, index) =>
    each === "target_reached" ? pack([...mixColor((Math.log(Math.max(1, iterations[index])) - bottom) / (top - bottom)), 255]) : null,
  );
}

/** Return few and the most iterations of the successful starts. @param {{outcome: string[], iterations: number[]}} map */
function iterationRange({ outcome, iterations }) {
  const needed = iterations.filter((_, index) => outcome[index] === "target_reached").sort((a, b) => a - b);
  const few = needed[Math.floor(FEW * needed.length)] ?? 1; // and not the one that starts at the optimum
  return [Math.max(1, few), needed[needed.length - 1] ?? 1];
}

/** Return a color as one number, as in the pixels of a canvas. @param {number[]} color red, green, blue and opacity */
function pack([red, green, blue, opacity]) {
  return ((opacity << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

/** @param {number} share from 0 to 1 */
function mixColor(share) {
  const at = Math.min(0.9999, Math.max(0, share)) * (SCALE.length - 1);
  const below = Math.floor(at);
  return SCALE[below].map((value, k) => Math.round(value + (at - below) * (SCALE[below + 1][k] - value)));
}

/**
 * Fill a canvas, pixel by pixel.
 * @param {HTMLCanvasElement} canvas @param {number} ratio of its pixels to those of the page
 * @param {(x: number, y: number) => number | string} look a color, or the outcome whose stripes are drawn
 */
function paint(canvas, ratio, look) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = context.createImageData(canvas.width, canvas.height);
  const pixels = new Uint32Array(image.data.buffer);
  const period = STRIPE * ratio;
  for (let y = 0, at = 0; y < canvas.height; y++) {
    for (let x = 0; x < canvas.width; x++, at++) {
      const color = look(x, y);
      if (typeof color === "number") pixels[at] = color;
      else {
        const { ground, line, slope } = HATCHES[color];
        pixels[at] = (x + slope * y + period * canvas.height) % period < LINE * ratio ? line : ground;
      }
    }
  }
  context.putImageData(image, 0, 0);
}

/** Return a sample of the stripes of one outcome. @param {string} outcome */
export function createSwatch(outcome) {
  const swatch = html("canvas", { width: 52, height: 32, "aria-hidden": "true" });
  paint(swatch, 2, () => outcome);
  return swatch;
}
