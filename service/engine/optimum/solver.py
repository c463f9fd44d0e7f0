"""The exact global minimum of the cost for the identity activation, by variable projection.

For each w_rec, the best w_in solves a linear problem. The remaining cost is a rational function of
w_rec (``side``), whose lowest point, which may be at infinity, is found in stages:

1. data that need no search (``solver``),
2. candidates on a grid that adapts itself (``candidates``),
3. Newton's method (``refinement``),
4. selection among the minima found (``selection``).
"""

import numpy as np

from service.engine.arithmetic import tolerances
from service.engine.data import Factor
from service.engine.optimum.candidates import find_candidates
from service.engine.optimum.refinement import snap_to_six_digits
from service.engine.optimum.selection import Optimum, optimum_near, select_optimum
from service.engine.optimum.side import center_inputs, has_equal_sequences
from service.engine.types import Array, Weights


@np.errstate(all="ignore")  # candidates that overflow are excluded by their costs
def find_optimum(factor: Factor, initial_state: float) -> Optimum:
    """Return the global minimum of the cost over both weights.

    Parameters
    ----------
    factor
        Of N sequences of T steps.
    initial_state
        s0, the same for all sequences.

    Returns
    -------
    Optimum
        Its cost is that of its float weights, as accurate as ``tolerances.COST_RTOL`` and
        ``tolerances.COST_ATOL`` say. It exceeds the global minimum only by the rounding of the
        weights, unless magnitudes differ so much that squares of some numbers underflow beside
        others.

    References
    ----------
    G. H. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least
    squares problems whose variables separate", SIAM J. Numer. Anal. 10 (1973), 413-432.
    """
    if not factor.inputs.any():
        return _without_inputs(factor, initial_state)
    if not factor.targets.any():
        return _without_targets(factor, initial_state)
    if factor.n_steps == 1 and initial_state != 0.0 and not has_equal_sequences(factor):
        return _with_one_step(factor, initial_state)
    fits, is_flat = find_candidates(factor, initial_state)
    optimum = select_optimum(fits, is_flat=is_flat)
    target_square = float(factor.targets @ factor.targets) / factor.n_samples
    if optimum.cost <= (1.0 + tolerances.EQUAL_COST_RTOL) * target_square:
        return optimum
    # The magnitudes differ so much that float64 finds no cost below that of outputs of 0.
    return Optimum.at(Weights(0.0, 0.0), target_square, unique=False)


def _without_inputs(factor: Factor, initial_state: float) -> Optimum:
    """Minimize the mean of (s0 w^T - t)², where all inputs are 0."""
    n_steps, s0 = factor.n_steps, initial_state
    ratio = _mean(factor, factor.targets) / s0 if s0 != 0.0 else 1.0
    is_reached = ratio >= 0.0 or n_steps % 2 == 1
    w_rec = float(np.sign(ratio)) * abs(ratio) ** (1.0 / n_steps) if is_reached else 0.0
    return optimum_near(factor, s0, Weights(0.0, w_rec), unique=False)


def _without_targets(factor: Factor, initial_state: float) -> Optimum:
    """Return the optimum where all targets are 0: the cost 0, with w_in = 0.

    With an initial state and w_rec = w other than 0, all outputs are 0 only if the inputs cancel
    the state, s0 w^T for each sequence. They can if, without a state, they fit targets of 1.
    """
    if initial_state == 0.0:
        return Optimum.at(Weights(0.0, 1.0), 0.0, unique=False)
    rows = np.column_stack([factor.rows[:, :-1], factor.ones])
    fit = find_optimum(Factor(rows, factor.n_samples), 0.0)
    cancels = fit.attained and fit.cost <= tolerances.COST_ATOL
    only_at_0 = not cancels or (fit.unique and fit.weights.w_rec == 0.0)
    # At w_rec = 0 every w_in has the cost 0 unless a last input differs from 0.
    is_unique = only_at_0 and bool(factor.inputs[:, 0].any())
    return Optimum.at(Weights(0.0, 0.0), 0.0, unique=is_unique)


def _with_one_step(factor: Factor, initial_state: float) -> Optimum:
    """Fit both weights of outputs w_in x + s0 w_rec by a straight line."""
    x = center_inputs(factor)[:, 0]
    x_mean, t_mean = _mean(factor, factor.inputs[:, 0]), _mean(factor, factor.targets)
    t = factor.targets - t_mean * factor.ones
    w_in = snap_to_six_digits(float(x @ t / (x @ x)))
    w_rec = snap_to_six_digits((t_mean - w_in * x_mean) / initial_state)
    return optimum_near(factor, initial_state, Weights(w_in, w_rec))


def _mean(factor: Factor, rows: Array) -> float:
    """Return the mean over the sequences of rows (m,)."""
    return float(factor.ones @ rows) / factor.n_samples
