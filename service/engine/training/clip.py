"""Gradient clipping by norm or by value, also outside the float64 range."""

from dataclasses import dataclass
from math import log, sqrt
from typing import Final, Literal

import numpy as np

from service.engine.arithmetic import ExtendedArray
from service.engine.training.optimizers import FloatOrArray

# PyTorch's clip_grad_norm_ adds this to the norm, so that it never divides by 0.
NORM_EPSILON: Final = 1e-6
# Optimizers and norms square the gradient; a larger one might overflow.
LARGEST_SQUARABLE: Final = 1e150


@dataclass(frozen=True)
class Clip:
    """A bound on the gradient, as in PyTorch's ``clip_grad_norm_`` and ``clip_grad_value_``.

    Attributes
    ----------
    by
        "norm" scales the gradient so that its Euclidean norm is at most the threshold, "value"
        limits the magnitude of each component to it.
    threshold
        Positive.

    References
    ----------
    R. Pascanu, T. Mikolov and Y. Bengio, On the difficulty of training recurrent neural networks,
    ICML 2013, algorithm 1, for clipping by norm.
    PyTorch documentation, torch.nn.utils.clip_grad_norm_ and clip_grad_value_.
    """

    by: Literal["norm", "value"]
    threshold: float


def clip_gradient(g_in: float, g_rec: float, clip: Clip) -> tuple[float, float]:
    """Return both components of a gradient, clipped.

    Parameters
    ----------
    g_in, g_rec
        Derivatives of the cost with respect to w_in and w_rec. For clipping by norm their
        squares must not overflow.
    clip
        The bound.
    """
    bound = clip.threshold
    if clip.by == "value":
        return min(max(g_in, -bound), bound), min(max(g_rec, -bound), bound)
    factor = min(1.0, bound / (sqrt(g_in * g_in + g_rec * g_rec) + NORM_EPSILON))
    return g_in * factor, g_rec * factor


def clip_extended_gradient(
    extended: tuple[ExtendedArray, ExtendedArray], threshold: float
) -> tuple[FloatOrArray, FloatOrArray]:
    """Return both components of gradients outside the float64 range, clipped by norm elementwise.

    Parameters
    ----------
    extended
        Derivatives with respect to w_in and w_rec. ``NORM_EPSILON`` must be negligible beside
        their norm.
    threshold
        Largest norm.
    """
    log_in, log_rec = (each.log() for each in extended)
    largest = np.maximum(log_in, log_rec)
    ratio = np.exp(2.0 * (log_in - largest)) + np.exp(2.0 * (log_rec - largest))
    log_factor = np.minimum(0.0, log(threshold) - largest - 0.5 * np.log(ratio))
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        g_in, g_rec = (g.sign() * np.exp(g.log() + log_factor) for g in extended)
    return g_in, g_rec


def usable_gradient(
    extended: tuple[ExtendedArray, ExtendedArray], clip: Clip | None, *, uses_magnitude: bool
) -> tuple[float, float]:
    """Return as much of a gradient outside the float64 range as the optimizer uses.

    Optimizers without magnitudes get the signs. Others get the clipped gradient; components that
    overflow even then are infinite.
    """
    by_w_in, by_w_rec = extended
    if not uses_magnitude:
        return float(by_w_in.sign()), float(by_w_rec.sign())
    g_in, g_rec = float(by_w_in.value()), float(by_w_rec.value())
    if clip is None:
        return g_in, g_rec
    if clip.by == "norm" and max(abs(g_in), abs(g_rec)) >= LARGEST_SQUARABLE:
        g_in, g_rec = clip_extended_gradient(extended, clip.threshold)
        return float(g_in), float(g_rec)
    return clip_gradient(g_in, g_rec, clip)
