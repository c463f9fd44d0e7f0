// The registry of optimizers, as the service describes it.
import { parseNumber } from "../lib/format.js";
import { getJson } from "./api.js";
import { DEFAULTS } from "./state.js";

/**
 * Return the optimizer and the parameters of an address if they are known, otherwise the defaults.
 * @param {Optimizer[]} optimizers @param {State} state
 * @returns {{change: Pick<State, "optimizer" | "parameters" | "clip">, ignored: Ignored[]}}
 */
export function checkOptimizer(optimizers, { optimizer: name, parameters, clip }) {
  const optimizer = optimizers.find((each) => each.name === name);
  if (!optimizer) {
    const ignored = [{ pointer: "optimizer", detail: `must be one of ${optimizers.map((each) => each.name).join(", ")}` }];
    return { change: { optimizer: DEFAULTS.optimizer, parameters: {}, clip: "" }, ignored };
  }
  const entries = Object.entries(parameters);
  const valid = entries.filter(([key, value]) => optimizer.parameters.some((each) => each.name === key && isAllowed(each, value)));
  const ignored = entries
    .filter((entry) => !valid.includes(entry))
    .map(([key]) => ({ pointer: `optimizer.${key}`, detail: `not a parameter of ${optimizer.title}, or outside its limits` }));
  if (clip && !optimizer.accepts_clip) {
    ignored.push({ pointer: "clip", detail: `${optimizer.title} does not use the size of the gradient` });
  }
  return { change: { optimizer: name, parameters: Object.fromEntries(valid), clip: optimizer.accepts_clip ? clip : "" }, ignored };
}

/** Parameters that decide how far the first step goes. */
export const RATES = ["learning_rate", "initial_step", "damping"];

/** @param {Optimizer} optimizer @returns {Parameter} */
export function findRate({ parameters }) {
  return parameters.find(({ name }) => RATES.includes(name)) ?? parameters[0];
}

/** Return the name of a parameter in words. @param {Parameter} parameter */
export function nameParameter({ name }) {
  const words = name.replace(/_/g, " ");
  return words[0].toUpperCase() + words.slice(1);
}

/** @param {Parameter} parameter @param {number | boolean} value */
export function isAllowed({ type, minimum, maximum, exclusive_minimum, exclusive_maximum }, value) {
  if (type === "boolean" || typeof value === "boolean") return type === typeof value;
  const low = value >= (minimum ?? -Infinity) && value > (exclusive_minimum ?? -Infinity);
  return low && value <= (maximum ?? Infinity) && value < (exclusive_maximum ?? Infinity);
}

/** Return how to read the value of a parameter. @param {Parameter} parameter @returns {Reader} */
export function makeReader(parameter) {
  const { minimum, maximum, exclusive_minimum, exclusive_maximum } = parameter;
  const limits = { from: minimum, above: exclusive_minimum, "up to": maximum, below: exclusive_maximum };
  const bounds = Object.entries(limits).flatMap(([word, limit]) => (limit === null || limit === undefined ? [] : [`${word} ${limit}`]));
  return {
    read: (text) => [parseNumber(text)].find((value) => isAllowed(parameter, value)),
    expected: `a number ${bounds.join(" and ")}`.trim(),
  };
}

/** @returns {Promise<Optimizer[]>} */
export async function fetchOptimizers() {
  return (await getJson("v1/optimizers")).items;
}
