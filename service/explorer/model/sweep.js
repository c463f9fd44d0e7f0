// A sweep: the same training with several learning rates.
import { findRate } from "./optimizers.js";

export const N_RATES = 8;

/** Return up to eight rates with equal ratios, rounded to two digits. @param {number} low above 0 @param {number} high */
export function spaceRates(low, high) {
  const ratio = (high / low) ** (1 / (N_RATES - 1));
  const rates = Array.from({ length: N_RATES }, (_, k) => Number((low * ratio ** k).toPrecision(2)));
  return [...new Set(rates)];
}

/** Return the states to train from, one per rate. @param {State} state @param {Optimizer} optimizer @param {number[]} rates */
export function spreadRates(state, optimizer, rates) {
  const { name, default: usual } = findRate(optimizer);
  const { [name]: _, ...others } = state.parameters;
  return rates.map((rate) => ({ ...state, parameters: rate === usual ? others : { ...others, [name]: rate } }));
}
