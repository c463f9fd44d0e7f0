"""Color bands: those of the tutorial, continued or fitted."""

import numpy as np
import pytest

from service.engine.types import Array
from service.figures.color_bands import ColorBands, choose_color_bands
from tests.figures.conftest import tutorial_cost


def logs(cost: Array) -> Array:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log10(cost))


def test_up_to_1e8_the_bands_are_those_of_the_tutorial() -> None:
    levels = choose_color_bands([np.linspace(-5, 8, 100)])
    np.testing.assert_allclose(10 ** np.array(levels.edges), np.logspace(-0.2, 8, 30), rtol=1e-12)
    assert levels.n_bands == 29


def test_bands_are_those_of_cost_plus_one() -> None:
    levels = choose_color_bands([np.array([-3.0, 8.0])])
    cost = np.concatenate([[0, 1e-300], 10 ** np.linspace(-3, 7.9, 1000)])
    expected = np.digitize(cost + 1, np.logspace(-0.2, 8, 30)) - 1
    np.testing.assert_array_equal(levels.indices(logs(cost)), expected)


def test_the_steps_of_the_tutorial_are_continued_up_to_1e14() -> None:
    w = np.linspace(-3, 3, 61)
    field = tutorial_cost(w[None, :], w[:, None])
    levels = choose_color_bands([field])
    assert levels.edges[:30] == pytest.approx(np.linspace(-0.2, 8, 30).tolist())
    assert levels.edges[-1] >= field.max()
    assert levels.caption == "cost + 1"


@pytest.mark.parametrize("high", [20.0, 954.0, 4300.0])
def test_very_large_costs_keep_bands_for_low_costs(high: float) -> None:
    levels = choose_color_bands([np.array([-2.0, 3.0, high, np.inf, -np.inf])])
    assert levels.edges[0] == 0
    assert high <= levels.edges[-1] <= 3 * high
    assert sum(edge < 2 for edge in levels.edges) >= 5
    assert levels.indices(np.array([-np.inf, np.inf])).tolist() == [0, levels.n_bands - 1]


def test_narrow_ranges_get_bands_fitted_to_the_data() -> None:
    levels = choose_color_bands([np.linspace(-20, -16, 1000)])
    assert levels.shift == 0
    assert levels.caption == "cost"
    assert 16 <= levels.n_bands <= 40
    assert levels.edges[-1] >= -16


def test_constant_costs_have_distinct_labels() -> None:
    levels = choose_color_bands([np.full((4, 4), 1.45255)])
    labels = levels.axis(5).labels
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize("field", [[np.nan], [np.inf], [-np.inf, np.inf], []])
def test_there_are_bands_without_finite_costs(field: list[float]) -> None:
    levels = choose_color_bands([np.array(field)])
    assert levels.n_bands >= 2


def test_nan_has_its_own_color() -> None:
    levels = ColorBands((0.0, 1.0, 2.0), 0)
    assert levels.indices(np.array([np.nan, 0.5, 1.5])).tolist() == [2, 0, 1]
    assert levels.palette("#abcdef")[2].tolist() == [0xAB, 0xCD, 0xEF, 255]


@pytest.mark.parametrize("high", [8.0, 10.0, 30.0, 1000.0])
@pytest.mark.parametrize("n", [3, 6, 20])
def test_ticks_are_apart_and_on_the_bar(high: float, n: int) -> None:
    axis = choose_color_bands([np.array([0.0, high])]).axis(n)
    assert len(axis.ticks) == len(axis.labels) >= 2
    assert all(0 <= tick <= 1 for tick in axis.ticks)
    assert np.diff(axis.ticks).min() >= 0.9 / (n + 1)
