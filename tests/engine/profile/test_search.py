"""Minima and level sets of polynomials, whose roots numpy knows."""

import numpy as np
import pytest
from numpy.polynomial import Polynomial

from service.engine.profile import Evaluation, Profile, find_bracketed_roots, make_grid, search
from service.engine.types import Array

LOW, HIGH = -1.5, 1.5
ACCURACY = 1e-13


def search_polynomial(
    cost: Polynomial, unknown: tuple[float, float] = (2.0, 2.0)
) -> Profile[Evaluation]:
    """Search a polynomial that has no digits in one interval."""
    slope = cost.deriv()

    def evaluate(w: Array) -> Evaluation:
        is_known = (w <= unknown[0]) | (w >= unknown[1])
        values = np.where(is_known, cost(w), np.nan)
        slopes = np.where(is_known, slope(w), np.nan)
        return Evaluation(w, values, slopes, np.full(len(w), ACCURACY))

    return search(evaluate, evaluate(make_grid(10, LOW, HIGH)), (LOW, HIGH))


def test_extrema_above_a_bound_are_not_polished() -> None:
    cost = Polynomial.fromroots([-1.2, -0.8, -0.1, 0.3, 0.9]).integ()
    extrema = real_roots(cost.deriv())
    minima = np.sort(cost(extrema[cost.deriv(2)(extrema) > 0.0]))
    evaluated: list[Array] = []

    def evaluate(w: Array) -> Evaluation:
        evaluated.append(w)
        return Evaluation(w, cost(w), cost.deriv()(w), np.full(len(w), ACCURACY))

    grid = evaluate(make_grid(10, LOW, HIGH))
    evaluated.clear()
    assert search(evaluate, grid, (LOW, HIGH), minima[0] - 1.0).points.w.tolist() == grid.w.tolist()
    assert evaluated == []
    found = search(evaluate, grid, (LOW, HIGH), 0.5 * (minima[0] + minima[1]))
    assert found.minima.cost[0] == pytest.approx(minima[0], abs=1e-14)
    assert np.ptp(np.concatenate(evaluated)) < 0.1
    assert found.minima.cost[1] > minima[1] + 1e-9


def real_roots(polynomial: Polynomial) -> Array:
    roots = polynomial.roots()
    real = roots.real[np.abs(roots.imag) < 1e-9]
    return np.sort(real[(real > LOW) & (real < HIGH)])


def draw_polynomial(seed: int) -> Polynomial:
    """Return a polynomial with five extrema in the range, in different gaps of the grid."""
    rng = np.random.default_rng(seed)
    extrema = np.sort(rng.uniform(LOW, HIGH - 0.4, 5)) + 0.1 * np.arange(5)
    return Polynomial.fromroots(extrema).integ() * 100.0 - 0.05


@pytest.mark.parametrize("seed", range(40))
def test_all_minima_are_found_and_sorted(seed: int) -> None:
    cost = draw_polynomial(seed)
    extrema = real_roots(cost.deriv())
    minima = extrema[cost.deriv(2)(extrema) > 0.0]
    ends = [w for w, sign in ((LOW, 1.0), (HIGH, -1.0)) if sign * cost.deriv()(w) > 0.0]
    expected = sorted([*minima.tolist(), *ends])
    found = search_polynomial(cost).minima
    assert sorted(found.w.tolist()) == pytest.approx(expected, abs=1e-7)
    assert found.cost == pytest.approx(np.sort(cost(np.array(expected))), abs=1e-12)


@pytest.mark.parametrize("seed", range(40))
def test_level_sets_end_at_roots(seed: int) -> None:
    cost = draw_polynomial(seed)
    profile = search_polynomial(cost)
    costs = profile.points.cost
    for share in (0.01, 0.3, 0.7):
        level = float(costs.min() + share * (costs.max() - costs.min()))
        pieces = profile.level_set(level)
        inner = [w for piece in pieces for w in piece if w not in (LOW, HIGH)]
        assert inner == pytest.approx(real_roots(cost - level).tolist(), abs=1e-9)
        assert all(cost(0.5 * (low + high)) <= level for low, high in pieces)
    assert profile.level_set(float(costs.min()) - 1.0) == []
    assert profile.level_set(float(costs.max()) + 1.0) == [(LOW, HIGH)]


def test_a_narrow_valley_between_two_points_of_the_grid_is_found() -> None:
    # Both neighbors on the grid have slopes that lead out of their gap.
    low, high = make_grid(10, LOW, HIGH)[40:42]
    middle, h = 0.5 * (low + high), high - low
    valley = Polynomial.fromroots([middle - 0.2 * h, middle, middle + 0.2 * h]).integ()
    cost = (valley - valley(middle)) / h**4
    found = search_polynomial(cost).minima.w
    expected = [middle - 0.2 * h, middle + 0.2 * h]
    assert np.abs(np.sort(found[:2]) - expected).max() < 1e-9


def test_points_without_digits_hide_no_minimum_beside_them() -> None:
    cost = Polynomial([0.25, -1.0, 1.0])  # (w - 1/2)²
    profile = search_polynomial(cost, unknown=(0.1, 0.4))
    assert profile.minima.w.tolist() == pytest.approx([0.5], abs=1e-12)
    assert not np.isnan(profile.points.cost).any()
    assert np.isfinite(profile.points.w).all()


@pytest.mark.parametrize(("change", "is_flat"), [(0.0, True), (0.1, True), (10.0, False)])
def test_costs_are_equal_within_their_accuracy(change: float, is_flat: bool) -> None:
    profile = search_polynomial(Polynomial([-3.0, change * ACCURACY]))
    assert profile.is_flat is is_flat
    assert len(profile.minima.w) == 1


def test_minima_of_equal_cost_are_all_listed() -> None:
    cost = Polynomial([0.25, 0.0, -1.0, 0.0, 1.0])  # (w² - 1/2)²
    minima = search_polynomial(cost).minima
    assert np.sort(minima.w) == pytest.approx([-np.sqrt(0.5), np.sqrt(0.5)], abs=1e-9)
    assert np.ptp(minima.cost) <= ACCURACY


def test_a_root_at_an_end_needs_no_evaluation() -> None:
    def function(_: Array) -> Array:
        raise AssertionError

    ends = np.array([1.0, 2.0]), np.array([1.5, 3.0])
    values = np.array([0.0, -1.0]), np.array([4.0, 0.0])
    np.testing.assert_array_equal(find_bracketed_roots(function, ends, values), [1.0, 3.0])


def test_a_search_that_ends_early_is_told() -> None:
    def evaluate(w: Array) -> Evaluation:
        return Evaluation(w, np.sin(1e5 * w), 1e5 * np.cos(1e5 * w), np.full(len(w), ACCURACY))

    grid = np.linspace(LOW, HIGH, 100)
    assert not search(evaluate, evaluate(grid), (LOW, HIGH)).is_complete
    assert search_polynomial(draw_polynomial(1)).is_complete
