// What must follow the hand: the network without an activation, its cost, its gradient, its trace.
// Everything else is asked of the service, and a test holds these numbers against its answers.
// @ts-check

/**
 * @typedef {{inputs: Float64Array[], targets: number[]}} Samples inputs are N rows of length T
 * @typedef {{w_in: number, w_rec: number}} Weights
 *
 * @typedef {object} Evaluation
 * @property {number} cost Infinity beyond float64
 * @property {Weights} weight_gradient
 * @property {number[]} gradient of the cost by S_0 … S_T, summed over the samples
 * @property {number[]} log10_magnitude of the same, -Infinity for a true zero
 * @property {number | null} growth_per_step
 * @property {string | null} regime
 *
 * @typedef {object} Row the cost along one w_rec: (square · w_in + linear) · w_in + constant
 * @property {number} square
 * @property {number} linear
 * @property {number} constant
 * @property {Row} [slope] the same of its derivative by w_rec
 */

const STEADY = 1e-9;

/**
 * States S_0 … S_T of one sequence.
 * @param {ArrayLike<number>} inputs @param {Weights} weights @param {number} initial_state
 */
export function states(inputs, { w_in, w_rec }, initial_state) {
  const found = new Float64Array(inputs.length + 1);
  found[0] = initial_state;
  for (let k = 0; k < inputs.length; k++) found[k + 1] = w_rec * found[k] + w_in * inputs[k];
  return found;
}

/**
 * Cost, gradient and trace at one point, from the residuals themselves: all digits near an optimum.
 * @param {Samples} samples @param {Weights} weights @param {number} initial_state
 * @returns {Evaluation}
 */
export function evaluate({ inputs, targets }, { w_in, w_rec }, initial_state) {
  const n_samples = inputs.length;
  const n_steps = inputs[0].length;
  let [cost, at_output, by_w_in, by_w_rec] = [0, 0, 0, 0];
  inputs.forEach((sequence, i) => {
    let [state, state_by_w_in, state_by_w_rec] = [initial_state, 0, 0];
    for (const input of sequence) {
      state_by_w_rec = state + w_rec * state_by_w_rec;
      state_by_w_in = input + w_rec * state_by_w_in;
      state = w_rec * state + w_in * input;
    }
    const residual = state - targets[i];
    const output_gradient = (2 * residual) / n_samples;
    cost += (residual * residual) / n_samples;
    at_output += output_gradient;
    by_w_in += output_gradient * state_by_w_in;
    by_w_rec += output_gradient * state_by_w_rec;
  });
  const gradient = [at_output];
  for (let m = 0; m < n_steps; m++) gradient.push(gradient[m] * w_rec);
  const [log_output, log_factor] = [Math.log10(Math.abs(at_output)), Math.log10(Math.abs(w_rec))];
  const log10_magnitude = gradient.map((_, m) => (m ? log_output + m * log_factor : log_output));
  return {
    cost,
    weight_gradient: { w_in: by_w_in, w_rec: by_w_rec },
    gradient: gradient.reverse(),
    log10_magnitude: log10_magnitude.reverse(),
    growth_per_step: Math.abs(w_rec),
    regime: regime(Math.abs(w_rec)),
  };
}

/** @param {number} growth */
function regime(growth) {
  if (Math.abs(growth - 1) <= STEADY) return "steady";
  return growth < 1 ? "vanishing" : "exploding";
}

/**
 * The cost as polynomials of w_rec, after one pass over the samples: colouring a million pixels
 * takes a few operations each.
 * @param {Samples} samples @param {number} initial_state
 * @returns {(w_rec: number) => Row & {slope: Row}}
 */
export function costRows({ inputs, targets }, initial_state) {
  const n_samples = inputs.length;
  const n_steps = inputs[0].length;
  const square = new Float64Array(2 * n_steps - 1);
  const linear = new Float64Array(n_steps);
  const mean = new Float64Array(n_steps);
  let [target_square, target_mean] = [0, 0];
  inputs.forEach((sequence, i) => {
    // by rising powers: the last input is multiplied by w_rec^0
    const powers = Float64Array.from(sequence, (x) => x / n_samples).reverse();
    const target = targets[i];
    target_square += (target * target) / n_samples;
    target_mean += target / n_samples;
    powers.forEach((x, j) => {
      if (x === 0) return;
      linear[j] += x * target;
      mean[j] += x;
      for (let k = 0; k < n_steps; k++) square[j + k] += x * powers[k] * n_samples;
    });
  });
  return (w_rec) => {
    const a = horner(square, w_rec);
    const b = horner(linear, w_rec);
    const m = horner(mean, w_rec);
    // what is left of the initial state after all steps, and its derivative
    const rest = initial_state === 0 ? 0 : initial_state * w_rec ** n_steps;
    const rest_slope = initial_state === 0 ? 0 : initial_state * n_steps * w_rec ** (n_steps - 1);
    return {
      square: a.value,
      linear: 2 * (rest * m.value - b.value),
      constant: target_square + rest * (rest - 2 * target_mean),
      slope: {
        square: a.slope,
        linear: 2 * (rest * m.slope + rest_slope * m.value - b.slope),
        constant: 2 * rest_slope * (rest - target_mean),
      },
    };
  };
}

/**
 * A polynomial and its derivative.
 * @param {Float64Array} coefficients by rising powers @param {number} x
 */
function horner(coefficients, x) {
  let [value, slope] = [0, 0];
  for (let k = coefficients.length - 1; k >= 0; k--) {
    slope = slope * x + value;
    value = value * x + coefficients[k];
  }
  return { value, slope };
}
