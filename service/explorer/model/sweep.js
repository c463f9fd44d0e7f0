// A sweep: the same training with eight values of the optimizer's rate.
import { findRate } from "./optimizers.js";

const N_RATES = 8;
const BELOW = 1000; // the lowest rate is the default divided by this
const ABOVE = 10;

/** Return the states to train from, with equal ratios between their rates. @param {State} state @param {Optimizer} optimizer */
export function spreadRates(state, optimizer) {
  const { name, default: usual } = findRate(optimizer);
  const { [name]: _, ...others } = state.parameters;
  return Array.from({ length: N_RATES }, (_none, k) => {
    const rate = Number(((Number(usual) / BELOW) * (BELOW * ABOVE) ** (k / (N_RATES - 1))).toPrecision(2));
    return { ...state, parameters: rate === usual ? others : { ...others, [name]: rate } };
  });
}
