"""The exact global minimum of the cost for the identity activation, by variable projection.

For each w_rec, the best w_in solves a linear problem. The remaining cost is a rational function of
w_rec (``variable_projection``), whose lowest point, which may be at infinity, is found in stages:

1. data that need no search (``solver``),
2. candidates from the polynomials alone (``candidates``),
3. Newton's method on the data (``refinement``),
4. selection among the minima found (``selection``), as float weights (``result``).
"""

import numpy as np

from service.engine.data import Moments
from service.engine.optimum.candidates import find_minima
from service.engine.optimum.refinement import FitProblem, round_if_close
from service.engine.optimum.result import Optimum
from service.engine.optimum.selection import select_optimum
from service.engine.optimum.tolerances import COST_ATOL, COST_RTOL
from service.engine.types import Array, Weights


@np.errstate(all="ignore")  # candidates that overflow are excluded by their costs
def find_optimum(
    inputs: Array, targets: Array, initial_state: float = 0.0, moments: Moments | None = None
) -> Optimum:
    """Return the global minimum of the cost over both weights.

    Parameters
    ----------
    inputs : (N, T)
        Magnitudes of all numbers are 0 or between 1e-100 and 1e100, as in
        ``Moments.from_arrays``.
    targets : (N,)
    initial_state
        s0, the same for all sequences.
    moments
        Those of the same data, if they are known already.

    Returns
    -------
    Optimum
        Its cost is that of its float weights, with an error of at most 1e-6 of the cost or 1e-24 of
        the mean squared target. It exceeds the global minimum only by the rounding of the weights,
        unless magnitudes differ so much that squares of some numbers underflow beside others.

    References
    ----------
    G. H. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least
    squares problems whose variables separate", SIAM J. Numer. Anal. 10 (1973), 413-432.
    """
    moments = moments or Moments.from_arrays(inputs, targets)
    # The first and the last coefficient that is not 0 are sums of squares of one column each.
    used = np.flatnonzero(moments.input_square_sum)
    if not used.size:
        return _without_inputs(inputs, targets, initial_state)
    first, last = int(used[0]) // 2, int(used[-1] + 1) // 2
    if not targets.any():
        return _without_targets(inputs, initial_state, first)
    problem = FitProblem(inputs, targets, initial_state, first, last)
    if inputs.shape[1] == 1 and initial_state != 0.0 and np.ptp(inputs) > 0.0:
        return _with_one_step(problem)
    found = select_optimum(problem, *find_minima(problem, moments))
    if found.cost <= (1.0 + COST_RTOL) * moments.target_square:
        return found
    # The magnitudes differ so much that float64 finds no cost below that of outputs of 0.
    return Optimum.at(Weights(0.0, 0.0), moments.target_square, unique=False)


def _without_inputs(inputs: Array, targets: Array, initial_state: float) -> Optimum:
    """Minimize the mean of (s0 w^T - t)², where all inputs are 0."""
    n_steps = inputs.shape[1]
    ratio = float(np.mean(targets)) / initial_state if initial_state != 0.0 else 1.0
    is_reached = ratio >= 0.0 or n_steps % 2 == 1
    w_rec = float(np.sign(ratio)) * abs(ratio) ** (1.0 / n_steps) if is_reached else 0.0
    problem = FitProblem(inputs, targets, initial_state, 0, 0)
    return Optimum.at(*problem.exact_cost(Weights(0.0, w_rec)), unique=False)


def _without_targets(inputs: Array, initial_state: float, first_power: int) -> Optimum:
    """Return the optimum where all targets are 0: the cost 0, with w_in = 0.

    With an initial state and w_rec = w other than 0, all outputs are 0 only if the inputs cancel
    the state, s0 w^T for each sequence. They can if, without a state, they fit targets of 1.
    """
    if initial_state == 0.0:
        return Optimum.at(Weights(0.0, 1.0), 0.0, unique=False)
    found = find_optimum(inputs, np.ones(len(inputs)))
    cancels = found.attained and found.cost <= COST_ATOL
    only_at_0 = not cancels or (found.unique and found.weights.w_rec == 0.0)
    # At w_rec = 0 every w_in has the cost 0 unless a last input differs from 0.
    return Optimum.at(Weights(0.0, 0.0), 0.0, unique=only_at_0 and first_power == 0)


def _with_one_step(problem: FitProblem) -> Optimum:
    """Fit both weights of outputs w_in x + s0 w_rec by a straight line."""
    x_mean, t_mean = np.mean(problem.inputs), np.mean(problem.targets)
    x = problem.inputs[:, 0] - x_mean
    w_in = round_if_close(float(x @ (problem.targets - t_mean) / (x @ x)))
    w_rec = round_if_close(float(t_mean - w_in * x_mean) / problem.initial_state)
    return Optimum.at(*problem.exact_cost(Weights(w_in, w_rec)))
