// What gradient descent would do from the point, without an activation: computed here, before it is trained.
import { count, formatCost } from "../lib/format.js";
import { evaluate } from "./network.js";

const MAX_WORK = 5e5; // inputs; some ten milliseconds
const RISE = 1.001; // by more, a cost rises again
const ROUNDING = 1e-20; // of the first cost: lower ones are rounding errors
const PERTURBATION = 1e-13; // of a weight, like a rounding error: what it changes, the page cannot know

/**
 * Return a sign for a learning rate and what a run with it does, or null where that is not known in time.
 * @param {Store} store @param {number} rate @returns {{icon: string, sentence: string} | null}
 */
export function forecastDescent({ dataset, state, home }, rate) {
  const n_inputs = dataset ? dataset.inputs.length * dataset.inputs[0].length : Infinity;
  const n = Math.min(state.n_iterations, Math.floor(MAX_WORK / n_inputs));
  if (!dataset || !n || state.activation !== "identity" || state.clip) return null;
  const [run, other] = [0, PERTURBATION].map((shift) =>
    descend(dataset, { ...state, w_in: state.w_in * (1 + shift) }, home, rate, n),
  );
  const [icon, outcome] = describe(run, !run.costs[0] || (run.exit === other.exit && run.overflow === other.overflow));
  return { icon, sentence: `With this rate, training from here ${outcome}.` };
}

/** @param {ReturnType<typeof descend>} run @param {boolean} isCertain that it leaves the plot or stays */
function describe({ costs, exit, overflow }, isCertain) {
  if (!isCertain) return ["↯", "does not settle and may leave the plot"];
  const leaves = exit && !(overflow <= exit && overflow) ? [`leaves the plot at iteration ${exit}`] : [];
  const overflows = overflow ? [`overflows at iteration ${overflow}`] : [];
  if (exit || overflow) return ["↗", [...leaves, ...overflows].join(" and ")];
  const recent = costs.slice(Math.floor(0.75 * costs.length));
  const rises = recent.some((cost, k) => k && cost > RISE * recent[k - 1] && cost > ROUNDING * costs[0]);
  if (rises) return ["↯", "stays in the plot but does not settle"];
  return ["✓", `settles: the cost is ${formatCost(costs.at(-1))} after ${count(costs.length - 1, "iteration")}`];
}

/**
 * Return the costs of a descent and the iterations at which it left the plot for good and overflowed, or 0.
 * @param {Dataset} dataset
 * @param {State} state
 * @param {View} home the plot
 * @param {number} rate
 * @param {number} n_iterations
 */
function descend(dataset, state, [left, right, bottom, top], rate, n_iterations) {
  const costs = /** @type {number[]} */ ([]);
  let { w_in, w_rec } = state;
  let exit = 0;
  for (let k = 0; k <= n_iterations; k++) {
    const { cost, weight_gradient: gradient } = evaluate(dataset, { w_in, w_rec }, state.initial_state);
    costs.push(cost);
    exit = w_in >= left && w_in <= right && w_rec >= bottom && w_rec <= top ? 0 : exit || k;
    if (!Number.isFinite(gradient.w_in + gradient.w_rec)) {
      return { costs, exit, overflow: Number.isFinite(w_in + w_rec) ? k + 1 : k };
    }
    w_in -= rate * gradient.w_in;
    w_rec -= rate * gradient.w_rec;
  }
  return { costs, exit, overflow: 0 };
}
