// What came of a run, in words: learned, stuck, on its way, unstable, out of the plot, or impossible from the
// start. Each sentence states numbers of the run and follows from them.
import { count, formatCost, formatNumber } from "../lib/format.js";

const FAR = 2; // times the whole view: a run beyond it has left the plot
const NEAR_ONE = 0.05; // how close to 1 a weight is said to be close
const STILL_FALLING = 0.1; // decades in the last quarter of a run
const UNSTEADY = 0.3; // decades between the lowest and the highest cost in the last quarter
const BOUNDS = /** @type {Record<string, number>} */ ({ tanh: 1, sigmoid: 1 });

/** What each task is to learn. @type {Record<string, string>} */
const LEARNED = { count_ones: "learned to count", remember: "learned to remember", stored: "fits as well as it can" };

/** What a network cannot do whose targets are out of reach. @type {Record<string, string>} */
const UNABLE = { count_ones: "cannot count", remember: "cannot remember", stored: "cannot reach its targets" };

/** Return the cost below which a run has succeeded. @param {number} optimum the lowest possible cost */
export function chooseMargin(optimum) {
  return optimum < 0.005 ? 0.01 : Number((1.1 * optimum).toPrecision(2));
}

/** Return the kind of a run's dataset. @param {Run} run @returns {string} */
const taskOf = ({ result: { request } }) => request.dataset.kind;

/**
 * Return what came of a run.
 * @param {Run} run @param {Store} store @returns {{key: string, icon: string, word: string, sentence: string}}
 */
export function describeEnd(run, store) {
  const { result } = run;
  const { final, initial } = result;
  const from = formatCost(initial.cost, initial.log10_cost);
  const to = formatCost(final.cost, final.log10_cost);
  const target = store.dataset ? Math.max(...store.dataset.targets) : 0;
  const bound = BOUNDS[result.request.network.activation];
  const margin = chooseMargin(result.optimum?.cost ?? 0);
  const after = count(result.iterations, "iteration");
  if (final.cost !== null && final.cost <= margin) {
    if (initial.cost === null || initial.cost > margin) return describeSuccess(run, from, to, after);
    const sentence = `It was there already: the cost was ${from} at the start and is ${to} after ${after}.`;
    return { key: "learned", icon: "✓", word: "was there already", sentence };
  }
  if (result.outcome === "target_reached") {
    const stop = formatCost(result.request.target_cost);
    const sentence = `It reached the cost to stop at, ${stop}: the cost went from ${from} to ${to} in ${after}.`;
    return { key: "reached", icon: "✓", word: "reached the cost to stop at", sentence };
  }
  if (bound !== undefined && target > bound) {
    const { activation } = result.request.network;
    const verb = UNABLE[taskOf(run)] ?? UNABLE.stored;
    const sentence = `It ${verb}: every state of ${activation} stays below ${bound}, and so does the output, but the targets go up to ${formatNumber(target)}. The cost is ${to}.`;
    return { key: "bounded", icon: "⊘", word: `${verb} (${activation} stays below ${bound})`, sentence };
  }
  const exit = findExit(run, store.home);
  if (exit) {
    const { at, length } = exit;
    const left = at ? `It left the plot: iteration ${at} moved the weights by ${formatNumber(length, 3)}.` : "It started outside the plot.";
    if (result.outcome === "diverged") {
      const sentence = `${left} Its numbers overflowed at iteration ${result.iterations}, and training stopped.`;
      return { key: "diverged", icon: "↗", word: "diverged", sentence };
    }
    return { key: "left", icon: "↗", word: "left the plot", sentence: `${left} The cost went from ${from} to ${to}.` };
  }
  const { w_in, w_rec } = final.weight_gradient;
  if (result.request.network.activation === "relu" && w_in === 0 && w_rec === 0) {
    const sentence = `A dead relu: every state is 0, so the gradient is exactly 0 and no step moves the weights. The cost is ${to}.`;
    return { key: "dead", icon: "∅", word: "dead relu", sentence };
  }
  return describeFailure(run, store, from, to, after);
}

