"""Frames: ticks, labels and captions outside the panel, and the color bar."""

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.figure import Figure

from service.figures.axis import linear_axis
from service.figures.canvas import Canvas
from service.figures.frame import bottom_margin, draw_color_bar, draw_frame, left_margin
from service.figures.geometry import Panel, Rect
from service.figures.render import rasterize
from service.figures.style import Style, rgba

AXIS = linear_axis(0, 1, 5, "caption")


def framed(*, grid: bool = False) -> tuple[Figure, Rect]:
    """Return a frame with exactly the margins that it needs."""
    canvas = Canvas(Style())
    rect = Rect(round(left_margin(canvas, AXIS)), round(bottom_margin(canvas)), 950, 380)
    draw_frame(canvas, Panel(rect, AXIS, AXIS), grid=grid)
    return canvas.figure, rect


def test_a_frame_fits_into_its_margins(check_legible: Callable[[Figure], None]) -> None:
    check_legible(framed()[0])


@pytest.mark.parametrize("grid", [False, True])
def test_only_the_grid_lies_inside_the_panel(grid: bool) -> None:
    figure, rect = framed(grid=grid)
    left, bottom, right, top = map(int, rect)
    inside = rasterize(figure)[400 - top : 400 - bottom, left:right]
    assert (inside == rgba(Style().colors.background)).all() != grid


def test_a_color_bar_has_equal_bands_from_below() -> None:
    canvas = Canvas(Style())
    colors = np.array([rgba(color) for color in ("#ff0000", "#00ff00", "#0000ff")])
    draw_color_bar(canvas, Rect(100, 50, 120, 350), colors, AXIS)
    column = rasterize(canvas.figure)[50:350, 110]
    middles = [column[300 - 50 - 100 * i].tolist() for i in range(3)]
    assert middles == colors.tolist()
