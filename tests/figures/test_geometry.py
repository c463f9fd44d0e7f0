"""Rectangles and panels."""

import numpy as np

from service.figures.axis import Axis
from service.figures.geometry import (
    Panel,
    Rect,
    pixel_box,
    pixel_centers,
    pixel_size,
    snap_to_pixels,
)
from service.figures.style import Style


def test_rectangles_that_share_an_edge_do_not_overlap() -> None:
    rect = Rect(0, 0, 2, 1)
    assert not rect.overlaps(Rect(2, 0, 3, 1))
    assert rect.overlaps(Rect(1.9, 0.5, 3, 3))
    assert rect.contains(Rect(0, 0, 2, 1))
    assert not rect.contains(Rect(0, 0, 2, 1.1))


def test_snapped_rectangles_are_whole_pixels_of_the_png() -> None:
    style = Style(dpi=133)
    rect = snap_to_pixels(Rect(10.3, 20.4, 99.9, 20.5), style)
    np.testing.assert_allclose(np.array(rect) * 1.33, [14, 27, 133, 28])
    assert pixel_size(rect, style) == (119, 1)
    rows, columns = pixel_box(rect, style)
    assert (rows, columns) == (slice(532 - 28, 532 - 27), slice(14, 133))


def test_the_centers_of_pixels_are_listed_from_the_top() -> None:
    axis = Axis(-1, 1, (), (), "")
    xs, ys = pixel_centers(Panel(Rect(0, 0, 4, 2), axis, axis), Style())
    assert xs.tolist() == [[-0.75, -0.25, 0.25, 0.75]]
    assert ys.tolist() == [[0.5], [-0.5]]


def test_points_that_are_not_finite_have_no_position() -> None:
    axis = Axis(-1, 1, (), (), "")
    panel = Panel(Rect(100, 100, 300, 200), axis, axis)
    xs, ys = panel.to_canvas(np.array([0, np.nan, 1, np.inf]), np.array([-1, 0, np.nan, 0.5]))
    np.testing.assert_array_equal(xs, [200, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(ys, [100, np.nan, np.nan, np.nan])
