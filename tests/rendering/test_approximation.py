"""Approximations are the finest that the time allows, and say what they are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.engine.data import Dataset
from service.rendering.approximation import MAX_STRIDE, Approximation, choose_approximation


def seconds(n_samples: int, n_costs: float) -> float:
    return 2.0 * n_samples * n_costs


@given(st.integers(1, 10**6), st.integers(10**3, 10**7), st.floats(1e-3, 1e12))
def test_the_time_is_kept(n_samples: int, n_pixels: int, allowed: float) -> None:
    found = choose_approximation(seconds, n_samples, n_pixels, allowed)
    used = found.n_samples or n_samples
    coarsest = used == 1 and found.stride**2 >= n_pixels
    assert coarsest or seconds(used, n_pixels / found.stride**2) <= allowed
    if found.n_samples is not None:
        assert found.stride >= MAX_STRIDE
        assert 1 <= found.n_samples < n_samples
    if 1 < found.stride <= MAX_STRIDE and found.n_samples is None:
        assert seconds(n_samples, n_pixels / (found.stride - 1) ** 2) > allowed


def test_what_fits_is_exact() -> None:
    assert choose_approximation(seconds, 10, 100, 2000.0) == Approximation()
    assert choose_approximation(seconds, 10, 100, 1999.0) == Approximation(2)
    assert Approximation().notes(10) == ()


def test_notes() -> None:
    assert Approximation(2).notes(9) == ("cost at every 2nd pixel, interpolated",)
    every = "cost at every 8th pixel, interpolated"
    assert Approximation(8, 61).notes(20_000) == (every, "61 of 20,000 sequences")


@pytest.mark.parametrize(("n_samples", "rows"), [(1, [0]), (2, [0, 9]), (4, [0, 3, 6, 9])])
def test_a_subset_is_spread_over_the_dataset(n_samples: int, rows: list[int]) -> None:
    inputs, targets = np.arange(20.0).reshape(10, 2), np.arange(10.0)
    subset = Approximation(8, n_samples).subset(Dataset.from_arrays(inputs, targets))
    assert subset.inputs.tolist() == inputs[rows].tolist()
    assert subset.targets.tolist() == targets[rows].tolist()
