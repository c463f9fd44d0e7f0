"""Heatmaps: the color of every pixel, contours on thresholds."""

import numpy as np
import pytest

from service.engine.types import Array
from service.figures.axis import Axis
from service.figures.canvas import Canvas, Raster
from service.figures.color_bands import ColorBands
from service.figures.geometry import Panel, Rect, pixel_centers
from service.figures.heatmap import contour_lines, draw_costs
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


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_costs_that_are_not_finite_are_painted(value: float) -> None:
    values = np.linspace(-3, 1, 100).reshape(10, 10)
    values[3:5, 4] = value
    band = {np.nan: 3, np.inf: 2, -np.inf: 0}.get(value, 3)
    canvas = Canvas(Style(320, 240))
    draw_costs(canvas, square(10, 10), values, LEVELS)
    (image,) = canvas.figure.findobj(Raster)
    missing = LEVELS.palette(canvas.colors.missing)
    assert image.pixels[::-1][3, 4].tolist() == missing[band].tolist()


def test_contours_lie_on_thresholds() -> None:
    vertices, codes = contour_lines(bowl(*pixel_centers(square(900, 500), Style())), LEVELS)
    assert len(vertices) == len(codes) > 100
    radius = np.hypot(*(2 * vertices - 1).T)
    distance = np.minimum(np.abs(radius - 0.1), np.abs(radius - 1))
    assert distance.max() < 1e-3


@pytest.mark.parametrize("value", [0.5, np.nan])
def test_constant_or_undefined_costs_have_no_contours(value: float) -> None:
    vertices, codes = contour_lines(np.full((50, 60), value), LEVELS)
    assert len(vertices) == len(codes) == 0
