"""Curvatures of the cost, against differences of gradients in fifty digits."""

from typing import Any

import mpmath
import numpy as np
import pytest

from service.engine.data import count_ones, remember
from service.engine.network import ACTIVATIONS, Network, curvatures
from service.engine.types import Array
from tests.engine.conftest import exact_pass


def curvature_at(
    data: tuple[Array, Array], w_in: float, w_rec: float, network: Network
) -> tuple[float, float]:
    (pair,) = curvatures(*data, np.array([w_in]), np.array([w_rec]), network)
    return float(pair[0]), float(pair[1])


def exact_curvatures(
    data: tuple[Array, Array], point: tuple[float, float], network: Network
) -> list[Any]:
    """Return the eigenvalues, smallest first, from central differences of exact gradients."""
    rows = []
    with mpmath.workdps(50):
        h = mpmath.mpf(10) ** -16  # so that errors are of order 1e-32
        for shift in ((h, 0), (0, h)):
            ends = [
                exact_pass(
                    *data,
                    tuple(mpmath.mpf(w) + sign * d for w, d in zip(point, shift, strict=True)),
                    network.activation,
                    network.initial_state,
                )
                for sign in (1, -1)
            ]
            up, down = ([end.by_w_in, end.by_w_rec] for end in ends)
            rows.append([(a - b) / (2 * h) for a, b in zip(up, down, strict=True)])
        (uu, uw), (_, ww) = rows
        middle, radius = (uu + ww) / 2, mpmath.sqrt(((uu - ww) / 2) ** 2 + uw**2)
        return [middle - radius, middle + radius]


@pytest.mark.parametrize("initial_state", [0.0, 0.4])
@pytest.mark.parametrize("point", [(1.0, 1.0), (-1.5, 2.0), (0.3, -0.8), (0.7, 0.1)])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_curvatures_match_fifty_digits(
    name: str, point: tuple[float, float], initial_state: float
) -> None:
    data, network = count_ones(5, 9, seed=4, noise=0.2), Network(name, initial_state)
    found = curvature_at(data, *point, network)
    exact = exact_curvatures(data, point, network)
    size = max(abs(float(value)) for value in exact)
    np.testing.assert_allclose(found, np.array(exact, float), rtol=0.0, atol=1e-13 * size + 1e-15)


def test_one_direction_is_flat_along_a_curve_of_optima() -> None:
    smallest, largest = curvature_at(remember(), 1.0, 1.0, Network())
    # The cost is m (w_in w_rec^29 - 1)², whose Hessian is 2 m (1, 29)ᵀ (1, 29) at (1, 1).
    m = float(np.mean(remember()[1] ** 2))
    assert largest == pytest.approx(2.0 * m * (1 + 29**2), rel=1e-13)
    assert abs(smallest) < 1e-13 * largest


def test_overflow_is_not_a_number_and_affects_no_other_point() -> None:
    points = np.array([1.0, 1.0, 1e200]), np.array([50.0, 1.0, 0.5])
    found = curvatures(*count_ones(5, 1000), *points, Network())
    assert np.isnan(found[[0, 2]]).all()
    assert np.isfinite(found[1]).all()
