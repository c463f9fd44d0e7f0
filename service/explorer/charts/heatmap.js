// The cost as colors. Every pixel is evaluated, so that the picture is exact at any zoom.
import { makeRow } from "../model/costs.js";
import { bandColors, chooseBands } from "./color_bands.js";

const LINE_STRENGTH = 0.55; // how much lighter than its band a contour is
const N_SHADES = 8;
const N_SAMPLES = 64; // per axis, to choose the bands

/** Choose bands for the costs in a view. @param {CostSource} costs @param {View} view */
export function sampleBands(costs, [left, right, bottom, top]) {
  const row = makeRow(N_SAMPLES);
  const log10_costs = new Float64Array(N_SAMPLES * N_SAMPLES);
  const [dx, dy] = [(right - left) / N_SAMPLES, (top - bottom) / N_SAMPLES];
  for (let j = 0; j < N_SAMPLES; j++) {
    costs.fill(bottom + (j + 0.5) * dy, left + 0.5 * dx, dx, row);
    const logs = costs.logarithmic ? row.values : row.values.map((cost) => Math.log10(Math.max(cost, 0)));
    log10_costs.set(logs, j * N_SAMPLES);
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
  const colors = packColors(bands.edges.length - 1);
  const thresholds = bands.edges.slice(1, -1).map((edge) => (costs.logarithmic ? edge : 10 ** edge));
  const edges = Float64Array.from([-Infinity, ...thresholds, Infinity]);
  const isContour = Uint8Array.from(bands.edges, (_, k) => Number(bands.contours.includes(k)));
  const row = makeRow(width);
  const [dx, dy] = [(right - left) / width, (top - bottom) / height];
  const reach = (line_width + 1) / 2;
  let band = 0;
  for (let r = 0; r < height; r++) {
    costs.fill(top - (r + 0.5) * dy, left + 0.5 * dx, dx, row);
    const { values, by_w_in, by_w_rec } = row;
    for (let i = 0, at = r * width; i < width; i++, at++) {
      const value = values[i];
      if (value !== value) {
        pixels[at] = 0;
        continue;
      }
      while (value >= edges[band + 1] && band < edges.length - 2) band++;
      while (value < edges[band] && band > 0) band--;
      let cover = 0;
      if (isContour[band] || isContour[band + 1]) {
        // The distance to the contour in pixels, to first order: of the cost or, because costs grow
        // exponentially, of its logarithm.
        const low = isContour[band] ? edges[band] : -Infinity;
        const high = isContour[band + 1] ? edges[band + 1] : Infinity;
        const gap = costs.logarithmic ? Math.min(value - low, high - value) : logarithmicGap(value, low, high);
        const slope = hypotenuse(Math.abs(by_w_in[i] * dx), Math.abs(by_w_rec[i] * dy));
        if (gap < reach * slope) cover = Math.min(Math.max(reach - gap / slope, 0), line_width, 1);
      }
      pixels[at] = colors[band * N_SHADES + Math.round(cover * (N_SHADES - 1))];
    }
  }
}

/**
 * Return `min(value - low, high - value)` as extrapolated from the logarithms.
 * @param {number} value @param {number} low @param {number} high
 */
function logarithmicGap(value, low, high) {
  const size = Math.max(value, Number.MIN_VALUE);
  return size * Math.min(low > 0 ? Math.log(size / low) : Infinity, Math.log(high / size));
}

/** Return the hypotenuse without squares that overflow. @param {number} a @param {number} b */
function hypotenuse(a, b) {
  if (a === b) return a * Math.SQRT2;
  const long = a > b ? a : b;
  const ratio = (a > b ? b : a) / long;
  return long * Math.sqrt(1 + ratio * ratio);
}

/** Return the shades of all bands, from no line to a full line, packed as in a canvas. @param {number} n_bands */
function packColors(n_bands) {
  const bytes = new Uint8Array(n_bands * N_SHADES * 4);
  bandColors(n_bands).forEach((rgb, band) => {
    for (let shade = 0; shade < N_SHADES; shade++) {
      const at = 4 * (band * N_SHADES + shade);
      const lightened = rgb.map((c) => Math.round(c + (255 - c) * LINE_STRENGTH * (shade / (N_SHADES - 1))));
      bytes.set(lightened, at);
      bytes[at + 3] = 255;
    }
  });
  return new Uint32Array(bytes.buffer);
}

/**
 * Return where to write the label of each contour: at a crossing with a vertical line, away from the
 * edges and from the other labels.
 * @param {CostSource} costs @param {View} view @param {Bands} bands
 * @returns {{w_in: number, w_rec: number, exponent: number}[]}
 */
export function placeLabels(costs, [left, right, bottom, top], { edges, contours }) {
  const row = makeRow(1);
  const read = (/** @type {number} */ w_in, /** @type {number} */ w_rec) => {
    costs.fill(w_rec, w_in, 1, row);
    return costs.logarithmic ? row.values[0] : Math.log10(Math.max(row.values[0], 0));
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
const LABEL_ROWS = Array.from({ length: 41 }, (_, k) => 0.08 + k * LABEL_ROW);
