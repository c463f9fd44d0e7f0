"""Gradient clipping; PyTorch's results are compared in optimizers/test_pytorch."""

import numpy as np
import pytest

from service.engine.arithmetic.extended_float import ExtendedArray
from service.engine.training.clip import Clip, clip_gradient, usable_gradient


def test_clip_by_norm_scales_as_pytorch_does() -> None:
    clipped = clip_gradient(3.0, -4.0, Clip("norm", 1.0))
    np.testing.assert_allclose(clipped, np.array([3.0, -4.0]) / (5.0 + 1e-6), rtol=1e-14)


def test_small_gradients_are_not_changed() -> None:
    for clip in (Clip("norm", 5.1), Clip("value", 4.1)):
        assert clip_gradient(3.0, -4.0, clip) == (3.0, -4.0)
    assert clip_gradient(0.0, 0.0, Clip("norm", 1.0)) == (0.0, 0.0)


def test_clip_by_value_limits_each_component() -> None:
    assert clip_gradient(3.0, -2.0, Clip("value", 2.5)) == (2.5, -2.0)
    assert clip_gradient(-3.0, 3.0, Clip("value", 2.5)) == (-2.5, 2.5)


@pytest.mark.parametrize("exponent", [500.0, 1500.0, 1e6])
def test_clip_by_norm_outside_the_float64_range(exponent: float) -> None:
    by_w_in = ExtendedArray.from_floats(np.array([-1.0, 1.0]), exponent)
    by_w_rec = ExtendedArray.from_floats(np.array([2.0, 0.0]), exponent)
    clipped = usable_gradient((by_w_in, by_w_rec), Clip("norm", 3.0), uses_magnitude=True)
    np.testing.assert_allclose(clipped[0], [-3.0 / np.sqrt(5.0), 3.0], rtol=1e-9)
    np.testing.assert_allclose(clipped[1], [6.0 / np.sqrt(5.0), 0.0], rtol=1e-9)


def test_a_threshold_above_the_norm_keeps_the_gradient() -> None:
    gradient = ExtendedArray.from_floats(1e200), ExtendedArray.from_floats(-3e200)
    clipped = usable_gradient(gradient, Clip("norm", 1e201), uses_magnitude=True)
    np.testing.assert_allclose(clipped, [1e200, -3e200], rtol=1e-12)
