// The registry of optimizers, as the service describes it.
import { getJson } from "./api.js";
import { isWithin } from "./limits.js";
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
const isAllowed = (parameter, value) => typeof value === parameter.type && (typeof value === "boolean" || isWithin(value, parameter));

/** @returns {Promise<Optimizer[]>} */
export async function fetchOptimizers() {
  return (await getJson("v1/optimizers")).items;
}
