"""The canvas: background, order of artists, titles."""

import numpy as np
import pytest

from service.figures.canvas import Canvas, Raster, Stroke
from service.figures.geometry import Rect
from service.figures.render import rasterize
from service.figures.style import Style, rgba


def test_an_empty_canvas_has_the_background_color() -> None:
    pixels = rasterize(Canvas(Style(theme="dark")).figure)
    assert pixels.shape == (400, 1000, 4)
    background = rgba(Style(theme="dark").colors.background)
    assert (pixels == background).all()


def test_a_transparent_canvas_has_no_background() -> None:
    assert not rasterize(Canvas(Style(), transparent=True).figure)[..., 3].any()


def test_later_artists_cover_earlier_ones() -> None:
    canvas, rect = Canvas(Style()), Rect(100, 100, 200, 200)
    canvas.box(rect, face="#ff0000")
    canvas.add(Raster(np.full((100, 100, 4), [0, 0, 255, 255], np.uint8), rect))
    pixels = rasterize(canvas.figure)
    assert (pixels[200:300, 100:200] == rgba("#0000ff")).all()


def test_a_raster_is_drawn_pixel_for_pixel() -> None:
    canvas = Canvas(Style())
    image = np.random.default_rng(0).integers(0, 256, (30, 40, 4), np.uint8)
    image[..., 3] = 255
    canvas.add(Raster(image, Rect(10, 20, 50, 50)))
    np.testing.assert_array_equal(rasterize(canvas.figure)[350:380, 10:50], image)


def test_lines_are_clipped() -> None:
    canvas = Canvas(Style())
    ends, height = np.array([0.0, 1000.0]), np.array([200.0, 200.0])
    canvas.line(ends, height, Stroke("#000000", 5), Rect(300, 0, 600, 400))
    drawn = (rasterize(canvas.figure)[200, :, 0] < 128).nonzero()[0]
    np.testing.assert_array_equal(drawn, np.arange(300, 600))


@pytest.mark.parametrize("title", ["short", "long " * 30, "W" * 200])
def test_titles_take_more_room_when_they_are_longer(title: str) -> None:
    bottom = Canvas(Style(title=title)).title("default")
    assert 320 < bottom < 400
    assert Canvas(Style(title="")).title("default") > bottom
