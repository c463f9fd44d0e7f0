// The network without an activation: its states, cost, gradient and gradient trace.
// They must keep up with the pointer. The service computes all else, and a test compares the two.

/**
 * Return the states S_0 … S_T of one sequence.
 * @param {ArrayLike<number>} inputs @param {Weights} weights @param {number} initial_state
 */
export function computeStates(inputs, { w_in, w_rec }, initial_state) {
  const states = new Float64Array(inputs.length + 1);
  states[0] = initial_state;
  for (let k = 0; k < inputs.length; k++) states[k + 1] = w_rec * states[k] + w_in * inputs[k];
  return states;
}

/**
 * Return the cost, its gradient and largest curvature, and the gradient trace at one point. They are computed from the
 * residuals, which keeps all digits near an optimum.
 * @param {Dataset} dataset @param {Weights} weights @param {number} initial_state
 * @returns {Evaluation & Trace}
 */
export function evaluate({ inputs, targets }, { w_in, w_rec }, initial_state) {
  const n_samples = inputs.length;
  const n_steps = inputs[0].length;
  const outputs = /** @type {number[]} */ ([]);
  let [cost, total_output_gradient, by_w_in, by_w_rec, rounding] = [0, 0, 0, 0, 0];
  let [twice_by_w_in, by_both, twice_by_w_rec] = [0, 0, 0];
  inputs.forEach((sequence, i) => {
    let [state, state_by_w_in, state_by_w_rec, state_by_both, state_twice_by_w_rec] = [initial_state, 0, 0, 0, 0];
    for (const input of sequence) {
      state_twice_by_w_rec = 2 * state_by_w_rec + w_rec * state_twice_by_w_rec;
      state_by_both = state_by_w_in + w_rec * state_by_both;
      state_by_w_rec = state + w_rec * state_by_w_rec;
      state_by_w_in = input + w_rec * state_by_w_in;
      state = w_rec * state + w_in * input;
    }
    outputs.push(state);
    const residual = state - targets[i];
    const output_gradient = (2 * residual) / n_samples;
    cost += (residual * residual) / n_samples;
    total_output_gradient += output_gradient;
    by_w_in += output_gradient * state_by_w_in;
    by_w_rec += output_gradient * state_by_w_rec;
    twice_by_w_in += (2 / n_samples) * state_by_w_in ** 2;
    by_both += (2 / n_samples) * state_by_w_in * state_by_w_rec + output_gradient * state_by_both;
    twice_by_w_rec += (2 / n_samples) * state_by_w_rec ** 2 + output_gradient * state_twice_by_w_rec;
    const error = (Number.EPSILON * n_steps * 2 * (Math.abs(state) + Math.abs(targets[i]))) / n_samples;
    rounding += error * Math.hypot(state_by_w_in, state_by_w_rec);
  });
  const gradient = [total_output_gradient]; // from the last state to the first
  for (let m = 0; m < n_steps; m++) gradient.push(gradient[m] * w_rec);
  const is_zero = ![by_w_in, by_w_rec, ...gradient.slice(1)].some(Boolean);
  const log_output = Math.log10(Math.abs(total_output_gradient));
  const log_factor = Math.log10(Math.abs(w_rec));
  const log10_magnitude = gradient.map((_, m) => (m ? log_output + m * log_factor : log_output));
  return {
    cost,
    weight_gradient: { w_in: by_w_in, w_rec: by_w_rec },
    curvature: {
      largest: (twice_by_w_in + twice_by_w_rec) / 2 + Math.hypot((twice_by_w_in - twice_by_w_rec) / 2, by_both),
    },
    gradient: gradient.reverse(),
    log10_magnitude: log10_magnitude.reverse(),
    growth_per_step: Math.abs(w_rec),
    regime: is_zero ? "zero" : classifyGrowth(Math.abs(w_rec), n_steps),
    outputs,
    resolution: rounding,
  };
}

export const STEADY = [0.9, 1.1]; // the factors over the whole sequence that count as steady, as in the service

/** Return the regime over the whole sequence. @param {number} growth factor per step @param {number} n_steps */
function classifyGrowth(growth, n_steps) {
  const total = n_steps * Math.log(growth);
  if (total < Math.log(STEADY[0])) return "vanishing";
  return total <= Math.log(STEADY[1]) ? "steady" : "exploding";
}

/**
 * Return a function from w_rec to the cost as a parabola in w_in: (quadratic * w_in + linear) * w_in + constant. Its
 * coefficients are polynomials in w_rec, which take one pass over the dataset.
 * @param {Dataset} dataset @param {number} initial_state
 */
function makeCostParabolas({ inputs, targets }, initial_state) {
  const n_samples = inputs.length;
  const n_steps = inputs[0].length;
  const quadratic = new Float64Array(2 * n_steps - 1);
  const linear = new Float64Array(n_steps);
  const mean = new Float64Array(n_steps);
  let [target_square, target_mean] = [0, 0];
  inputs.forEach((sequence, i) => {
    // in rising powers of w_rec: the last input has the power 0
    const powers = Float64Array.from(sequence, (x) => x / n_samples).reverse();
    const target = targets[i];
    target_square += (target * target) / n_samples;
    target_mean += target / n_samples;
    powers.forEach((x, j) => {
      if (x === 0) return;
      linear[j] += x * target;
      mean[j] += x;
      for (let k = 0; k < n_steps; k++) quadratic[j + k] += x * powers[k] * n_samples;
    });
  });
  return (/** @type {number} */ w_rec) => {
    // the part of the output that comes from the initial state
    const carry = initial_state === 0 ? 0 : initial_state * w_rec ** n_steps;
    return {
      quadratic: evaluatePolynomial(quadratic, w_rec),
      linear: 2 * (carry * evaluatePolynomial(mean, w_rec) - evaluatePolynomial(linear, w_rec)),
      constant: target_square + carry * (carry - 2 * target_mean),
    };
  };
}

/**
 * Return the value of a polynomial (Horner's method).
 * @param {Float64Array} coefficients by rising powers
 * @param {number} x
 */
const evaluatePolynomial = (coefficients, x) =>
  coefficients.reduceRight((value, coefficient) => value * x + coefficient, 0);

/**
 * Return the exact cost of the network without an activation.
 * @param {Dataset} dataset @param {number} initial_state
 * @returns {CostSource}
 */
export function makeExactCosts(dataset, initial_state) {
  const parabolaAt = makeCostParabolas(dataset, initial_state);
  return {
    fill(w_rec, w_in, step, values) {
      const { quadratic, linear, constant } = parabolaAt(w_rec);
      for (let i = 0; i < values.length; i++) {
        const w = w_in + i * step;
        values[i] = (quadratic * w + linear) * w + constant;
      }
    },
    logarithmic: false,
    bestWIn(w_rec) {
      const { quadratic, linear } = parabolaAt(w_rec);
      return -linear / (2 * quadratic);
    },
  };
}
