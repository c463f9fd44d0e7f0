"""Exact moments compared with fractions."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from service.engine.data import moments as moments_module
from service.engine.data.count_ones import count_ones
from service.engine.data.exact_moments import are_sums_exact, compute_exact_moments
from service.engine.data.moments import Moments, split_sums


def exact_sums(inputs: NDArray[Any], targets: NDArray[Any]) -> list[list[Fraction]]:
    """Return the five sums that the engine computes."""
    sums = split_sums(compute_exact_moments(inputs, targets, Moments.from_arrays(inputs, targets)))
    return [[Fraction(high) + Fraction(low) for high, low in each.T.tolist()] for each in sums]


def by_fractions(inputs: NDArray[Any], targets: NDArray[Any]) -> list[list[Fraction]]:
    """Return the five sums, computed from their definition."""
    n_steps = inputs.shape[1]
    square = [Fraction(0)] * (2 * n_steps - 1)
    by_target, mean = [Fraction(0)] * n_steps, [Fraction(0)] * n_steps
    t = [Fraction(each) for each in targets.tolist()]
    for row, target in zip(inputs.tolist(), t, strict=True):
        p = [Fraction(each) for each in row[::-1]]
        for i, x in enumerate(p):
            by_target[i] += x * target
            mean[i] += x
            for j, y in enumerate(p):
                square[i + j] += x * y
    return [square, by_target, mean, [sum((x * x for x in t), Fraction(0))], [sum(t, Fraction(0))]]


@pytest.mark.parametrize("largest", [1, 3, 2**20])
@pytest.mark.parametrize(("n_samples", "n_steps"), [(1, 1), (7, 5), (400, 30)])
def test_sums_of_whole_numbers_are_exact_already(
    largest: int, n_samples: int, n_steps: int
) -> None:
    random = np.random.default_rng(5)
    shape = n_samples, n_steps
    inputs = random.integers(-largest, largest, shape, endpoint=True).astype(np.float64)
    targets = random.integers(-largest, largest, n_samples, endpoint=True).astype(np.float64)
    inputs[-1, -1] = largest
    assert are_sums_exact(inputs, targets) == (n_samples * n_steps * largest**2 <= 2**53)
    if are_sums_exact(inputs, targets):
        assert exact_sums(inputs, targets) == by_fractions(inputs, targets)


@pytest.mark.parametrize("changed", ["inputs", "targets"])
def test_other_sums_are_not_exact(changed: str) -> None:
    arrays = dict(zip(("inputs", "targets"), count_ones(5000, 3), strict=True))
    assert are_sums_exact(**arrays)
    arrays[changed][-1] += 1e-9
    assert not are_sums_exact(**arrays)


@pytest.mark.parametrize("strip_height", [64, 2])
@pytest.mark.parametrize("kind", ["bits", "real", "columns of many sizes", "zeros"])
@pytest.mark.parametrize(
    ("n_samples", "n_steps"), [(1, 1), (7, 5), pytest.param(3, 130, marks=pytest.mark.slow)]
)
def test_sums_have_28_digits(
    kind: str, n_samples: int, n_steps: int, strip_height: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moments_module, "STRIP_SIZE", 0)
    monkeypatch.setattr(moments_module, "MIN_STRIP_HEIGHT", strip_height)
    inputs, targets = count_ones(n_samples, n_steps, noise=0.0 if kind == "bits" else 0.3)
    random = np.random.default_rng(3)
    if kind == "real":
        inputs = random.standard_normal(inputs.shape)
    elif kind == "columns of many sizes":
        inputs = random.standard_normal(inputs.shape) * 10.0 ** random.integers(-100, 101, n_steps)
    elif kind == "zeros":
        inputs = np.zeros_like(inputs)
    found = exact_sums(inputs, targets)
    sizes = by_fractions(np.abs(inputs), np.abs(targets))
    for sums, exact, size in zip(found, by_fractions(inputs, targets), sizes, strict=True):
        for one, other, bound in zip(sums, exact, size, strict=True):
            assert abs(one - other) <= bound * Fraction(1, 10**26)
            if kind == "bits":
                assert one == other


def test_the_high_parts_are_the_moments() -> None:
    inputs, targets = count_ones(30, 12, noise=0.1)
    moments = Moments.from_arrays(inputs, targets)
    high, low = compute_exact_moments(inputs, targets, moments)
    np.testing.assert_allclose(high, moments.to_array(), rtol=1e-14)
    assert (np.abs(low) <= 2.0**-53 * np.abs(high)).all()
    assert low.any()
