"""The best input weight for each recurrent weight, compared with least squares."""

import mpmath
import numpy as np
import pytest

from service.engine.data.count_ones import count_ones
from service.engine.data.moments import Moments
from service.engine.optimum.variable_projection import best_w_in
from service.engine.types import Array


def least_squares(inputs: Array, targets: Array, w_rec: float, initial_state: float) -> float:
    """Return the best w_in from the last states by fifty digits: they are linear in it."""
    with mpmath.workdps(50):
        w = mpmath.mpf(w_rec)
        n_steps = inputs.shape[1]
        powers = [w**k for k in range(n_steps + 1)]
        features = [
            mpmath.fsum(mpmath.mpf(float(x)) * powers[n_steps - 1 - k] for k, x in enumerate(row))
            for row in inputs
        ]
        wanted = [mpmath.mpf(float(t)) - initial_state * powers[n_steps] for t in targets]
        ratio = mpmath.fdot(features, wanted) / mpmath.fdot(features, features)
        return float(ratio)


@pytest.mark.parametrize("initial_state", [0.0, 0.75])
@pytest.mark.parametrize("size", [(20, 10), (1, 1), (7, 3), (5, 400)])
def test_best_w_in_matches_least_squares(size: tuple[int, int], initial_state: float) -> None:
    inputs, targets = count_ones(*size, seed=3, noise=0.5)
    inputs = inputs + 0.25  # no sample is all zeros
    w_rec = np.array([-30.0, -1.5, -0.5, 0.0, 0.1, 0.9, 1.0, 1.1, 2.0, 50.0])
    found = best_w_in(Moments.from_arrays(inputs, targets), initial_state, w_rec)
    expected = [least_squares(inputs, targets, w, initial_state) for w in w_rec.tolist()]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-300)


def test_the_profile_of_the_tutorial_contains_the_optimum() -> None:
    moments = Moments.from_arrays(*count_ones())
    np.testing.assert_allclose(best_w_in(moments, 0.0, np.array([1.0])), [1.0], rtol=1e-14)


def test_inputs_that_are_all_zero_have_no_best_w_in() -> None:
    moments = Moments.from_arrays(np.zeros((3, 4)), np.ones(3))
    assert np.isnan(best_w_in(moments, 0.0, np.array([-1.0, 0.0, 2.0]))).all()
    # only the first input counts, which the weight 0 forgets
    moments = Moments.from_arrays(np.array([[1.0, 0.0]]), np.ones(1))
    found = best_w_in(moments, 0.0, np.array([0.0, 0.5]))
    assert np.isnan(found[0])
    assert found[1] == 2.0
