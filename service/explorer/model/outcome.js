// What came of a run, in words. Each sentence states numbers of the run and follows from them.
import { count, formatCost, formatNumber, formatPercent } from "../lib/format.js";

const STILL_FALLING = 0.1; // decades in the last quarter of a run
const RIPPLE = 0.15; // decades by which a falling cost may rise again
const UNSTEADY = 0.3; // decades between the lowest and the highest cost in the last quarter
const SLOW = 1e-4; // decades in the last quarter, by which a cost is said to fall
const LARGE = 10; // weights that saturate an activation
const BOUNDS = /** @type {Record<string, number>} */ ({ tanh: 1, sigmoid: 1 });

/**
 * What a run has learned, and what a network cannot do whose targets are out of reach, for each task.
 * @type {Record<string, string[]>}
 */
const TASKS = {
  count_ones: ["learned to count", "cannot count"],
  remember: ["learned to remember", "cannot remember"],
  stored: ["fits its sequences", "cannot reach its targets"],
};

/** Return the cost of a network that always answers 0. @param {Dataset | null} dataset */
const costOfZero = (dataset) =>
  dataset ? dataset.targets.reduce((sum, t) => sum + t * t, 0) / dataset.targets.length : NaN;

/**
 * Return the cost below which a run has succeeded: a little above the optimum, or nearly 0.
 * @param {number} optimum the lowest possible cost
 * @param {Dataset | null} [own] data of the user, whose targets have any size
 */
export function chooseMargin(optimum, own = null) {
  const usual = own ? costOfZero(own) / 10_000 : 0.01;
  return optimum < usual / 2 ? usual : Number((1.1 * optimum).toPrecision(2));
}

/**
 * Return what came of a run.
 * @param {Run} run @param {Store} store @returns {{key: string, icon: string, word: string, sentence: string}}
 */
export function describeEnd(run, store) {
  const { result } = run;
  const { final, initial, iterations, request } = result;
  const { activation } = request.network;
  const from = formatCost(initial.cost, initial.log10_cost);
  const to = formatCost(final.cost, final.log10_cost);
  const after = count(iterations, "iteration");
  const [, unable] = TASKS[request.dataset.kind] ?? TASKS.stored;
  const stop = result.outcome === "target_reached" ? formatCost(request.target_cost) : "";
  if (!iterations) {
    const why = stop && `, not above the cost to stop at, ${stop}`;
    const sentence = `There was no iteration: the cost at the start is ${to}${why}.`;
    return { key: "none", icon: "…", word: "no iteration", sentence };
  }
  const margin = chooseMargin(result.optimum?.cost ?? 0, request.dataset.kind === "stored" ? store.dataset : null);
  if (final.cost !== null && final.cost <= margin) {
    const optimum = result.optimum?.cost ?? 0;
    const lowest = optimum > margin / 2 ? `; the lowest possible is ${formatCost(optimum)}` : "";
    const sentence = `Little to gain: at the start the cost was ${from}, after ${after} it is ${to}${lowest}.`;
    if (initial.cost !== null && initial.cost <= margin) {
      return { key: "learned", icon: "✓", word: "little to gain", sentence };
    }
    return describeSuccess(run, `The cost fell from ${from} to ${to} in ${after}${lowest}.`);
  }
  if (stop) {
    const sentence = `It reached the cost to stop at, ${stop}: the cost went from ${from} to ${to} in ${after}.`;
    return { key: "reached", icon: "✓", word: "reached the cost to stop at", sentence };
  }
  const bound = BOUNDS[activation];
  const target = store.dataset?.targets.reduce((a, b) => Math.max(a, b), 0) ?? 0; // of any number of sequences
  if (bound !== undefined && target > bound) {
    const grows =
      Math.hypot(final.weights.w_in ?? Infinity, final.weights.w_rec ?? Infinity) > LARGE &&
      store.dataset?.targets.every((t) => t >= bound);
    const why = grows ? ` The nearer to ${bound} an output is, the lower its error, so the weights keep growing.` : "";
    const limit = `no output of ${activation} exceeds ${bound}, but the largest target is ${formatNumber(target)}`;
    const sentence = `It ${unable}: ${limit}. The cost is ${to}.${why}`;
    return { key: "bounded", icon: "⊘", word: `${unable} (${activation} is at most ${bound})`, sentence };
  }
  const exit = describeExit(run, store.home);
  if (result.outcome === "diverged") {
    const before = exit || "It started outside the plot.";
    const sentence = `${before} The weights overflowed at iteration ${iterations}, and training stopped.`;
    return { key: "diverged", icon: "↗", word: "diverged", sentence };
  }
  if (exit) {
    return { key: "left", icon: "↗", word: "left the plot", sentence: `${exit} The cost went from ${from} to ${to}.` };
  }
  const { w_in, w_rec } = final.weight_gradient;
  if (activation === "relu" && w_in === 0 && w_rec === 0) {
    const sentence = `A dead relu: no gradient passes back, or less than a float64 can represent. The cost is ${to}.`;
    return { key: "dead", icon: "∅", word: "dead relu", sentence };
  }
  return describeFailure(run, costOfZero(store.dataset), from, to, after);
}

