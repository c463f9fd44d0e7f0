// The cost as colors. Every pixel is evaluated, so that the picture is exact at any zoom.
import { bandColors, chooseBands } from "./color_bands.js";

const LINE_STRENGTH = 0.55; // how much lighter than its band a contour is
const N_SAMPLES = 64; // per axis, to choose the bands

/** Return log10 of a value of a source. @param {CostSource} costs @returns {(value: number) => number} */
const toLog = ({ logarithmic }) => (logarithmic ? (value) => value : (cost) => Math.log10(Math.max(cost, 0)));

/** Choose bands for the costs in a view. @param {CostSource} costs @param {View} view */
export function sampleBands(costs, [left, right, bottom, top]) {
  const row = new Float64Array(N_SAMPLES);
  const log10_costs = new Float64Array(N_SAMPLES * N_SAMPLES);
  const [dx, dy] = [(right - left) / N_SAMPLES, (top - bottom) / N_SAMPLES];
  for (let j = 0; j < N_SAMPLES; j++) {
    costs.fill(bottom + (j + 0.5) * dy, left + 0.5 * dx, dx, row);
    log10_costs.set(row.map(toLog(costs)), j * N_SAMPLES);
  }
  return chooseBands(log10_costs);
}

/**
 * Fill an image with the colors of the bands, with a thin lighter line at each contour.
 * @param {ImageData} image @param {CostSource} costs @param {View} view
 * @param {Bands} bands @param {number} line_width in pixels
 */
export function paint(image, costs, [left, right, bottom, top], bands, line_width) {
  const { width, height } = image;
  const pixels = new Uint32Array(image.data.buffer);
  const shades = bandColors(bands.edges.length - 1);
  const colors = shades.map((rgb) => packColor(rgb, 0));
  const thresholds = bands.edges.slice(1, -1).map((edge) => (costs.logarithmic ? edge : 10 ** edge));
  const edges = Float64Array.from([-Infinity, ...thresholds, Infinity]);
  const contours = Float64Array.from(bands.edges, (edge, k) => (bands.contours.includes(k) ? edge : NaN));
  const log = toLog(costs);
  const [dx, dy] = [(right - left) / width, (top - bottom) / height];
  const reach = (line_width + 1) / 2;
  let [values, above] = [new Float64Array(width + 1), new Float64Array(width + 1)]; // with the pixel on the right
  costs.fill(top + 0.5 * dy, left + 0.5 * dx, dx, above);
  let band = 0;
  for (let r = 0; r < height; r++) {
    costs.fill(top - (r + 0.5) * dy, left + 0.5 * dx, dx, values);
    for (let i = 0, at = r * width; i < width; i++, at++) {
      const value = values[i];
      if (value !== value) {
        pixels[at] = 0;
        continue;
      }
      while (value >= edges[band + 1] && band < edges.length - 2) band++;
      while (value < edges[band] && band > 0) band--;
      pixels[at] = colors[band];
      const [low, high] = [contours[band], contours[band + 1]];
      if (low !== low && high !== high) continue;
      // The distance to the contour in pixels, to first order of the logarithm, because costs grow exponentially.
      const log_cost = log(value);
      const gap = Math.min(low === low ? log_cost - low : Infinity, high === high ? high - log_cost : Infinity);
      const slope = Math.hypot(log(values[i + 1]) - log_cost, log(above[i]) - log_cost);
      if (gap < reach * slope) {
        pixels[at] = packColor(shades[band], LINE_STRENGTH * Math.min(Math.max(reach - gap / slope, 0), line_width, 1));
      }
    }
    [values, above] = [above, values];
  }
}

/** Return a color as a pixel of a canvas. @param {number[]} rgb @param {number} white the share of white to add */
function packColor(rgb, white) {
  const [red, green, blue] = rgb.map((c) => Math.round(c + (255 - c) * white));
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

/**
 * Return where to write the label of each contour: at a crossing with a vertical line, away from the
 * edges and from the other labels.
 * @param {CostSource} costs @param {View} view @param {Bands} bands
 * @returns {{w_in: number, w_rec: number, exponent: number}[]}
 */
export function placeLabels(costs, [left, right, bottom, top], { edges, contours }) {
  const row = new Float64Array(1);
  const log = toLog(costs);
  const read = (/** @type {number} */ w_in, /** @type {number} */ w_rec) => {
    costs.fill(w_rec, w_in, 1, row);
    return log(row[0]);
  };
  const placed = /** @type {{w_in: number, w_rec: number, exponent: number}[]} */ ([]);
  const isClear = (/** @type {number} */ x, /** @type {number} */ y) =>
    placed.every(({ w_in, w_rec }) => Math.hypot((w_in - x) / (right - left), (w_rec - y) / (top - bottom)) > 0.14);
  for (const contour of [...contours].reverse()) {
    const level = edges[contour];
    const found = LABEL_COLUMNS.flatMap((column) => {
      const w_in = left + column * (right - left);
      return LABEL_ROWS.flatMap((share) => {
        const [low, high] = [share, share + LABEL_ROW].map((at) => bottom + at * (top - bottom));
        const [a, b] = [read(w_in, low) - level, read(w_in, high) - level];
        return a * b < 0 ? [{ w_in, w_rec: low + ((high - low) * a) / (a - b), exponent: level }] : [];
      });
    }).find(({ w_in, w_rec }) => isClear(w_in, w_rec));
    if (found) placed.push(found);
  }
  return placed;
}

const LABEL_COLUMNS = [0.18, 0.82, 0.32, 0.68, 0.5];
const LABEL_ROW = 0.02; // of the view
const LABEL_ROWS = Array.from({ length: 46 }, (_, k) => 0.03 + k * LABEL_ROW);
