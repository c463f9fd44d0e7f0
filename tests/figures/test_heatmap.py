"""Heatmaps: the color of every pixel, contours on thresholds."""

import numpy as np
import pytest

from service.engine.types import Array
from service.figures.axis import Axis
from service.figures.color_bands import ColorBands
from service.figures.geometry import Panel, Rect, pixel_centers
from service.figures.heatmap import contour_lines, paint
from service.figures.style import Style

SQUARE = Axis(-1, 1, (), (), "")
LEVELS = ColorBands((-4.0, -2.0, 0.0, 2.0), 0)


def square(columns: int, rows: int) -> Panel:
    """Return a panel of so many pixels."""
    return Panel(Rect(0, 0, columns, rows), SQUARE, SQUARE)


def bowl(w_in: Array, w_rec: Array) -> Array:
    """Return log10 of w_in² + w_rec²: its contours are circles."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log10(w_in**2 + w_rec**2))


def test_pixels_beside_contours_have_the_color_of_their_band() -> None:
    values = bowl(*pixel_centers(square(80, 80), Style()))
    expected = LEVELS.palette("#888888")[LEVELS.indices(values)]
    np.testing.assert_array_equal(paint(values, LEVELS, "#888888", 0.0), expected)
    lined = paint(values, LEVELS, "#888888", 0.6)
    changed = (lined != expected).any(axis=2)
    radius = 10 ** (values / 2) * 40
    assert np.abs(radius[changed] - np.where(radius[changed] < 20, 4, 40)).max() < 1.2
    assert 0.01 < changed.mean() < 0.1


def test_painted_contours_are_smooth_and_centered() -> None:
    rows = np.linspace(-1, 1, 41)[:, None] + np.linspace(-0.12, 0.12, 50)[None, :]
    painted = paint(rows, ColorBands((-9.0, 0.0, 9.0), 0), "#000000", 1.0).astype(float)
    plain = paint(rows, ColorBands((-9.0, 0.0, 9.0), 0), "#000000", 0.0).astype(float)
    darker = 1 - painted[..., :3].sum(axis=2) / plain[..., :3].sum(axis=2)
    middle = (darker * rows).sum() / darker.sum()
    assert abs(middle) < 0.005
    total = darker.sum(axis=0)
    assert total.std() / total.mean() < 0.15


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_costs_that_are_not_finite_are_painted(value: float) -> None:
    values = np.linspace(-3, 1, 100).reshape(10, 10)
    values[3:5, 4] = value
    band = {np.nan: 3, np.inf: 2, -np.inf: 0}.get(value, 3)
    painted = paint(values, LEVELS, "#888888", 0.6)
    assert painted[3, 4].tolist() == LEVELS.palette("#888888")[band].tolist()


def test_contours_lie_on_thresholds() -> None:
    vertices, codes = contour_lines(SQUARE, SQUARE, LEVELS, bowl)
    assert len(vertices) == len(codes) > 100
    radius = np.hypot(*(2 * vertices - 1).T)
    distance = np.minimum(np.abs(radius - 0.1), np.abs(radius - 1))
    assert distance.max() < 1e-3


@pytest.mark.parametrize("value", [0.5, np.nan])
def test_constant_or_undefined_costs_have_no_contours(value: float) -> None:
    def flat(w_in: Array, w_rec: Array) -> Array:
        return np.full(np.broadcast(w_in, w_rec).shape, value)

    vertices, codes = contour_lines(SQUARE, SQUARE, LEVELS, flat)
    assert len(vertices) == len(codes) == 0
