// The basin map over the cost surface: how many iterations training needs from each point, and where it fails.
import { html, placeCanvas } from "../lib/dom.js";
import { formatNumber } from "../lib/format.js";

/**
 * How failures look: stripes that rise or fall distinguish them for any color vision.
 * @type {Record<string, {ground: string, line: string, rises: boolean}>}
 */
const HATCHES = {
  iterations_exhausted: { ground: "rgb(190 196 203 / 78%)", line: "rgb(92 100 110 / 90%)", rises: true },
  diverged: { ground: "rgb(255 255 255 / 78%)", line: "rgb(160 30 60 / 90%)", rises: false },
};
const STRIPE = 8; // CSS pixels from one line to the next
const LINE = 0.2; // of this distance
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
    /** the color of each cell, or the outcome whose stripes it has @type {string[]} */ this.looks = [];
    surface.overlay = this;
  }

  /** @param {BasinMap | null} map */
  show(map) {
    this.map = map;
    this.looks = map ? colorCells(map) : [];
    this.surface.drawHeatmap();
  }

  /** @returns {ColorScale | null} for the color bar, while a map is shown */
  get scale() {
    if (!this.map) return null;
    if (!this.map.outcome.includes("target_reached")) return { title: "", colors: [], ticks: [] };
    const [low, high] = iterationRange(this.map);
    const positions = low < high ? [0, 0.5, 1] : [0];
    const ticks = positions.map((position) => ({
      position,
      label: formatNumber(Math.round(low * (high / low) ** position), 2),
    }));
    ticks[0].label = `≤ ${ticks[0].label}`;
    return {
      title: "iterations",
      colors: Array.from({ length: N_COLORS }, (_, k) => mixColor(k / (N_COLORS - 1))),
      ticks,
    };
  }

  /** Draw the map at the place of its window in the current view. */
  draw() {
    const { canvas, looks, map } = this;
    const { plot, ratio } = this.surface;
    canvas.hidden = !map;
    if (!map) return;
    placeCanvas(canvas, plot, ratio);
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.clearRect(0, 0, canvas.width, canvas.height);
    const fills = /** @type {Record<string, CanvasPattern | null>} */ ({});
    for (const outcome of Object.keys(HATCHES)) {
      fills[outcome] = createHatch(context, outcome, Math.round(STRIPE * ratio));
    }
    const { w_in, w_rec, resolution } = map.result.request.window;
    const findEdges = (
      /** @type {{low: number, high: number}} */ { low, high },
      /** @type {(weight: number) => number} */ place,
    ) =>
      Array.from({ length: resolution + 1 }, (_, k) => {
        // A point of the grid is the center of its cell.
        const weight = low + ((k - 0.5) * (high - low)) / (resolution - 1);
        return Math.round(ratio * place(weight));
      });
    const xs = findEdges(w_in, (weight) => plot.x(weight) - plot.rect.left);
    const ys = findEdges(w_rec, (weight) => plot.y(weight) - plot.rect.top);
    looks.forEach((look, index) => {
      const [row, column] = [Math.floor(index / resolution), index % resolution];
      context.fillStyle = fills[look] ?? look;
      context.fillRect(xs[column], ys[row + 1], xs[column + 1] - xs[column], ys[row] - ys[row + 1]);
    });
  }
}

/** Return how each cell looks: the color of its iterations, or the outcome. @param {BasinMap} map */
function colorCells({ outcome, iterations }) {
  const [bottom, top] = iterationRange({ outcome, iterations }).map((n, k) => Math.log(n + k));
  return outcome.map((each, index) =>
    each === "target_reached"
      ? `rgb(${mixColor((Math.log(Math.max(1, iterations[index])) - bottom) / (top - bottom)).join(" ")})`
      : each,
  );
}

/**
 * Return few and the most iterations of the successful starts.
 * @param {{outcome: string[], iterations: number[]}} map
 */
function iterationRange({ outcome, iterations }) {
  const needed = iterations.filter((_, index) => outcome[index] === "target_reached").sort((a, b) => a - b);
  const few = needed[Math.floor(FEW * needed.length)] ?? 1; // and not the one that starts at the optimum
  return [few, needed[needed.length - 1] ?? 1].map((n) => Math.max(1, n));
}

/** @param {number} share from 0 to 1 */
function mixColor(share) {
  const at = Math.min(0.9999, Math.max(0, share)) * (SCALE.length - 1);
  const below = Math.floor(at);
  return SCALE[below].map((value, k) => Math.round(value + (at - below) * (SCALE[below + 1][k] - value)));
}

/**
 * Return the stripes of an outcome.
 * @param {CanvasRenderingContext2D} context
 * @param {string} outcome
 * @param {number} size from one line to the next
 */
function createHatch(context, outcome, size) {
  const { ground, line, rises } = HATCHES[outcome];
  const tile = html("canvas", { width: size, height: size });
  const brush = tile.getContext("2d");
  Object.assign(brush, { fillStyle: ground, strokeStyle: line, lineWidth: size * LINE });
  brush.fillRect(0, 0, size, size);
  for (const left of [-1.5 * size, -0.5 * size, 0.5 * size]) {
    brush.moveTo(left, rises ? 1.5 * size : -0.5 * size);
    brush.lineTo(left + 2 * size, rises ? -0.5 * size : 1.5 * size);
  }
  brush.stroke();
  return context.createPattern(tile, "repeat");
}

/** Return a sample of the stripes of one outcome. @param {string} outcome */
export function createSwatch(outcome) {
  const swatch = html("canvas", { width: 52, height: 32, "aria-hidden": "true" });
  const context = swatch.getContext("2d");
  context.fillStyle = createHatch(context, outcome, 2 * STRIPE);
  context.fillRect(0, 0, 52, 32);
  return swatch;
}
