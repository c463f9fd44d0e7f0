"""Two minimizers so close together that moments show only the ridge between them."""

from fractions import Fraction

import numpy as np
import pytest

from tests.engine.conftest import find_optimum, reduced_cost


# Inputs that are palindromes make w = ±1 stationary. The fits are so nearly perfect that moments
# have no digits of the cost. The w_rec of the minimizers are stationary points
# isolated in interval arithmetic of 400 bits.
@pytest.mark.parametrize(
    ("inputs", "targets", "s0", "minimizers", "ridge"),
    [
        (
            [[1, 1, 1], [1, 0, 1], [1, 1, 1], [0, 1, 0]],
            [-5.999988581370221, -3.999999071442605, -6.000113617586366, -1.9999816074942054],
            0.0,
            (0.998041281, 1.001962561),
            1.0,
        ),
        (
            [[1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 1, 0], [1, 0, 1, 0]],
            [1.999939867459915, 1.999912159329898, 1.999978322477898, 3.999859697849692],
            0.0,
            (-1.003694815, -0.996318787),
            -1.0,
        ),
        (
            [[0, 0, 0], [1, 0, 1], [0, 1, 0]],
            [4.729071555250815e-08, 0.6000000329169053, 0.29999994119812734],
            0.0,
            (1.000708584, 0.999291918),
            1.0,
        ),
        (
            [[0, 0], [1, 0], [1, 0]],
            [-1.0035973138839518e-07, 0.49999779106927283, 0.4999989986751728],
            -3.0,
            (1.829022793e-4, -1.829022793e-4),
            0.0,
        ),
    ],
)
def test_both_minima_beside_a_ridge_are_found(
    inputs: list[list[float]],
    targets: list[float],
    s0: float,
    minimizers: tuple[float, float],
    ridge: float,
) -> None:
    x, t = np.array(inputs, dtype=float), np.array(targets)
    found = find_optimum(x, t, s0)
    low, other = (float(reduced_cost(x, t, Fraction(w), s0)) for w in minimizers)
    assert found.cost == pytest.approx(low, rel=1e-6)
    assert found.cost == pytest.approx(other, rel=1e-6)
    assert min(abs(found.weights.w_rec - w) for w in minimizers) < 1e-6
    assert found.attained
    assert not found.unique
    if ridge:
        assert found.cost < (1.0 - 1e-4) * float(reduced_cost(x, t, Fraction(ridge), s0))


@pytest.mark.parametrize("noise", [1e-4, 1e-6, 1e-7])
def test_nothing_is_lower_beside_the_ridge(noise: float) -> None:
    """Compare with the cost on a dense grid around the w_rec of a nearly perfect fit."""
    for seed in range(6):
        rng = np.random.default_rng([seed, 9])
        x = rng.integers(0, 2, (4, 3)).astype(float)
        x = np.maximum(x, x[:, ::-1])
        if not x.any():
            continue
        t = 2.0 * x.sum(axis=1) + noise * rng.normal(size=4)
        found = find_optimum(x, t)
        grid = 1.0 + np.concatenate([-np.geomspace(1e-6, 0.3, 60), np.geomspace(1e-6, 0.3, 60)])
        lowest = float(min(reduced_cost(x, t, Fraction(w)) for w in grid.tolist()))
        assert found.cost <= lowest * (1.0 + 1e-6) + 1e-24
