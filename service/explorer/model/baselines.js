// What simpler models make of the same sequences: the mean of the targets, and a linear regression.
import { formatNumber } from "../lib/format.js";

const MAX_WORK = 2e8; // products; about a second
const MIN_SHARE = 1e-10; // of a column that is not a combination of others

/** @type {WeakMap<Dataset, {mean: number, regression: number | null}>} */ const computed = new WeakMap();

/** Compare the network with simpler models. @param {Evaluation | null} evaluation @param {Dataset} dataset */
export function compareModels(evaluation, dataset) {
  const { mean, regression } = computed.get(dataset) ?? computeBaselines(dataset);
  computed.set(dataset, { mean, regression });
  if (evaluation && !(evaluation.cost <= mean)) return `: worse than always answering the mean (${formatNumber(mean, 3)})`;
  const explained = evaluation && mean > 0 ? `R² ${formatNumber(1 - evaluation.cost / mean, 3)}; ` : "";
  const linear = regression === null ? "" : `, of a linear regression ${formatNumber(regression, 3)}`;
  return ` ${explained}cost of the mean ${formatNumber(mean, 3)}${linear}`;
}

/**
 * Return the mean squared errors of the mean of the targets and of a linear regression with an intercept, by the
 * modified Gram-Schmidt process. The regression is null where it takes too long.
 * @param {Dataset} dataset
 */
export function computeBaselines({ inputs, targets }) {
  const n_steps = inputs[0].length;
  const dot = (/** @type {ArrayLike<number>} */ a, /** @type {ArrayLike<number>} */ b) => {
    let sum = 0;
    for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
    return sum;
  };
  const columns = [Float64Array.from(targets, () => 1)];
  const isFast = targets.length * n_steps ** 2 < MAX_WORK;
  for (let k = 0; isFast && k < n_steps; k++) columns.push(Float64Array.from(inputs, (row) => row[k]));
  const sizes = columns.map((column) => dot(column, column));
  const residual = Float64Array.from(targets);
  let mean = 0;
  columns.forEach((column, j) => {
    const size = dot(column, column);
    if (size > MIN_SHARE ** 2 * sizes[j]) {
      for (const other of [...columns.slice(j + 1), residual]) {
        const factor = dot(column, other) / size;
        for (let i = 0; i < other.length; i++) other[i] -= factor * column[i];
      }
    }
    if (!j) mean = dot(residual, residual) / targets.length;
  });
  return { mean, regression: isFast ? dot(residual, residual) / targets.length : null };
}
