// Bands of costs that share a color, the same as in the pictures of the service.
import { VIRIDIS } from "../lib/viridis.js";

const TUTORIAL_STEP = 8.2 / 29; // the tutorial has 29 bands of cost + 1, from 10^-0.2 to 10^8
const MAX_EVEN_LOG10 = 14; // up to here, bands of the tutorial's height continue
const N_WIDE_BANDS = 36;
const N_FINE_BANDS = 32;
const MAX_FINE_DECADES = 10;

/** Choose bands for a sample of log10(cost). @param {Float64Array} log10_costs @returns {Bands} */
export function chooseBands(log10_costs) {
  const sorted = log10_costs.filter(Number.isFinite).sort();
  const low = sorted.length ? sorted[0] : 0;
  const high = sorted.length ? sorted[sorted.length - 1] : 0;
  if (high > MAX_EVEN_LOG10) return makeWideBands(high);
  if (Math.log10(10 ** high + 1) - Math.log10(10 ** low + 1) < 6 * TUTORIAL_STEP) {
    return makeFineBands(low, high, quantile(sorted, 0.001));
  }
  const needed = Math.ceil((2 * Math.ceil(high / 2) + 0.2) / TUTORIAL_STEP - 1e-9);
  const n_bands = high <= 8 ? 29 : Math.max(29, needed);
  return { edges: range(n_bands + 1, (k) => -0.2 + TUTORIAL_STEP * k), shift: 1, even: true };
}

/** Bands that grow with the exponent. @param {number} high @returns {Bands} */
function makeWideBands(high) {
  const candidates = range(12, (k) => [1, 2, 5].map((m) => m * 10 ** k)).flat();
  const top = candidates.find((value) => value > 1 && value >= high) ?? high;
  const edges = range(N_WIDE_BANDS + 1, (k) => Math.sinh((k / N_WIDE_BANDS) * Math.asinh(top)));
  edges[N_WIDE_BANDS] = top;
  return { edges, shift: 1, even: false };
}

/**
 * Narrow bands between costs that differ little.
 * @param {number} low @param {number} high @param {number} typical_low without the few lowest costs
 * @returns {Bands}
 */
function makeFineBands(low, high, typical_low) {
  const bottom = Math.max(low, high - MAX_FINE_DECADES, typical_low);
  const raw = Math.max((high - bottom) / N_FINE_BANDS, 1e-4);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= raw * (1 - 1e-9)) ?? raw;
  const first = Math.floor(bottom / step + 1e-9);
  const last = Math.max(Math.ceil(high / step - 1e-9), first + 2);
  return { edges: range(last - first + 1, (k) => (first + k) * step), shift: 0, even: true };
}

/** Return the inner edges as log10(cost), -Infinity for an edge below all costs. @param {Bands} bands */
export function log10Thresholds({ edges, shift }) {
  const inner = edges.slice(1, -1);
  if (!shift) return inner;
  return inner.map((e) => (e > 0 ? e + Math.log10(-Math.expm1(-e * Math.LN10)) : -Infinity));
}

/** Return the inner edges as costs, Infinity if they overflow. @param {Bands} bands */
export function costThresholds(bands) {
  return log10Thresholds(bands).map((log10_cost) => 10 ** log10_cost);
}

/** Return the colors of n bands as [red, green, blue]. @param {number} n_bands @returns {number[][]} */
export function bandColors(n_bands) {
  return range(n_bands, (k) => {
    const index = Math.min(255, Math.floor((k / Math.max(1, n_bands - 1)) * 256));
    const hex = VIRIDIS.slice(6 * index, 6 * index + 6);
    return [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16));
  });
}

/**
 * Return round exponents for the color bar, each with its position from 0 to 1.
 * @param {Bands} bands
 * @returns {{position: number, exponent: number}[]}
 */
export function colorBarTicks({ edges, even }) {
  const n_bands = edges.length - 1;
  const [low, high] = [edges[0], edges[n_bands]];
  /** @param {number} value */
  const locate = (value) => {
    const above = Math.max(
      1,
      edges.findIndex((e) => e >= value),
    );
    return (above - 1 + (value - edges[above - 1]) / (edges[above] - edges[above - 1])) / n_bands;
  };
  let values = range(Math.floor(high) - Math.ceil(low) + 1, (k) => Math.ceil(low) + k);
  if (values.length < 3) values = edges.filter((_, k) => k % Math.ceil(n_bands / 6) === 0);
  if (!even) values = [0, 1, ...range(10, (k) => [2, 5, 10].map((m) => m * 10 ** k)).flat()];
  const ticks = [];
  for (const exponent of values.filter((e) => e >= low && e <= high)) {
    const position = locate(exponent);
    if (!ticks.length || position - ticks[ticks.length - 1].position >= 1 / 10) ticks.push({ position, exponent });
  }
  return ticks;
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
