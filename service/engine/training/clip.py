"""Gradient clipping by norm or by value."""

from dataclasses import dataclass
from math import log, sqrt
from typing import Literal

import numpy as np

from service.engine.arithmetic import ExtendedArray, ExtendedFloat
from service.engine.training.optimizers import Number


@dataclass(frozen=True)
class Clip:
    """A bound on the gradient: on its Euclidean norm, or on each component's magnitude.

    As PyTorch's ``clip_grad_norm_`` and ``clip_grad_value_`` do it; ``threshold`` is positive.
    """

    by: Literal["norm", "value"]
    threshold: float


def clip_gradient(g_in: float, g_rec: float, clip: Clip) -> tuple[float, float]:
    """Return both components of a gradient, clipped."""
    bound = clip.threshold
    if clip.by == "value":
        return min(max(g_in, -bound), bound), min(max(g_rec, -bound), bound)
    # PyTorch's clip_grad_norm_ adds the same 1e-6.
    factor = min(1.0, bound / (sqrt(g_in * g_in + g_rec * g_rec) + 1e-6))
    return g_in * factor, g_rec * factor


def clip_by_norm(
    extended: tuple[ExtendedArray, ExtendedArray] | tuple[ExtendedFloat, ExtendedFloat],
    threshold: float,
) -> tuple[Number, Number]:
    """Clip gradients by their norm, elementwise, where that is far above 1e-6."""
    log_in, log_rec = (each.log() for each in extended)
    largest = np.maximum(log_in, log_rec)
    ratio = np.exp(2.0 * (log_in - largest)) + np.exp(2.0 * (log_rec - largest))
    log_factor = np.minimum(0.0, log(threshold) - largest - 0.5 * np.log(ratio))
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        g_in, g_rec = (g.sign() * np.exp(g.log() + log_factor) for g in extended)
    return g_in, g_rec
