// Which costs share a colour: the same levels as the service's pictures, from the same values.
// @ts-check
import { VIRIDIS } from "../lib/viridis.js";

/**
 * Edges of n bands on the scale log10(cost + shift), shift 1 or 0. The lowest band takes every
 * smaller cost, the highest every larger one.
 * @typedef {{edges: number[], shift: 0 | 1, even: boolean}} Levels
 */

const NOTE_STEP = 8.2 / 29; // the note's 29 bands of cost + 1, from 10^-0.2 to 10^8
const CONTINUED = 14;
const WIDE_BANDS = 36;
const FINE_BANDS = 32;
const FINE_DECADES = 10;

/**
 * Levels that suit some values of log10(cost).
 * @param {Float64Array} values
 * @returns {Levels}
 */
export function chooseLevels(values) {
  const sorted = values.filter(Number.isFinite).sort();
  const low = sorted.length ? sorted[0] : 0;
  const high = sorted.length ? sorted[sorted.length - 1] : 0;
  if (high > CONTINUED) return wide(high);
  if (Math.log10(10 ** high + 1) - Math.log10(10 ** low + 1) < 6 * NOTE_STEP) {
    return fine(low, high, quantile(sorted, 0.001));
  }
  const wanted = Math.ceil((2 * Math.ceil(high / 2) + 0.2) / NOTE_STEP - 1e-9);
  const top = high <= 8 ? 29 : Math.max(29, wanted);
  return { edges: range(top + 1, (k) => -0.2 + NOTE_STEP * k), shift: 1, even: true };
}

/**
 * Inner edges as log10(cost), -Infinity where an edge lies below every cost.
 * @param {Levels} levels
 */
export function logCuts({ edges, shift }) {
  const inner = edges.slice(1, -1);
  if (!shift) return inner;
  return inner.map((e) => (e > 0 ? e + Math.log10(-Math.expm1(-e * Math.LN10)) : -Infinity));
}

/**
 * Inner edges as costs, Infinity beyond float64.
 * @param {Levels} levels
 */
export function costCuts(levels) {
  return logCuts(levels).map((log10_cost) => 10 ** log10_cost);
}

/**
 * Colours of n bands as [red, green, blue].
 * @param {number} n_bands
 * @returns {number[][]}
 */
export function bandColours(n_bands) {
  return range(n_bands, (k) => {
    const at = Math.min(255, Math.floor((k / Math.max(1, n_bands - 1)) * 256));
    const hex = VIRIDIS.slice(6 * at, 6 * at + 6);
    return [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16));
  });
}

/**
 * Round numbers for a bar of equally high bands, each with its place from 0 to 1.
 * @param {Levels} levels
 * @returns {{place: number, exponent: number}[]}
 */
export function barTicks({ edges, even }) {
  const n_bands = edges.length - 1;
  const [low, high] = [edges[0], edges[n_bands]];
  /** @param {number} value */
  const place = (value) => {
    const above = Math.max(1, edges.findIndex((e) => e >= value));
    return (above - 1 + (value - edges[above - 1]) / (edges[above] - edges[above - 1])) / n_bands;
  };
  let values = range(Math.floor(high) - Math.ceil(low) + 1, (k) => Math.ceil(low) + k);
  if (values.length < 3) values = edges.filter((_, k) => k % Math.ceil(n_bands / 6) === 0);
  if (!even) values = [0, 1, ...range(10, (k) => [2, 5, 10].map((m) => m * 10 ** k)).flat()];
  const ticks = [];
  for (const exponent of values.filter((e) => e >= low && e <= high)) {
    const at = place(exponent);
    if (!ticks.length || at - ticks[ticks.length - 1].place >= 1 / 10) ticks.push({ place: at, exponent });
  }
  return ticks;
}

/** @param {number} high @returns {Levels} */
function wide(high) {
  const round = range(12, (k) => [1, 2, 5].map((m) => m * 10 ** k)).flat();
  const top = round.find((value) => value > 1 && value >= high) ?? high;
  const edges = range(WIDE_BANDS + 1, (k) => Math.sinh((k / WIDE_BANDS) * Math.asinh(top)));
  edges[WIDE_BANDS] = top;
  return { edges, shift: 1, even: false };
}

/** @param {number} lowest @param {number} high @param {number} usual @returns {Levels} */
function fine(lowest, high, usual) {
  const low = Math.max(lowest, high - FINE_DECADES, usual);
  const raw = Math.max((high - low) / FINE_BANDS, 1e-4);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= raw * (1 - 1e-9)) ?? raw;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(Math.ceil(high / step - 1e-9), first + 2);
  return { edges: range(last - first + 1, (k) => (first + k) * step), shift: 0, even: true };
}

/** @param {Float64Array} sorted @param {number} share */
function quantile(sorted, share) {
  if (!sorted.length) return 0;
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const next = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (at - below) * (sorted[next] - sorted[below]);
}

/** @template V @param {number} n @param {(k: number) => V} make @returns {V[]} */
function range(n, make) {
  return Array.from({ length: Math.max(0, n) }, (_, k) => make(k));
}
