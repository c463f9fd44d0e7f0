"""The search of a profile where minima hide between the points of its grid."""

import numpy as np
from numpy.polynomial import Polynomial

from service.engine.profile import Evaluation, make_grid, search
from service.engine.types import Array

LOW, HIGH = -1.5, 1.5
ACCURACY = 1e-13


def test_a_narrow_valley_between_two_points_of_the_grid_is_found() -> None:
    # Both neighbors on the grid have slopes that lead out of their gap.
    grid = make_grid(10, LOW, HIGH)
    low, high = grid[40:42]
    middle, h = 0.5 * (low + high), high - low
    valley = Polynomial.fromroots([middle - 0.2 * h, middle, middle + 0.2 * h]).integ()
    cost = (valley - valley(middle)) / h**4

    def evaluate(w: Array) -> Evaluation:
        return Evaluation(w, cost(w), cost.deriv()(w), np.full(len(w), ACCURACY))

    profile = search(evaluate, evaluate(grid), (LOW, HIGH))
    assert profile.is_complete
    expected = [middle - 0.2 * h, middle + 0.2 * h]
    assert np.abs(np.sort(profile.minima.w[:2]) - expected).max() < 1e-9


def test_a_search_that_ends_early_is_told() -> None:
    def evaluate(w: Array) -> Evaluation:
        return Evaluation(w, np.sin(1e5 * w), 1e5 * np.cos(1e5 * w), np.full(len(w), ACCURACY))

    grid = np.linspace(LOW, HIGH, 100)
    assert not search(evaluate, evaluate(grid), (LOW, HIGH)).is_complete


def test_points_without_digits_hide_no_minimum_beside_them() -> None:
    def evaluate(w: Array) -> Evaluation:
        """Return (w - 1/2)², unknown from 0.1 to 0.4."""
        cost = np.where((w > 0.1) & (w < 0.4), np.nan, (w - 0.5) ** 2)
        return Evaluation(w, cost, 2.0 * w - 1.0, np.full(len(w), ACCURACY))

    profile = search(evaluate, evaluate(make_grid(10, LOW, HIGH)), (LOW, HIGH))
    np.testing.assert_allclose(profile.minima.w, [0.5], rtol=1e-12)
    assert not np.isnan(profile.points.cost).any()
