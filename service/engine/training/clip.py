"""Gradient clipping by norm or by value, also outside the float64 range."""

from dataclasses import dataclass
from math import sqrt
from typing import Any, Final, Literal

import numpy as np

from service.engine.arithmetic import ExtendedArray
from service.engine.training.optimizers import FloatOrArray

# PyTorch's clip_grad_norm_ adds this to the norm, so that it never divides by 0.
NORM_EPSILON: Final = 1e-6
# Optimizers and norms square the gradient; the square of a larger one may overflow.
LARGEST_SQUARABLE: Final = 1e150
SQUARABLE_EXPONENT: Final = 498.0

FOR_FLOATS: Final[tuple[Any, ...]] = (min, max, sqrt)
FOR_ARRAYS: Final[tuple[Any, ...]] = (np.minimum, np.maximum, np.sqrt)


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


def clip_gradient(
    g_in: FloatOrArray, g_rec: FloatOrArray, clip: Clip, unit: FloatOrArray = 1.0
) -> tuple[FloatOrArray, FloatOrArray]:
    """Return both components of a gradient, clipped.

    For clipping by norm, their squares must not overflow: ``unit`` is the number by which they were
    divided, and the results are not divided.
    """
    bound = clip.threshold
    minimum, maximum, root = FOR_FLOATS if isinstance(g_in, float) else FOR_ARRAYS
    if clip.by == "value":
        return minimum(maximum(g_in, -bound), bound), minimum(maximum(g_rec, -bound), bound)
    factor = minimum(unit, bound / (root(g_in * g_in + g_rec * g_rec) + NORM_EPSILON))
    return g_in * factor, g_rec * factor


def to_float64(
    extended: tuple[ExtendedArray, ExtendedArray], clip: Clip | None, *, uses_magnitude: bool
) -> tuple[FloatOrArray, FloatOrArray]:
    """Return the part of a gradient outside the float64 range that the optimizer uses.

    These are the signs, or the clipped gradient. A component that overflows even then is infinite.
    """
    by_w_in, by_w_rec = extended
    if not uses_magnitude:
        return by_w_in.sign(), by_w_rec.sign()
    if clip is None or clip.by == "value":
        g_in, g_rec = by_w_in.value(), by_w_rec.value()
        return clip_gradient(g_in, g_rec, clip) if clip else (g_in, g_rec)
    # NORM_EPSILON is negligible if the gradient is so large that it must be divided.
    scale = np.maximum(np.maximum(by_w_in.exponent, by_w_rec.exponent) - SQUARABLE_EXPONENT, 0.0)
    unit = ExtendedArray(1.0, scale).value()
    return clip_gradient(by_w_in.relative_to(scale), by_w_rec.relative_to(scale), clip, unit)
