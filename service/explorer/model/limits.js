// The numbers that the page accepts, as the service describes parameters of optimizers.
import { formatNumber, parseNumber } from "../lib/format.js";

const WEIGHT = { minimum: -1e100, maximum: 1e100 };

/** @type {Record<string, Limits>} */
export const LIMITS = {
  w_in: WEIGHT,
  w_rec: WEIGHT,
  initial_state: WEIGHT,
  n_samples: { minimum: 1, maximum: 2000, integer: true },
  n_steps: { minimum: 1, maximum: 200, integer: true },
  seed: { minimum: 0, maximum: 4294967295, integer: true },
  noise: { minimum: 0, maximum: 1e6 },
  n_iterations: { minimum: 0, maximum: 1_000_000, integer: true },
  target_cost: { minimum: 0, maximum: 1e300 },
  sequence: { minimum: 1, maximum: 1_000_000, integer: true },
  threshold: { exclusive_minimum: 0, maximum: 1e150 },
  iteration: { minimum: 0, maximum: 1_000_000, integer: true },
  show: { minimum: 0, maximum: 8, integer: true },
  lesson: { minimum: 0, maximum: 6, integer: true },
  step_number: { minimum: 0, maximum: 30, integer: true },
  speed: { minimum: 1, maximum: 1000, integer: true },
};

/** Return how to read a number within limits. @param {Limits} limits @returns {Reader} */
export function readWithin(limits) {
  const { minimum, maximum, exclusive_minimum, exclusive_maximum, integer } = limits;
  const isWithin = (/** @type {number} */ value) =>
    value >= (minimum ?? -Infinity) &&
    value > (exclusive_minimum ?? -Infinity) &&
    value <= (maximum ?? Infinity) &&
    value < (exclusive_maximum ?? Infinity) &&
    (!integer || Number.isInteger(value));
  const ends = {
    from: minimum,
    above: exclusive_minimum,
    [typeof minimum === "number" ? "to" : "up to"]: maximum,
    "and below": exclusive_maximum,
  };
  const bounds = Object.entries(ends).flatMap(([word, end]) =>
    typeof end === "number" ? `${word} ${format(end)}` : [],
  );
  return {
    read: (text) => [parseNumber(text)].find(isWithin),
    expected: [integer ? "an integer" : "a number", ...bounds].join(" "),
  };
}

/** @param {number} value */
function format(value) {
  if (Math.abs(value) >= 1e12) return formatNumber(value, 2);
  return value.toLocaleString("en", { maximumFractionDigits: 9 }).replace("-", "−");
}
