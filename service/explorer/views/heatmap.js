// The cost as colours: every pixel is evaluated, so that the picture is exact at any zoom.
// @ts-check
import { costRows } from "../model/network.js";
import { bandColours, chooseLevels, costCuts, logCuts } from "./color_bands.js";

/**
 * Where the costs come from. `fill` writes, for a row of pixels, their values and slopes by w_in
 * and w_rec; `cuts` are the inner edges on the scale of those values.
 * @typedef {object} Source
 * @property {(w_rec: number, w_in: number, step: number, row: Buffers) => void} fill
 * @property {(levels: import("./color_bands.js").Levels) => number[]} cuts
 * @property {boolean} explodes whether the values are costs, not logarithms
 * @property {(value: number) => number} log10
 * @property {((w_rec: number) => number) | null} valley the best w_in of a w_rec
 *
 * @typedef {{values: Float64Array, across: Float64Array, up: Float64Array}} Buffers
 */

const LINE = 0.4; // how much darker a line between bands is
const SAMPLES = 64;

/** @param {number} length @returns {Buffers} */
const buffers = (length) => ({
  values: new Float64Array(length),
  across: new Float64Array(length),
  up: new Float64Array(length),
});

/**
 * The exact cost without an activation.
 * @param {import("../model/network.js").Samples} samples @param {number} initial_state
 * @returns {Source}
 */
export function exactSource(samples, initial_state) {
  const at = costRows(samples, initial_state);
  return {
    fill(w_rec, w_in, step, { values, across, up }) {
      const { square, linear, constant, slope } = at(w_rec);
      for (let i = 0; i < values.length; i++) {
        const w = w_in + i * step;
        values[i] = (square * w + linear) * w + constant;
        across[i] = 2 * square * w + linear;
        up[i] = (slope.square * w + slope.linear) * w + slope.constant;
      }
    },
    cuts: costCuts,
    explodes: true,
    log10: (cost) => Math.log10(Math.max(cost, 0)),
    valley(w_rec) {
      const { square, linear } = at(w_rec);
      return -linear / (2 * square);
    },
  };
}

/**
 * A grid of costs that the service computed, log10(cost) interpolated between its points.
 * @param {{w_in: number[], w_rec: number[], cost: (number | null)[][]}} grid
 * @returns {Source}
 */
export function gridSource(grid) {
  const columns = grid.w_in.length;
  const rows = grid.w_rec.length;
  const logs = grid.cost.map((row) =>
    Float64Array.from(row, (cost) => (cost === null ? 309 : Math.max(-320, Math.log10(cost)))),
  );
  const [left, bottom] = [grid.w_in[0], grid.w_rec[0]];
  const [dx, dy] = [(grid.w_in[columns - 1] - left) / (columns - 1), (grid.w_rec[rows - 1] - bottom) / (rows - 1)];
  return {
    fill(w_rec, w_in, step, { values, across, up }) {
      const y = (w_rec - bottom) / dy;
      if (y < -0.01 || y > rows - 0.99) {
        values.fill(NaN);
        return;
      }
      const j = Math.min(rows - 2, Math.max(0, Math.floor(y)));
      const [below, above, v] = [logs[j], logs[j + 1], y - j];
      for (let n = 0; n < values.length; n++) {
        const x = (w_in + n * step - left) / dx;
        const i = Math.min(columns - 2, Math.max(0, Math.floor(x)));
        const u = x < -0.01 || x > columns - 0.99 ? NaN : x - i;
        const low = below[i] + u * (below[i + 1] - below[i]);
        const high = above[i] + u * (above[i + 1] - above[i]);
        values[n] = low + v * (high - low);
        up[n] = (high - low) / dy;
        across[n] = ((1 - v) * (below[i + 1] - below[i]) + v * (above[i + 1] - above[i])) / dx;
      }
    },
    cuts: logCuts,
    explodes: false,
    log10: (value) => value,
    valley: null,
  };
}

/**
 * Levels that suit what a view shows.
 * @param {Source} source @param {number[]} view
 */
export function levelsOf(source, [left, right, bottom, top]) {
  const row = buffers(SAMPLES);
  const logs = new Float64Array(SAMPLES * SAMPLES);
  for (let j = 0; j < SAMPLES; j++) {
    const w_rec = bottom + ((j + 0.5) / SAMPLES) * (top - bottom);
    source.fill(w_rec, left + (0.5 / SAMPLES) * (right - left), (right - left) / SAMPLES, row);
    for (let i = 0; i < SAMPLES; i++) logs[j * SAMPLES + i] = source.log10(row.values[i]);
  }
  return chooseLevels(logs);
}

/**
 * Colour pixels by their band, with a thin darker line where two bands meet.
 * @param {ImageData} image @param {Source} source @param {number[]} view
 * @param {import("./color_bands.js").Levels} levels @param {number} line width of a line in pixels
 */
export function paint(image, source, [left, right, bottom, top], levels, line) {
  const { width, height } = image;
  const pixels = new Uint32Array(image.data.buffer);
  const colours = palette(levels.edges.length - 1);
  const cuts = Float64Array.from([-Infinity, ...source.cuts(levels), Infinity]);
  const row = buffers(width);
  const [dx, dy] = [(right - left) / width, (top - bottom) / height];
  const reach = (line + 1) / 2;
  let band = 0;
  for (let r = 0; r < height; r++) {
    source.fill(top - (r + 0.5) * dy, left + 0.5 * dx, dx, row);
    const { values, across, up } = row;
    for (let i = 0, at = r * width; i < width; i++, at++) {
      const value = values[i];
      if (value !== value) {
        pixels[at] = 0;
        continue;
      }
      while (value >= cuts[band + 1] && band < cuts.length - 2) band++;
      while (value < cuts[band] && band > 0) band--;
      // distance to the nearer level in pixels: to first order, of the logarithm where costs explode
      const [low, high] = [cuts[band], cuts[band + 1]];
      let gap = Math.min(value - low, high - value);
      const a = Math.abs(across[i] * dx);
      const b = Math.abs(up[i] * dy);
      let cover = 0;
      if (gap < reach * (a + b)) {
        if (source.explodes) gap = logarithmic(value + levels.shift, low + levels.shift, high + levels.shift);
        cover = Math.min(Math.max(reach - gap / hypotenuse(a, b), 0), line, 1);
      }
      pixels[at] = colours[band * 8 + Math.round(cover * 7)];
    }
  }
}

/**
 * What `min(value - low, high - value)` would be if the logarithm went on as it does at the value.
 * @param {number} value @param {number} low @param {number} high
 */
function logarithmic(value, low, high) {
  const size = Math.max(value, Number.MIN_VALUE);
  return size * Math.min(low > 0 ? Math.log(size / low) : Infinity, Math.log(high / size));
}

/** Without squares that overflow. @param {number} a @param {number} b */
function hypotenuse(a, b) {
  if (a === b) return a * Math.SQRT2;
  const long = a > b ? a : b;
  const ratio = (a > b ? b : a) / long;
  return long * Math.sqrt(1 + ratio * ratio);
}

/**
 * Every band's colour under eight strengths of a line, packed as the canvas keeps them.
 * @param {number} n_bands
 */
function palette(n_bands) {
  const packed = new Uint8Array(n_bands * 8 * 4);
  bandColours(n_bands).forEach((rgb, band) => {
    for (let shade = 0; shade < 8; shade++) {
      const at = 4 * (band * 8 + shade);
      packed.set(rgb.map((c) => Math.round(c * (1 - (LINE * shade) / 7))), at);
      packed[at + 3] = 255;
    }
  });
  return new Uint32Array(packed.buffer);
}
