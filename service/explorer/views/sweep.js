// The learning rates of a sweep, and the button that trains with each of them.
import { byId, setAttributes } from "../lib/dom.js";
import { findRate, isAllowed, nameParameter } from "../model/optimizers.js";
import { spaceRates, spreadRates } from "../model/sweep.js";
import { readNumber } from "./fields.js";

const BELOW = 1000; // the lowest rate is the usual one divided by this
const ABOVE = 10;

/** @param {Store} store @param {Optimizer[]} optimizers @param {(states: State[]) => void} train */
export function createSweep(store, optimizers, train) {
  const [low, high] = [byId("sweep-low"), byId("sweep-high")];
  const current = () => optimizers.find(({ name }) => name === store.state.optimizer) ?? optimizers[0];

  store.watch(["optimizer"], () => {
    const rate = findRate(current());
    byId("sweep-name").textContent = nameParameter(rate);
    low.value = formatShort(Number(rate.default) / BELOW);
    high.value = formatShort(Number(rate.default) * ABOVE);
    check();
  });

  /** Mark fields that are not valid, and return whether both are. */
  function check() {
    const [from, to] = [readNumber(low) ?? NaN, readNumber(high) ?? NaN];
    const rate = findRate(current());
    setAttributes(low, { "aria-invalid": isAllowed(rate, from) ? null : "true" });
    setAttributes(high, { "aria-invalid": isAllowed(rate, to) && !(to < from) ? null : "true" });
    byId("sweep").disabled = ![low, high].every((field) => !field.hasAttribute("aria-invalid"));
    return !byId("sweep").disabled;
  }

  function sweep() {
    if (check()) train(spreadRates(store.state, current(), spaceRates(low.valueAsNumber, high.valueAsNumber)));
  }

  for (const field of [low, high]) {
    field.addEventListener("input", check);
    field.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Enter") return;
      event.preventDefault(); // would train once
      sweep();
    });
  }
  byId("sweep").addEventListener("click", sweep);
}

/** Format a number for a narrow field. @param {number} value */
function formatShort(value) {
  return value < 1e-3 ? value.toExponential() : String(value);
}