/** @param {Run} run @param {string} fell */
function describeSuccess({ result: { final, request } }, fell) {
  const { dataset, network } = request;
  const [learned] = TASKS[dataset.kind] ?? TASKS.stored;
  const fits = { key: "fits", icon: "✓", word: "fits its sequences", sentence: `It fits its sequences. ${fell}` };
  const end = { ...fits, key: "learned", word: learned, sentence: `It ${learned}. ${fell}` };
  if (dataset.kind !== "count_ones") return end;
  if (network.activation !== "identity") return fits;
  const bits = `${dataset.n_steps}-bit sequence`;
  const { w_in, w_rec } = final.weights;
  if (isCounter({ w_in: w_in ?? NaN, w_rec: w_rec ?? NaN }, dataset.n_steps, network.initial_state)) {
    return { ...end, sentence: `${end.sentence} With these weights it counts every ${bits} correctly.` };
  }
  return { ...fits, word: "fits, but miscounts", sentence: `${fits.sentence} But it miscounts some ${bits}s.` };
}

/**
 * Return true if a network counts every sequence: the worst has only the ones that count too much, or only the others.
 * @param {Weights} weights
 * @param {number} n_steps
 * @param {number} initial_state
 */
function isCounter({ w_in, w_rec }, n_steps, initial_state) {
  const errors = Array.from({ length: n_steps }, (_, k) => w_in * w_rec ** k - 1);
  const start = initial_state * w_rec ** n_steps;
  return [1, -1].every((sign) => errors.reduce((sum, error) => sum + Math.max(0, sign * error), sign * start) < 0.5);
}

/**
 * @param {Run} run
 * @param {number} zero the cost of always answering 0
 * @param {string} from
 * @param {string} to
 * @param {string} after
 */
function describeFailure({ result, trajectory }, zero, from, to, after) {
  const logs = trajectory.log10_cost.map((log) => log ?? NaN);
  const start = result.iterations < 20 ? -1 : Math.floor(0.75 * (logs.length - 1));
  const recent = logs.slice(start); // the last quarter of many
  const [first, last] = [recent[0], recent[recent.length - 1]];
  const [low, high] = [Math.min(...recent), Math.max(...recent)];
  const recorded = result.request.record_every > 1 ? "recorded " : "";
  const fell =
    from === to ? `the cost is still ${to} after ${after}` : `the cost fell from ${from} to ${to} in ${after}`;
  const percent = formatPercent(1 - 10 ** (last - first));
  if (first - last > STILL_FALLING && last - low < RIPPLE) {
    const sentence = `Still improving: ${fell}, by ${percent} in the last quarter.`;
    return { key: "falling", icon: "…", word: "still improving", sentence };
  }
  if (high - low > UNSTEADY) {
    const range = `between ${formatCost(10 ** low)} and ${formatCost(10 ** high)}`;
    const sentence = `It does not settle: in the last quarter of ${after}, the ${recorded}cost was ${range}.`;
    return { key: "unsteady", icon: "↯", word: "does not settle", sentence };
  }
  if (last > logs[0]) {
    const sentence = `It got worse: the cost went from ${from} to ${to} in ${after}.`;
    return { key: "worse", icon: "↗", word: "got worse", sentence };
  }
  const { weight_gradient } = result.final;
  const cost = result.final.cost ?? Infinity;
  const slope = Math.hypot(weight_gradient.w_in ?? Infinity, weight_gradient.w_rec ?? Infinity);
  const isFlat = slope < 0.01 * cost; // no weight matters
  if (isFlat && cost > 0.3 * zero && cost < 1.5 * zero) {
    const other = `A network that always outputs 0 has ${formatNumber(zero)}.`;
    const sentence = `Stuck on the plateau: after ${after} the cost is ${to}. ${other}`;
    return { key: "stuck", icon: "▬", word: "stuck on the plateau", sentence };
  }
  const pace = first - last > SLOW ? `, by ${percent} in the last quarter` : "";
  const word = pace ? "falls slowly" : "did not converge";
  return { key: "slow", icon: "…", word, sentence: `It did not converge: ${fell}${pace}.` };
}

/** Return the iteration after which a run is outside the plot, in words, or "". @param {Run} run @param {View} view */
function describeExit({ trajectory: { w_in, w_rec, iteration } }, [left, right, bottom, top]) {
  const isInside = (/** @type {number} */ k) => {
    const [x, y] = [w_in[k] ?? NaN, w_rec[k] ?? NaN];
    return x >= left && x <= right && y >= bottom && y <= top;
  };
  let k = iteration.length;
  while (k > 0 && !isInside(k - 1)) k--;
  if (k === 0 || k === iteration.length) return "";
  if (iteration[k] > iteration[k - 1] + 1) return `It left the plot at iteration ${iteration[k]} or shortly before.`;
  const length = Math.hypot((w_in[k] ?? Infinity) - Number(w_in[k - 1]), (w_rec[k] ?? Infinity) - Number(w_rec[k - 1]));
  return `It left the plot: iteration ${iteration[k]} moved the weights by ${formatNumber(length, 3)}.`;
}
