// The registry of optimizers, as the service describes it.
import { getJson } from "./api.js";
import { readWithin } from "./limits.js";
import { DEFAULTS } from "./state.js";

/**
 * Return the optimizer and the parameters of an address if they are known, otherwise the defaults.
 * @param {Optimizer[]} optimizers @param {State} state
 * @returns {{change: Pick<State, "optimizer" | "parameters" | "clip">, ignored: Ignored[]}}
 */
export function checkOptimizer(optimizers, { optimizer: name, parameters, clip }) {
  const optimizer = optimizers.find((each) => each.name === name);
  if (!optimizer) {
    const ignored = [
      { pointer: "optimizer", detail: `must be one of ${optimizers.map((each) => each.name).join(", ")}` },
    ];
    return { change: { optimizer: DEFAULTS.optimizer, parameters: {}, clip: "" }, ignored };
  }
  const entries = Object.entries(parameters);
  const valid = entries.filter(([key, value]) =>
    optimizer.parameters.some((each) => each.name === key && isAllowed(each, value)),
  );
  const ignored = entries
    .filter((entry) => !valid.includes(entry))
    .map(([key]) => ({
      pointer: `optimizer.${key}`,
      detail: `not a parameter of ${optimizer.title}, or outside its limits`,
    }));
  if (clip && !optimizer.accepts_clip) {
    ignored.push({ pointer: "clip", detail: `${optimizer.title} does not use the size of the gradient` });
  }
  return {
    change: { optimizer: name, parameters: Object.fromEntries(valid), clip: optimizer.accepts_clip ? clip : "" },
    ignored,
  };
}

/** @param {Parameter} parameter @param {number | boolean} value */
const isAllowed = (parameter, value) =>
  typeof value === parameter.type &&
  (typeof value === "boolean" || readWithin(parameter).read(String(value)) !== undefined);

/** @returns {Promise<Optimizer[]>} */
export async function fetchOptimizers() {
  return (await getJson("v1/optimizers")).items;
}
