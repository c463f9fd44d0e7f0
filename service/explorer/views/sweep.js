// The learning rates of a sweep, and the button that trains with each of them.
import { byId, setAttributes } from "../lib/dom.js";
import { parseNumber } from "../lib/format.js";
import { findRate, makeReader, nameParameter } from "../model/optimizers.js";
import { spaceRates, spreadRates } from "../model/sweep.js";
import { reportField } from "./fields.js";

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
    const { read, expected } = makeReader(findRate(current()));
    const isValid = [low, high].map((field) => {
      const value = read(field.value);
      const isBelow = field === high && value < parseNumber(low.value);
      const text = value === undefined ? `Must be ${expected}.` : isBelow ? "Must not be below the first value." : "";
      reportField(field, text);
      setAttributes(field, { "aria-invalid": text ? "true" : null });
      return !text;
    });
    byId("sweep").disabled = isValid.includes(false);
    return !byId("sweep").disabled;
  }

  function sweep() {
    if (check()) train(spreadRates(store.state, current(), spaceRates(parseNumber(low.value), parseNumber(high.value))));
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
