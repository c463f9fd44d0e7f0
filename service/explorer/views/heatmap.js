// The cost as colors. Every pixel is evaluated, so that the picture is exact at any zoom.
import { makeRow } from "../model/costs.js";
import { bandColors, chooseBands, costThresholds, log10Thresholds } from "./color_bands.js";

const LINE_STRENGTH = 0.4; // how much darker than its band a line is
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
 * Fill an image with the colors of the bands, with a thin darker line between two bands.
 * @param {ImageData} image @param {CostSource} costs @param {View} view
 * @param {Bands} bands @param {number} line_width in pixels
 */
export function paint(image, costs, [left, right, bottom, top], bands, line_width) {
  const { width, height } = image;
  const pixels = new Uint32Array(image.data.buffer);
  const colors = packColors(bands.edges.length - 1);
  const thresholds = costs.logarithmic ? log10Thresholds(bands) : costThresholds(bands);
  const edges = Float64Array.from([-Infinity, ...thresholds, Infinity]);
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
      // The distance to the nearest edge in pixels, to first order: of the cost or, because costs
      // grow exponentially, of its logarithm.
      const [low, high] = [edges[band], edges[band + 1]];
      let gap = Math.min(value - low, high - value);
      const a = Math.abs(by_w_in[i] * dx);
      const b = Math.abs(by_w_rec[i] * dy);
      let cover = 0;
      if (gap < reach * (a + b)) {
        if (!costs.logarithmic) gap = logarithmicGap(value + bands.shift, low + bands.shift, high + bands.shift);
        cover = Math.min(Math.max(reach - gap / hypotenuse(a, b), 0), line_width, 1);
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
      bytes.set(
        rgb.map((c) => Math.round(c * (1 - (LINE_STRENGTH * shade) / (N_SHADES - 1)))),
        at,
      );
      bytes[at + 3] = 255;
    }
  });
  return new Uint32Array(bytes.buffer);
}
