// The registry of optimizers, as the service describes it.
import { getJson } from "./api.js";
import { readWithin } from "./limits.js";
import { DEFAULTS } from "./state.js";

const N_RATES = 8; // of a sweep
const BELOW = 10_000; // the lowest rate is the one in use, divided by this
const ABOVE = 10;

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

/** Parameters that decide how far the first step goes. */
export const RATES = ["learning_rate", "initial_step", "damping"];

/** @param {Parameter} parameter @param {number | boolean} value */
const isAllowed = (parameter, value) =>
  typeof value === parameter.type &&
  (typeof value === "boolean" || readWithin(parameter).read(String(value)) !== undefined);

/** @returns {Promise<Optimizer[]>} */
export async function fetchOptimizers() {
  return (await getJson("v1/optimizers")).items;
}

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
