"""One iteration of an optimizer that keeps a step only if it decreases the cost."""

import numpy as np
from numpy.typing import NDArray

from service.engine.objective import Objective
from service.engine.training.optimizers import LeastSquaresOptimizer, State
from service.engine.types import Array


def take_trial_step(
    objective: Objective, optimizer: LeastSquaresOptimizer, weights: Array, state: State
) -> tuple[Array, State]:
    """Try one step from each pair of weights.

    Parameters
    ----------
    objective, optimizer
        What is minimized, and how.
    weights : (2, M)
        Finite.
    state
        That of the optimizer, with arrays (2, M).

    Returns
    -------
    weights : (2, M)
        They change where the step decreases the cost, and are nan where the normal equations
        overflow.
    state
        That after the step.
    """
    equations = objective.normal_equations(*weights)
    with np.errstate(all="ignore"):
        trial = weights + optimizer.propose(equations, state)
    accepted = np.zeros(weights.shape[1], np.bool_)
    moved = np.flatnonzero((trial != weights).any(axis=0))
    if moved.size:
        accepted[moved] = _decreases(objective, weights[:, moved], trial[:, moved])
    following = np.where(accepted, trial, weights)
    overflowing = ~np.isfinite(equations).all(axis=(0, 1))
    following[:, overflowing] = np.nan
    return following, optimizer.update(accepted, state)


def _decreases(objective: Objective, before: Array, after: Array) -> NDArray[np.bool_]:
    """Return for pairs of weights (2, M) whether the second cost is lower."""
    w_in, w_rec = np.stack([before, after], axis=1)
    old, new = costs = objective.costs(w_in, w_rec)
    old_log, new_log = objective.log10_costs(w_in, w_rec, costs)
    # Logarithms have fewer digits, so they decide only where both costs overflow.
    lower: NDArray[np.bool_] = (new < old) | (np.isinf(new) & (new_log < old_log))
    return lower
