"""The exact global minimum of the cost without an activation, found without iterating.

Whatever w_rec is, the best w_in solves a linear problem. What is left is the search for the lowest
point of a rational function of w_rec, infinity included (``variable_projection``). The stages are

1. units in which no square overflows, and data without a search (``solver``),
2. candidates from the polynomials alone (``candidates``),
3. Newton's method on the data (``refinement``),
4. the choice among the minima found (``selection``), as float weights (``result``).
"""

from dataclasses import replace
from math import frexp, inf, log10, nan

import numpy as np

from service.engine.data import Moments
from service.engine.optimum.candidates import find_minima
from service.engine.optimum.refinement import FitProblem, round_if_close
from service.engine.optimum.result import LARGEST_LOG10, Optimum
from service.engine.optimum.selection import select_optimum
from service.engine.optimum.tolerances import COST_ATOL, COST_RTOL
from service.engine.types import Array, Weights

SMALLEST_SQUARE, LARGEST_SQUARE = 1e-180, 1e180  # sums of squares in between need no other units


def find_optimum(
    inputs: Array,
    targets: Array,
    initial_state: float = 0.0,
    moments: Moments | None = None,
) -> Optimum:
    """Return the global minimum of the cost over both weights.

    Parameters
    ----------
    inputs : (N, T)
        Finite, like all other numbers.
    targets : (N,)
    initial_state
        s0, the same for all sequences.
    moments
        Those of the same data, if they are known already.

    Returns
    -------
    Optimum
        Its cost is that of its float weights: right to 1e-6 of itself, or to 1e-24 of the mean
        squared target. It exceeds the global minimum by no more than the rounding of the weights,
        unless numbers are so far apart that their squares underflow beside each other.

    References
    ----------
    G. H. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least
    squares problems whose variables separate", SIAM J. Numer. Anal. 10 (1973), 413-432.
    """
    # Candidates at the limits of float64 overflow here and there, and drop out by their costs.
    with np.errstate(all="ignore"):
        moments = moments or Moments.from_arrays(inputs, targets)
        sizes = float(np.max(np.abs(moments.input_square_sum))), moments.target_square_sum
        if all(SMALLEST_SQUARE < size < LARGEST_SQUARE for size in sizes):
            return _solve(inputs, targets, initial_state, moments)
        return _solve_in_units(inputs, targets, initial_state)


def _solve_in_units(inputs: Array, targets: Array, initial_state: float) -> Optimum:
    """Solve the problem with inputs and targets in units of powers of two near their sizes."""
    of_inputs, of_targets = (frexp(float(np.max(np.abs(each))))[1] for each in (inputs, targets))
    x, t = np.ldexp(inputs, -of_inputs), np.ldexp(targets, -of_targets)
    state = float(np.ldexp(initial_state, -of_targets))
    found = _solve(x, t, state, Moments.from_arrays(x, t))
    octaves = of_targets - of_inputs
    size = found.log10_abs_w_in + octaves * log10(2.0)
    cost, shift = float(np.ldexp(found.cost, 2 * of_targets)), 2 * of_targets * log10(2.0)
    fits = found.w_in_sign == 0 or abs(size) < LARGEST_LOG10
    w_in = float(np.ldexp(found.weights.w_in, octaves)) if fits else nan
    return replace(
        found,
        weights=Weights(w_in, found.weights.w_rec),
        cost=cost,
        log10_cost=log10(cost) if 0.0 < cost < inf else found.log10_cost + shift,
        log10_abs_w_in=size,
    )


def _solve(inputs: Array, targets: Array, initial_state: float, moments: Moments) -> Optimum:
    """Solve the problem without zero columns at either end, which only shift powers of w_rec."""
    n_steps = inputs.shape[1]
    first, last = _first_used(inputs.T), n_steps - 1 - _first_used(inputs.T[::-1])
    if first > last:
        return _without_inputs(targets, initial_state, n_steps)
    if last - first < n_steps - 1:
        inputs = inputs[:, first : last + 1]
        moments = Moments.from_arrays(inputs, targets)
    problem = FitProblem(inputs, targets, n_steps - 1 - last, n_steps, initial_state)
    if not targets.any():
        return _without_targets(problem)
    if n_steps == 1 and initial_state != 0.0 and np.ptp(inputs) > 0.0:
        return _with_one_step(problem)
    found = _search_and_select(problem, moments)
    if found.cost <= (1.0 + COST_RTOL) * moments.target_square:
        return found
    # Numbers so far apart that float64 shows nothing lower than the cost of no output at all.
    return Optimum.at(Weights(0.0, 0.0), moments.target_square, unique=False)


def _first_used(columns: Array) -> int:
    """Return the index of the first column with a nonzero number, or the number of columns."""
    # Nearly always one of the first numbers decides.
    used = (k for k, column in enumerate(columns) if column[:100].any() or column.any())
    return next(used, len(columns))


def _without_inputs(targets: Array, initial_state: float, n_steps: int) -> Optimum:
    """Minimize the mean of (s0 w^T - t)², where all inputs are 0."""
    ratio = float(np.mean(targets)) / initial_state if initial_state != 0.0 else 1.0
    is_reached = ratio >= 0.0 or n_steps % 2 == 1
    w_rec = float(np.sign(ratio)) * abs(ratio) ** (1.0 / n_steps) if is_reached else 0.0
    problem = FitProblem(np.zeros((len(targets), 1)), targets, n_steps - 1, n_steps, initial_state)
    return Optimum.at(*problem.exact_cost(Weights(0.0, w_rec)), unique=False)


def _without_targets(problem: FitProblem) -> Optimum:
    """Return a cost of 0, where all targets are 0: that of a network that forgets everything.

    Elsewhere the outputs can be 0 only if the inputs cancel the state, s0 w^T for each sequence: if
    they produce targets that are all 1 without a state.
    """
    if problem.initial_state == 0.0:
        return Optimum.at(Weights(0.0, 1.0), 0.0, unique=False)
    ones = replace(problem, targets=np.ones(len(problem.targets)), initial_state=0.0)
    found = _search_and_select(ones)
    cancels = found.attained and found.cost <= COST_ATOL
    only_at_0 = not cancels or (found.unique and found.weights.w_rec == 0.0)
    # At w_rec = 0 any w_in will do unless some last input counts.
    return Optimum.at(Weights(0.0, 0.0), 0.0, unique=only_at_0 and problem.first_power == 0)


def _with_one_step(problem: FitProblem) -> Optimum:
    """Fit both weights of outputs w_in x + s0 w_rec by a straight line."""
    x, mean, middle = problem.inputs[:, 0], np.mean(problem.targets), np.mean(problem.inputs)
    x = x - middle
    w_in = round_if_close(float(x @ (problem.targets - mean) / (x @ x)))
    w_rec = round_if_close(float(mean - w_in * middle) / problem.initial_state)
    return Optimum.at(*problem.exact_cost(Weights(w_in, w_rec)))


def _search_and_select(problem: FitProblem, moments: Moments | None = None) -> Optimum:
    return select_optimum(problem, *find_minima(problem, moments))
