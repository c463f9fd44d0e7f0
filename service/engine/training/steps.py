"""Parts of one iteration: the gradient that an optimizer uses, or a step that it tries."""

from math import sqrt
from typing import Any, Final

import numpy as np

from service.engine.arithmetic import ExtendedArray
from service.engine.objective import Objective
from service.engine.training.optimizer import FloatOrArray, LeastSquaresOptimizer, State
from service.engine.training.setup import Clip
from service.engine.types import Array

# PyTorch's clip_grad_norm_ adds this to the norm, so that it never divides by 0.
NORM_EPSILON: Final = 1e-6
# Optimizers and norms square the gradient; the square of a larger one may overflow.
LARGEST_SQUARABLE: Final = 1e150
SQUARABLE_EXPONENT: Final = 498.0

FOR_FLOATS: Final[tuple[Any, ...]] = (min, max, sqrt)
FOR_ARRAYS: Final[tuple[Any, ...]] = (np.minimum, np.maximum, np.sqrt)


def clip_gradient(
    g_in: FloatOrArray, g_rec: FloatOrArray, clip: Clip, unit: FloatOrArray = 1.0
) -> tuple[FloatOrArray, FloatOrArray]:
    """Return both components of a gradient, clipped.

    Parameters
    ----------
    g_in, g_rec
        The derivatives with respect to w_in and w_rec: floats, or arrays of one shape. For clipping
        by norm, their squares must not overflow.
    clip
        The bound.
    unit
        For clipping by norm, the number by which both were divided, elementwise.

    Returns
    -------
    g_in, g_rec
        Of the same type and shape, not divided.
    """
    bound = clip.threshold
    minimum, maximum, root = FOR_FLOATS if isinstance(g_in, float) else FOR_ARRAYS
    if clip.by == "value":
        return minimum(maximum(g_in, -bound), bound), minimum(maximum(g_rec, -bound), bound)
    factor = minimum(unit, bound / (root(g_in * g_in + g_rec * g_rec) + NORM_EPSILON))
    return g_in * factor, g_rec * factor


def to_float64(
    extended: tuple[ExtendedArray, ExtendedArray], clip: Clip | None, uses_magnitude: bool
) -> tuple[FloatOrArray, FloatOrArray]:
    """Return the part of a gradient outside the float64 range that the optimizer uses.

    Parameters
    ----------
    extended : (M,) and (M,)
        The derivatives with respect to w_in and w_rec.
    clip
        The bound, if there is one.
    uses_magnitude
        True if the optimizer uses more than signs.

    Returns
    -------
    by_w_in, by_w_rec : (M,)
        The signs, or the clipped gradient. A component that overflows even then is infinite.
    """
    by_w_in, by_w_rec = extended
    if not uses_magnitude:
        return by_w_in.sign(), by_w_rec.sign()
    if clip is None or clip.by == "value":
        g_in = by_w_in.value()
        g_rec = by_w_rec.value()
        return clip_gradient(g_in, g_rec, clip) if clip else (g_in, g_rec)
    # NORM_EPSILON is negligible if the gradient is so large that it must be divided.
    scale = np.maximum(np.maximum(by_w_in.exponent, by_w_rec.exponent) - SQUARABLE_EXPONENT, 0.0)
    unit = ExtendedArray(1.0, scale).value()
    return clip_gradient(by_w_in.relative_to(scale), by_w_rec.relative_to(scale), clip, unit)


def take_trial_step(
    objective: Objective, optimizer: LeastSquaresOptimizer, weights: Array, state: State
) -> tuple[Array, State]:
    """Try one step from each pair of weights.

    Parameters
    ----------
    objective, optimizer
        The objective to minimize, and the optimizer.
    weights : (2, M)
        Finite.
    state
        That of the optimizer, with arrays (2, M).

    Returns
    -------
    weights : (2, M)
        Changed where the step decreases the cost, and nan where the normal equations overflow.
    state
        That after the step.
    """
    equations = objective.normal_equations(*weights)
    with np.errstate(all="ignore"):
        trial = weights + optimizer.propose(equations, state)
    w_in, w_rec = np.stack([weights, trial], axis=1)
    old, new = costs = objective.costs(w_in, w_rec)
    old_log, new_log = objective.log10_costs(w_in, w_rec, costs)
    # Logarithms have fewer digits, so they decide only where both costs overflow.
    accepted = (new < old) | (np.isinf(new) & (new_log < old_log))
    following = np.where(accepted, trial, weights)
    overflowing = ~np.isfinite(equations).all(axis=(0, 1))
    following[:, overflowing] = np.nan
    return following, optimizer.update(accepted, state)
