// Bands of the logarithm of the cost that share a color. They adapt to the window, which uses all colors.
import { svg } from "../lib/dom.js";
import { formatPower } from "../lib/format.js";
import { VIRIDIS } from "../lib/viridis.js";

const N_BANDS = 40;
const MAX_EVEN_DECADES = 24; // beyond them, the bands grow with the cost, so that the lowest ones still differ
const MAX_DEPTH = 16; // decades: a few costs that are lower still are rounding errors
const N_CONTOURS = 3;
const STEPS = [1, 2, 2.5, 5, 10];

/** Choose bands for a sample of log10(cost). @param {Float64Array} log10_costs @returns {Bands} */
export function chooseBands(log10_costs) {
  const sorted = log10_costs.filter(Number.isFinite).sort();
  const high = sorted.length ? sorted[sorted.length - 1] : 0;
  const quantile = (/** @type {number} */ share) => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
  const floor = Math.max(quantile(0.001), quantile(0.02) - MAX_DEPTH);
  if (high - floor > MAX_EVEN_DECADES) return makeGrowingBands(Math.floor(floor), Math.ceil(high));
  const raw = Math.max((high - floor) / N_BANDS, 1e-4);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = (STEPS.find((m) => m * power >= raw * (1 - 1e-9)) ?? 10) * power;
  const first = Math.floor(floor / step + 1e-9);
  const last = Math.max(Math.ceil(high / step - 1e-9), first + 2);
  const edges = range(last - first + 1, (k) => (first + k) * step);
  return { edges, contours: chooseContours(edges) };
}

/** Bands whose height grows with the cost. @param {number} low @param {number} high @returns {Bands} */
function makeGrowingBands(low, high) {
  const scale = Math.asinh(high - low);
  const edges = range(N_BANDS + 1, (k) => Math.round(low + Math.sinh((k / N_BANDS) * scale)));
  const distinct = edges.filter((edge, k) => k === 0 || edge > edges[k - 1]);
  return { edges: distinct, contours: chooseContours(distinct) };
}

/**
 * Return the indices of three inner edges, evenly spread, at whole powers of ten where there are enough.
 * @param {number[]} edges
 */
function chooseContours(edges) {
  const inner = range(edges.length - 2, (k) => k + 1);
  const whole = inner.filter((k) => Math.abs(edges[k] - Math.round(edges[k])) < 1e-9);
  const candidates = whole.length >= N_CONTOURS ? whole : inner;
  const picked = range(N_CONTOURS, (k) => candidates[Math.round(((k + 0.5) / N_CONTOURS) * (candidates.length - 1))]);
  return [...new Set(picked)];
}

/** Return the colors of n bands as [red, green, blue]. @param {number} n_bands @returns {number[][]} */
export function bandColors(n_bands) {
  return range(n_bands, (k) => {
    const index = Math.min(255, Math.floor((k / Math.max(1, n_bands - 1)) * 256));
    const hex = VIRIDIS.slice(6 * index, 6 * index + 6);
    return [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16));
  });
}

/** Return the scale of the color bar, with labels at round exponents. @param {Bands} bands @returns {ColorScale} */
export function costScale({ edges }) {
  const n_bands = edges.length - 1;
  const whole = range(n_bands + 1, (k) => k).filter((k) => Math.abs(edges[k] - Math.round(edges[k])) < 1e-9);
  const ticks = /** @type {ColorScale["ticks"]} */ ([]);
  for (const k of whole.length >= 3 ? whole : range(n_bands + 1, (at) => at)) {
    const position = k / n_bands;
    if (!ticks.length || position - ticks[ticks.length - 1].position >= 0.12) {
      ticks.push({ position, label: formatPower(edges[k]) });
    }
  }
  return { title: "cost", colors: bandColors(n_bands), ticks };
}

/** Draw a color bar. @param {ColorScale} scale @param {Rect} rect @returns {Element[]} */
export function drawColorBar({ colors, ticks, title }, rect) {
  const height = rect.height / colors.length;
  const right = rect.left + rect.width;
  const marks = colors.map(([red, green, blue], band) =>
    svg("rect", {
      x: rect.left,
      y: rect.top + rect.height - (band + 1) * height,
      width: rect.width,
      height: height + 0.5,
      fill: `rgb(${red} ${green} ${blue})`,
    }),
  );
  for (const { position, label } of ticks) {
    const y = rect.top + rect.height * (1 - position);
    marks.push(svg("line", { class: "tick", x1: right, x2: right + 4, y1: y, y2: y }));
    marks.push(svg("text", { x: right + 7, y: y + 4 }, label));
  }
  marks.push(svg("text", { class: "strong", x: right + 34, y: rect.top - 12, "text-anchor": "end" }, title));
  return marks;
}

/** @template V @param {number} n @param {(k: number) => V} make @returns {V[]} */
function range(n, make) {
  return Array.from({ length: Math.max(0, n) }, (_, k) => make(k));
}
