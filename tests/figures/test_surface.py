"""Cost surfaces: colors match the cost, text never overlaps."""

import io
from base64 import b64decode
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from pypdf import PdfReader

from service.engine.types import Array
from service.figures.annotations import LabeledPath
from service.figures.canvas import Raster
from service.figures.color_bands import choose_color_bands
from service.figures.formats import PICTURE_FORMATS
from service.figures.layout import Window
from service.figures.render import Pixels, rasterize
from service.figures.style import Style, rgba
from service.figures.surface import cost_surface_figure
from tests.figures.conftest import (
    TUTORIAL_POINTS,
    TUTORIAL_WINDOWS,
    check_legible,
    every_style,
    tutorial_cost,
)

WILD = (
    Window((1 - 5e-10, 1 + 5e-10), (-1e6, 1e6)),
    Window((-1e6, 1e6), (2 - 1e-9, 2)),
    Window((-123456.7, -123456.1), (0.0001, 0.0002)),
    Window((1e5, 1e6), (-3, 50)),
)


def panels_of(figure: Figure) -> list[Raster]:
    """Return the images of the cost, which fill the panels."""
    return [artist for artist in figure.artists if isinstance(artist, Raster)][1:]  # after the bar


def near(figure: Figure, window: int, at: tuple[float, float]) -> Pixels:
    """Return the 3 by 3 pixels around a point of one of the tutorial's windows."""
    rect, pixels = panels_of(figure)[window].rect, rasterize(figure)
    (left, right), (low, high) = TUTORIAL_WINDOWS[window].w_in, TUTORIAL_WINDOWS[window].w_rec
    column = int(rect.left + (at[0] - left) / (right - left) * rect.width)
    row = int(len(pixels) - rect.bottom - (at[1] - low) / (high - low) * rect.height)
    return pixels[row - 1 : row + 2, column - 1 : column + 2]


@pytest.mark.parametrize(
    ("window", "at"),
    [(0, (2, 2.5)), (0, (-2, -2.7)), (0, (1.5, 0.1)), (1, (0.2, 0.3)), (1, (1.1, 1.1))],
)
def test_a_pixel_has_the_color_of_its_cost(window: int, at: tuple[float, float]) -> None:
    """A pixel in reach has the color of the cost's band, contour or no contour."""
    shown = near(cost_surface_figure(TUTORIAL_WINDOWS, tutorial_cost), window, at)
    w = np.linspace(-3, 3, 200)
    levels = choose_color_bands([tutorial_cost(w[None, :], w[:, None])])
    band = levels.indices(tutorial_cost(np.array([[at[0]]]), np.array([[at[1]]])))[0, 0]
    expected = levels.palette("#000000")[band].tolist()
    assert expected in shown.reshape(-1, 4).tolist()


@every_style
def test_nothing_is_cut_off_or_overlaps(tutorial_path: Array, style: Style) -> None:
    names = ["rprop", "gradient descent with momentum", "adam"]
    paths = [LabeledPath(name, tutorial_path * (1 - 0.1 * i)) for i, name in enumerate(names)]
    profile = np.stack([np.linspace(3, 0, 9), np.linspace(0, 3, 9)], axis=1)
    figure = cost_surface_figure(
        TUTORIAL_WINDOWS,
        tutorial_cost,
        points=TUTORIAL_POINTS,
        paths=paths,
        optimum=(1, 1),
        profile=profile,
        style=style,
    )
    check_legible(figure)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(320, 240), (900, 500)])
def test_extreme_windows_are_legible(n: int, size: tuple[int, int]) -> None:
    style = Style(*size)
    figure = cost_surface_figure(WILD[:n], tutorial_cost, points=((1, 1), (1e5, 2)), style=style)
    check_legible(figure)
    picture = cost_surface_figure(WILD[:n], tutorial_cost, style=style)
    assert len(PICTURE_FORMATS["png"].write(picture, {})) > 2000


def test_a_point_has_the_color_of_its_series() -> None:
    figure = cost_surface_figure(TUTORIAL_WINDOWS, tutorial_cost, points=((2, 2),))
    center = near(figure, 0, (2, 2))[1, 1]
    assert center.tolist() == rgba(Style().colors.series[0]).tolist()


def test_costs_of_every_kind_are_drawn() -> None:
    def odd(w_in: Array, w_rec: Array) -> Array:
        with np.errstate(divide="ignore"):
            value = 2000 * np.log10(np.abs(w_rec)) + 0 * w_in
        return np.where(w_in > 2, np.inf, np.where(w_in < -2, np.nan, value))

    picture = cost_surface_figure(TUTORIAL_WINDOWS, odd, points=((0, 0),))
    check_legible(picture)
    assert np.unique(rasterize(picture).view(np.uint32)).size > 20


def test_an_svg_has_lines_and_one_image_per_panel() -> None:
    picture = cost_surface_figure(TUTORIAL_WINDOWS, tutorial_cost, points=TUTORIAL_POINTS)
    root = ET.fromstring(PICTURE_FORMATS["svg"].write(picture, {}))  # noqa: S314
    tags = [element.tag.rpartition("}")[2] for element in root.iter()]
    assert tags.count("image") == 3  # two fields and the bar
    assert root.get("width") == "720pt"
    assert root.get("height") == "288pt"
    longest = max(len(e.get("d", "")) for e in root.iter())
    assert longest > 5000  # the contours


def test_embedded_images_are_upright() -> None:
    """A pdf shows an image's first row on top; the svg's has a matrix that turns it over."""

    def rising(w_in: Array, w_rec: Array) -> Array:
        return 2 + 2 * w_rec + 0 * w_in

    picture = cost_surface_figure(TUTORIAL_WINDOWS[:1], rising)
    column = panels_of(picture)[0].pixels[::-1, 9, :3].astype(int)  # from the top
    (page,) = PdfReader(io.BytesIO(PICTURE_FORMATS["pdf"].write(picture, {}))).pages
    field = max((np.asarray(i.image) for i in page.images if i.image), key=lambda a: a.size)
    assert np.mean(np.abs(field[:, 9, :3].astype(int) - column)) < 10
    root = ET.fromstring(PICTURE_FORMATS["svg"].write(picture, {}))  # noqa: S314
    images = [e for e in root.iter() if e.tag.endswith("}image")]
    element = max(images, key=lambda e: float(e.get("width", "0")))
    assert float(element.get("transform", "").split()[3]) < 0
    data = element.get("{http://www.w3.org/1999/xlink}href", "").partition("base64,")[2]
    inside = np.asarray(Image.open(io.BytesIO(b64decode(data))))[::-1, 9, :3].astype(int)
    assert np.mean(np.abs(inside - column)) < 10
    assert np.mean(np.abs(inside[::-1] - column)) > 30
