"""Interpolated surfaces are exact at the nodes and linear between them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import RegularGridInterpolator

from service.engine.types import Array
from service.figures.interpolation import interpolate


def curved(w_in: Array, w_rec: Array) -> Array:
    return np.sin(3 * w_in) * w_rec + w_rec**2


@given(st.integers(1, 30), st.integers(1, 30), st.integers(2, 9))
def test_it_equals_scipy(columns: int, rows: int, stride: int) -> None:
    x, y = np.linspace(-1, 2, columns), np.linspace(3, -1, rows)
    found = interpolate(curved, stride)(x[None, :], y[:, None])
    at_x = np.unique(np.append(np.arange(0, columns, stride), columns - 1))
    at_y = np.unique(np.append(np.arange(0, rows, stride), rows - 1))
    if min(at_x.size, at_y.size) < 2:
        assert found[0, 0] == curved(x[0], y[0])
        return
    nodes = curved(x[None, at_x], y[at_y, None])
    oracle = RegularGridInterpolator((at_y, at_x), nodes)
    indices = np.stack(np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij"), axis=-1)
    np.testing.assert_allclose(found, oracle(indices), rtol=1e-12, atol=1e-12)


def test_a_stride_of_one_changes_nothing() -> None:
    assert interpolate(curved, 1) is curved


def test_a_cost_of_zero_is_one_decade_below_the_others() -> None:
    def touching_zero(w_in: Array, w_rec: Array) -> Array:
        return np.where((w_in == 0) & (w_rec == 0), -np.inf, w_in + w_rec - 5)

    axis = np.arange(5.0)
    found = interpolate(touching_zero, 2)(axis[None, :], axis[:, None])
    assert found[0, 0] == -4.0
    assert found[0, 1] == pytest.approx((-4 + -3) / 2)
    assert np.isfinite(found).all()


def test_undefined_costs_stay_undefined() -> None:
    def undefined(w_in: Array, w_rec: Array) -> Array:
        return np.where(w_in > 2, np.nan, w_in + w_rec)

    axis = np.arange(5.0)
    found = interpolate(undefined, 2)(axis[None, :], axis[:, None])
    assert np.isnan(found[:, 3:]).all()
    assert np.isfinite(found[:, :2]).all()