/** @param {Run} run @param {string} from @param {string} to @param {string} after */
function describeSuccess(run, from, to, after) {
  const { result } = run;
  const word = LEARNED[taskOf(run)] ?? LEARNED.stored;
  const { w_in, w_rec } = result.final.weights;
  const isCounter = taskOf(run) === "count_ones" && [w_in, w_rec].every((w) => Math.abs(w - 1) < NEAR_ONE);
  const reason = isCounter ? " Both weights are close to 1, so the network adds each bit and forgets nothing." : "";
  const fell = `The cost fell from ${from} to ${to} in ${after}.`;
  return { key: "learned", icon: "✓", word, sentence: `It ${word}. ${fell}${reason}` };
}

/** @param {Run} run @param {Store} store @param {string} from @param {string} to @param {string} after */
function describeFailure({ result, trajectory }, { dataset }, from, to, after) {
  const logs = trajectory.log10_cost;
  const recent = logs.slice(Math.floor(0.75 * (logs.length - 1))).map((log) => log ?? NaN);
  const [first, last] = [recent[0], recent[recent.length - 1]];
  const [low, high] = [Math.min(...recent), Math.max(...recent)];
  const zero = dataset ? dataset.targets.reduce((sum, t) => sum + t * t, 0) / dataset.targets.length : NaN;
  if (!result.iterations) return { key: "slow", icon: "…", word: "no iteration", sentence: `Without an iteration, the cost stays ${to}.` };
  if (first - last > STILL_FALLING && last === low) {
    const sentence = `Not there yet: the cost fell from ${from} to ${to} in ${after}, and is still falling.`;
    return { key: "falling", icon: "…", word: "still falling", sentence };
  }
  if (high - low > UNSTEADY) {
    const sentence = `It does not settle: in the last quarter of ${after}, the cost was between ${formatCost(10 ** low)} and ${formatCost(10 ** high)}.`;
    return { key: "unsteady", icon: "↯", word: "does not settle", sentence };
  }
  const { cost } = result.final;
  if (cost !== null && cost > 0.3 * zero && cost < 1.5 * zero) {
    const sentence = `Stuck on the plateau: after ${after} the cost is ${to}. A network that always answers 0 has ${formatNumber(zero)}.`;
    return { key: "stuck", icon: "▬", word: "stuck on the plateau", sentence };
  }
  const percent = formatNumber(100 * (1 - 10 ** (last - first)), 2);
  const pace = last < first && last === low ? ` In the last quarter of them, it fell by ${percent}%.` : "";
  const sentence = `It did not arrive: the cost went from ${from} to ${to} in ${after}.${pace}`;
  return { key: "slow", icon: "…", word: pace ? "falls slowly" : "did not arrive", sentence };
}

/**
 * Return the iteration in which a run left the plot for good, and the length of that step, or null. A run that diverged
 * may have started outside, at iteration 0.
 * @param {Run} run @param {View} view @returns {{at: number, length: number} | null}
 */
function findExit({ result, trajectory }, [left, right, bottom, top]) {
  const { w_in, w_rec, iteration } = trajectory;
  const isFar = (/** @type {number} */ k) => {
    const [x, y] = [w_in[k], w_rec[k]];
    return x === null || y === null || Math.abs(x) > FAR * Math.max(-left, right) || Math.abs(y) > FAR * Math.max(-bottom, top);
  };
  const last = iteration.length - 1;
  if (result.outcome !== "diverged" && !isFar(last)) return null;
  let k = last;
  while (k > 0 && isFar(k - 1)) k--;
  if (k === 0 && result.outcome !== "diverged") return null;
  const length = Math.hypot(Number(w_in[k]) - Number(w_in[k - 1] ?? 0), Number(w_rec[k]) - Number(w_rec[k - 1] ?? 0));
  return { at: iteration[k], length: w_in[k] === null || w_rec[k] === null ? Infinity : length };
}
