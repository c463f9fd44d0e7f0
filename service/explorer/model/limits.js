// The numbers that the page accepts: those of the service, or fewer where it draws them.

const WEIGHT = { low: -1e100, high: 1e100 };

/** @type {Record<string, Limits>} */
export const LIMITS = {
  w_in: WEIGHT,
  w_rec: WEIGHT,
  initial_state: WEIGHT,
  n_samples: { low: 1, high: 2000, integer: true },
  n_steps: { low: 1, high: 200, integer: true },
  seed: { low: 0, high: 4294967295, integer: true },
  noise: { low: 0, high: 1e6 },
  n_iterations: { low: 0, high: 1_000_000, integer: true },
  target_cost: { low: 0, high: 1e300 },
  sequence: { low: 1, high: 1_000_000, integer: true },
  threshold: { low: 0, high: 1e150, positive: true },
  iteration: { low: 0, high: 1_000_000, integer: true },
  show: { low: 0, high: 8, integer: true },
  lesson: { low: 0, high: 6, integer: true },
  speed: { low: 1, high: 1000, integer: true },
};

/** @param {number} value @param {Limits} limits */
export function isWithin(value, { low, high, integer, positive }) {
  return value >= low && value <= high && !(positive && value <= 0) && (!integer || Number.isInteger(value));
}

/** Describe the values within limits, to complete "must be". @param {Limits} limits */
export function describeLimits({ low, high, integer, positive }) {
  const kind = integer ? "an integer" : "a number";
  const format = (/** @type {number} */ value) => (Math.abs(value) < 1e12 ? value.toLocaleString("en") : String(value));
  const above = positive ? `above ${format(low)}` : `from ${format(low)}`;
  return `${kind} ${above} to ${format(high)}`.replace(/-/g, "−").replace("above 0 to", "above 0, up to");
}
