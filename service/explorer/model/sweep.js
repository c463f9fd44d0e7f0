// Sweeps: runs that differ in one rate only, and what the rate changes.
import { formatCost, formatNumber } from "../lib/format.js";
import { RATES } from "./rates.js";

const N_RATES = 8;
const BELOW = 10_000; // the lowest rate is the one in use, divided by this
const ABOVE = 10;
const MIN_RUNS = 3; // from which on runs are described as a sweep
const EQUAL = 1.01; // the ratio up to which two costs are the same
const ROUNDING = 1e-12; // costs up to it are 0 but for rounding

/**
 * Return the states of a sweep: the same training with eight rates, with equal ratios between them.
 * @param {State} state
 * @param {Optimizer[]} optimizers
 */
export function spreadRates(state, optimizers) {
  const { parameters } = optimizers.find(({ name }) => name === state.optimizer) ?? optimizers[0];
  const { name, default: usual } = parameters.find((parameter) => RATES.includes(parameter.name)) ?? parameters[0];
  const { [name]: center = usual, ...others } = state.parameters;
  return Array.from({ length: N_RATES }, (_none, k) => {
    const rate = Number(((Number(center) / BELOW) * (BELOW * ABOVE) ** (k / (N_RATES - 1))).toPrecision(2));
    return { ...state, parameters: rate === usual ? others : { ...others, [name]: rate } };
  });
}

/** @typedef {{name: string, points: {rate: number, cost: number | null, index: number}[], best: number}} Sweep */

/**
 * Return the final costs of runs by their rate, with the lowest rate first, and the place of the best one; null unless
 * the runs differ in the rate only. A cost is null if the weights overflowed.
 * @param {Pick<Run, "result">[]} runs
 * @returns {Sweep | null}
 */
export function readSweep(runs) {
  const requests = runs.map(({ result }) => result.request);
  const name = RATES.find((each) => each in (requests[0]?.optimizer ?? {}));
  if (!name || runs.length < MIN_RUNS) return null;
  const rest = requests.map(({ optimizer, ...others }) => JSON.stringify([others, { ...optimizer, [name]: 0 }]));
  const rates = requests.map(({ optimizer }) => Number(/** @type {Record<string, unknown>} */ (optimizer)[name]));
  if (new Set(rest).size > 1 || new Set(rates).size < runs.length) return null;
  const points = runs
    .map(({ result: { final, outcome } }, index) => {
      const cost = outcome === "diverged" ? null : (final.cost ?? null);
      return { rate: rates[index], cost, index };
    })
    .sort((a, b) => a.rate - b.rate);
  const costs = points.map(({ cost }) => cost ?? Infinity);
  return { name: name.replace("_", " "), points, best: costs.indexOf(Math.min(...costs)) };
}

/** Describe a sweep in one or two sentences. @param {Sweep} sweep */
export function describeSweep({ name, points, best }) {
  const costs = points.map(({ cost }) => cost ?? Infinity);
  const list = (/** @type {Sweep["points"]} */ some) => some.map(({ rate }) => formatNumber(rate, 3)).join(", ");
  const diverged = points.filter(({ cost }) => cost === null);
  if (diverged.length === points.length) return `All ${points.length} runs diverged.`;
  const lowest = formatCost(costs[best]);
  const equal = points.filter((_, i) => costs[i] <= Math.max(EQUAL * costs[best], ROUNDING));
  const last = points.length - 1;
  const further = best === 0 ? " A smaller one may be better." : best === last ? " A larger one may be better." : "";
  const found =
    equal.length === points.length
      ? `All ${points.length} runs reached the same cost, ${lowest}.`
      : equal.length > 1
        ? `${equal.length} of ${points.length} runs reached the lowest cost, ${lowest}: ${name} ${list(equal)}.`
        : `The lowest final cost, ${lowest}, has the ${name} ${list(equal)}.${further}`;
  return `${found}${diverged.length ? ` Diverged: ${list(diverged)}.` : ""}`;
}
