"""Cost surfaces: colors match the cost, text never overlaps."""

import io
from base64 import b64decode
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image
from pypdf import PdfReader

from service.engine.types import Array
from service.figures.annotations import LabeledPath
from service.figures.canvas import Pixels
from service.figures.color_bands import choose_color_bands
from service.figures.formats import PICTURE_FORMATS
from service.figures.geometry import Panel, pixel_box
from service.figures.layout import Window, layout
from service.figures.render import rasterize
from service.figures.style import Style, rgba
from service.figures.surface import CostSurfacePicture
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


def near(pixels: Pixels, panel: Panel, at: tuple[float, float]) -> Pixels:
    """Return the 3 by 3 pixels around a point of a panel."""
    rows, columns = pixel_box(panel.rect, Style())
    u, v = panel.x.to_unit(np.array(at[0])), panel.y.to_unit(np.array(at[1]))
    column = columns.start + int(u * (columns.stop - columns.start))
    row = rows.stop - 1 - int(v * (rows.stop - rows.start))
    return pixels[row - 1 : row + 2, column - 1 : column + 2]


@pytest.mark.parametrize(
    ("panel", "at"),
    [(0, (2, 2.5)), (0, (-2, -2.7)), (0, (1.5, 0.1)), (1, (0.2, 0.3)), (1, (1.0, 1.0))],
)
def test_a_pixel_has_the_color_of_its_cost(panel: int, at: tuple[float, float]) -> None:
    """The middle pixel's color is that of a band within a pixel's reach, line or no line."""
    picture = CostSurfacePicture(TUTORIAL_WINDOWS, tutorial_cost)
    plan = layout(Style(), TUTORIAL_WINDOWS, ())
    shown = near(picture.pixels(), plan.panels[panel], at)
    w = np.linspace(-3, 3, 200)
    levels = choose_color_bands([tutorial_cost(w[None, :], w[:, None])])
    band = levels.indices(tutorial_cost(np.array([[at[0]]]), np.array([[at[1]]])))[0, 0]
    expected = levels.palette("#000000")[band].tolist()
    assert expected in shown.reshape(-1, 4).tolist()


def test_pixels_match_the_figure(tutorial_path: Array) -> None:
    for paths in ([], [LabeledPath("rprop", tutorial_path)]):
        picture = CostSurfacePicture(
            TUTORIAL_WINDOWS, tutorial_cost, points=TUTORIAL_POINTS, paths=paths, optimum=(1, 1)
        )
        fast, slow = picture.pixels().astype(int), rasterize(picture.figure()).astype(int)
        inside = np.zeros(fast.shape[:2], bool)
        for panel in layout(picture.style, picture.windows, picture.legend()).panels:
            inside[pixel_box(panel.rect, picture.style)] = True
        difference = np.abs(fast - slow).max(axis=2)
        assert difference[~inside].max() <= 1
        assert np.mean(difference[inside] > 2) < 0.35  # contours are drawn in two ways
        assert difference[inside].mean() < 10


def test_a_cached_background_serves_other_data() -> None:
    first = CostSurfacePicture(TUTORIAL_WINDOWS, tutorial_cost).pixels()
    second = CostSurfacePicture(TUTORIAL_WINDOWS, lambda a, b: tutorial_cost(a, b) / 2 + 4).pixels()
    again = CostSurfacePicture(TUTORIAL_WINDOWS, tutorial_cost).pixels()
    assert (first != second).any()
    np.testing.assert_array_equal(first, again)


@every_style
def test_nothing_is_cut_off_or_overlaps(tutorial_path: Array, style: Style) -> None:
    names = ["rprop", "gradient descent with momentum", "adam"]
    paths = [LabeledPath(name, tutorial_path * (1 - 0.1 * i)) for i, name in enumerate(names)]
    profile = np.stack([np.linspace(3, 0, 9), np.linspace(0, 3, 9)], axis=1)
    figure = CostSurfacePicture(
        TUTORIAL_WINDOWS,
        tutorial_cost,
        points=TUTORIAL_POINTS,
        paths=paths,
        optimum=(1, 1),
        profile=profile,
        style=style,
    ).figure()
    check_legible(figure)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(320, 240), (900, 500)])
def test_extreme_windows_are_legible(n: int, size: tuple[int, int]) -> None:
    style = Style(*size)
    figure = CostSurfacePicture(
        WILD[:n], tutorial_cost, points=((1, 1), (1e5, 2)), style=style
    ).figure()
    check_legible(figure)
    picture = CostSurfacePicture(WILD[:n], tutorial_cost, style=style)
    assert len(PICTURE_FORMATS["png"].write(picture, {})) > 2000


def test_a_point_has_the_color_of_its_series() -> None:
    pixels = CostSurfacePicture(TUTORIAL_WINDOWS, tutorial_cost, points=((2, 2),)).pixels()
    center = near(pixels, layout(Style(), TUTORIAL_WINDOWS, ()).panels[0], (2, 2))[1, 1]
    assert center.tolist() == rgba(Style().colors.series[0]).tolist()


def test_costs_of_every_kind_are_drawn() -> None:
    def odd(w_in: Array, w_rec: Array) -> Array:
        with np.errstate(divide="ignore"):
            value = 2000 * np.log10(np.abs(w_rec)) + 0 * w_in
        return np.where(w_in > 2, np.inf, np.where(w_in < -2, np.nan, value))

    picture = CostSurfacePicture(TUTORIAL_WINDOWS, odd, points=((0, 0),))
    check_legible(picture.figure())
    assert np.unique(picture.pixels().view(np.uint32)).size > 20


def test_an_svg_has_lines_and_one_image_per_panel() -> None:
    picture = CostSurfacePicture(TUTORIAL_WINDOWS, tutorial_cost, points=TUTORIAL_POINTS)
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

    picture = CostSurfacePicture(TUTORIAL_WINDOWS[:1], rising)
    rows, columns = pixel_box(layout(Style(), TUTORIAL_WINDOWS[:1], ()).panels[0].rect, Style())
    column = picture.pixels()[rows, columns.start + 9, :3].astype(int)
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
