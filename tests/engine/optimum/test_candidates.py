"""Optima that are hard to find, compared with stationary points in fifty digits."""

from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest

from service.engine.types import Array
from tests.conftest import read_golden
from tests.engine.conftest import find_optimum, reduced_cost


def stationary_points(inputs: Array, targets: Array) -> list[Any]:
    """Return the real roots of the derivative of b²/a, where its sign changes, in fifty digits."""
    rows = [list(map(int, row)) for row in inputs.tolist()]
    t = [int(each) for each in targets.tolist()]
    table: Any = np.array(rows, object)
    a = np.sum([np.convolve(row, row) for row in table], axis=0)
    b = np.array(t, object) @ table
    slope = 2 * np.convolve(np.polyder(b), a) - np.convolve(b, np.polyder(a))
    found = []
    for factor in (b, slope):
        coefficients = [int(each) for each in np.trim_zeros(factor, "f")]
        if len(coefficients) > 1:
            found += mpmath.polyroots(coefficients, maxsteps=500, extraprec=500)
    real = [root.real for root in found if abs(root.imag) < mpmath.mpf(10) ** -20]
    return [root for root in real if abs(root) < 1e6]


def draw(n_samples: int, n_steps: int, seed: int) -> tuple[Array, Array]:
    """Return whole numbers with sequences that end and begin with one that is not 0."""
    rng = np.random.default_rng([seed, n_samples, n_steps])
    inputs = rng.integers(-9, 10, (n_samples, n_steps)).astype(float)
    inputs[:, 0], inputs[:, -1] = rng.integers(1, 10, (2, n_samples))
    return inputs, rng.integers(1, 9, n_samples).astype(float)


@pytest.mark.parametrize("n_steps", [2, 3, 5, pytest.param(9, marks=pytest.mark.slow)])
@pytest.mark.parametrize("n_samples", [3, 6])
def test_the_optimum_is_the_lowest_stationary_point(n_samples: int, n_steps: int) -> None:
    with mpmath.workdps(50):
        for seed in range(3):
            inputs, targets = draw(n_samples, n_steps, seed)
            points = stationary_points(inputs, targets)
            costs = [reduced_cost(inputs, targets, w) for w in points]
            at_infinity = reduced_cost(inputs[:, :1], targets, mpmath.mpf(0))
            lowest = min([*costs, at_infinity])
            best = find_optimum(inputs, targets)
            assert best.cost == pytest.approx(float(lowest), rel=1e-12)
            if at_infinity > lowest * (1 + mpmath.mpf(10) ** -9):
                w_rec = points[costs.index(min(costs))]
                alike = [w for w, c in zip(points, costs, strict=True) if c < lowest * (1 + 1e-12)]
                distance = min(abs(best.weights.w_rec - w) for w in alike)
                assert distance < 1e-7 * max(1, abs(w_rec))


@pytest.mark.parametrize("width", [1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8])
@pytest.mark.parametrize("center", [0.0, 0.3, -0.77, 1.6, -12.3])
def test_a_minimum_narrower_than_the_grid_is_found(center: float, width: float) -> None:
    """Inputs (1, width x - center) take a straight line: w_in (w_rec - center + width x).

    The moments have no digits at widths below 1e-6.
    """
    x = np.array([-1.0, 0.0, 0.5, 2.0, 0.0])
    t = np.array([0.4, -1.0, 1.3, 2.0, 0.1])
    inputs = np.column_stack([np.ones(5), width * x - center])
    x = (inputs[:, 1] + center) / width  # as rounded
    (constant, slope), (square,), *_ = np.linalg.lstsq(np.column_stack([np.ones(5), x]), t)
    best = find_optimum(inputs, t)
    assert best.cost == pytest.approx(square / 5.0, rel=1e-7)
    assert best.weights.w_in == pytest.approx(slope / width, rel=1e-5)
    moved = (best.weights.w_rec - center) / width
    assert moved == pytest.approx(constant / slope, rel=1e-3)


@pytest.mark.parametrize("seed", [11, 23, 65, 69, 74, 108, 142, 180, 288, 389])
def test_a_common_factor_hides_no_minimum_beside_its_root(seed: int) -> None:
    """The w_in absorbs a factor (w_rec - root) of all p_i, so the lowest cost stays the same."""
    rng = np.random.default_rng(seed)
    root = float(rng.choice([3.0, -2.0, 0.5, -1.0]))
    inputs = rng.integers(-3, 4, (12, 3)).astype(float)
    targets = inputs @ root ** np.array([2.0, 1.0, 0.0]) + 0.01 * rng.normal(size=12)
    multiplied = np.array([np.convolve(row, [1.0, -root]) for row in inputs])
    plain = find_optimum(inputs, targets)
    found = find_optimum(multiplied, targets)
    assert found.cost == pytest.approx(plain.cost, rel=1e-6)
    assert found.weights.w_rec == pytest.approx(plain.weights.w_rec, rel=1e-6)


@pytest.mark.parametrize("sample", read_golden("optimum.json")["ridges"])
def test_both_minima_beside_a_ridge_are_found(sample: dict[str, Any]) -> None:
    x, t, s0 = (
        np.array(sample["inputs"], float),
        np.array(sample["targets"]),
        sample["initial_state"],
    )
    found, minimizers, ridge = find_optimum(x, t, s0), sample["minimizers"], sample["ridge"]
    for w_rec in minimizers:
        lowest = float(reduced_cost(x, t, Fraction(w_rec), s0))
        assert found.cost == pytest.approx(lowest, rel=1e-6)
    assert min(abs(found.weights.w_rec - w) for w in minimizers) < 1e-6
    assert found.attained
    assert not found.unique
    if ridge:
        assert found.cost < (1.0 - 1e-4) * float(reduced_cost(x, t, Fraction(ridge), s0))
