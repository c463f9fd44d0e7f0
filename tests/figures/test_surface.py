"""Surfaces and their pixels: heatmaps, interpolation and bands of color."""

import io
from base64 import b64decode
from typing import Any
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image
from pypdf import PdfReader
from scipy.interpolate import RegularGridInterpolator

from service.engine.types import Array
from service.figures.color_bands import ColorBands, choose_color_bands
from service.figures.formats import PICTURE_FORMATS
from service.figures.heatmap import Log10Cost, Window, compute_costs, draw_costs, interpolate
from service.figures.page import Page, Pixels, rasterize
from service.figures.style import COLOR_MAP, Style
from service.figures.surface import cost_surface_figure
from tests.figures.conftest import (
    TUTORIAL_POINTS,
    TUTORIAL_WINDOWS,
    check_legible,
    every_style,
    rgba,
    tutorial_cost,
)

WILD = (
    Window((1 - 5e-10, 1 + 5e-10), (-1e6, 1e6)),
    Window((-1e6, 1e6), (2 - 1e-9, 2)),
    Window((-123456.7, -123456.1), (0.0001, 0.0002)),
    Window((1e5, 1e6), (-3, 50)),
)


def panels_of(figure: Figure) -> list[Axes]:
    """Return the axes with a cost."""
    return [axes for axes in figure.axes if axes.images]


def near(figure: Figure, window: int, at: tuple[float, float]) -> Pixels:
    """Return the 3 by 3 pixels around a point of one of the tutorial's windows."""
    pixels = rasterize(figure)
    rect = panels_of(figure)[window].bbox
    (left, right), (low, high) = TUTORIAL_WINDOWS[window].w_in, TUTORIAL_WINDOWS[window].w_rec
    column = int(rect.x0 + (at[0] - left) / (right - left) * rect.width)
    row = int(len(pixels) - rect.y0 - (at[1] - low) / (high - low) * rect.height)
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
    value = levels.place(tutorial_cost(np.array([[at[0]]]), np.array([[at[1]]])))
    expected = levels.make_colors().to_rgba(value, bytes=True)[0, 0].tolist()
    assert expected in shown.reshape(-1, 4).tolist()


@every_style
def test_nothing_is_cut_off_or_overlaps(tutorial_path: Array, style: Style) -> None:
    names = ["rprop", "gradient descent with momentum", "adam"]
    paths = [(name, tutorial_path * (1 - 0.1 * i)) for i, name in enumerate(names)]
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


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(320, 240), (1000, 400), (2400, 1800), (2400, 240), (320, 1800)])
def test_the_cost_is_computed_at_every_pixel(n: int, size: tuple[int, int]) -> None:
    style = Style(*size, dpi=50)
    figure = cost_surface_figure(WILD[:n], lambda w_in, w_rec: w_in + w_rec, style=style)
    for axes in panels_of(figure):
        rows, columns = axes.images[0].get_size()
        np.testing.assert_allclose([columns, rows], axes.bbox.size, atol=0.51)


def test_costs_of_every_kind_are_drawn() -> None:
    def odd(w_in: Array, w_rec: Array) -> Array:
        with np.errstate(divide="ignore"):
            value = 2000 * np.log10(np.abs(w_rec)) + 0 * w_in
        return np.where(w_in > 2, np.inf, np.where(w_in < -2, np.nan, value))

    picture = cost_surface_figure(TUTORIAL_WINDOWS, odd, points=((0, 0),))
    check_legible(picture)
    assert np.unique(rasterize(picture).view(np.uint32)).size > 20


def test_embedded_images_are_upright() -> None:
    """A pdf shows an image's first row on top; the svg's has a matrix that turns it over."""

    def rising(w_in: Array, w_rec: Array) -> Array:
        return 2 + 2 * w_rec + 0 * w_in

    picture = cost_surface_figure(TUTORIAL_WINDOWS[:1], rising)
    pixels = np.asarray(panels_of(picture)[0].images[0].get_array())

    def resize(column: NDArray[Any]) -> NDArray[Any]:
        return column[np.linspace(0, len(column) - 1, 50).astype(int), :3].astype(int)

    column = resize(pixels[::-1, 9])  # from the top
    (page,) = PdfReader(io.BytesIO(PICTURE_FORMATS["pdf"].write(picture, {}))).pages
    field = max((np.asarray(i.image) for i in page.images if i.image), key=lambda a: a.size)
    assert np.mean(np.abs(resize(field[:, 9]) - column)) < 10
    root = ET.fromstring(PICTURE_FORMATS["svg"].write(picture, {}))  # noqa: S314
    images = [e for e in root.iter() if e.tag.endswith("}image")]
    element = max(images, key=lambda e: float(e.get("width", "0")))
    assert "scale(1 -1)" in element.get("transform", "")
    data = element.get("{http://www.w3.org/1999/xlink}href", "").partition("base64,")[2]
    inside = resize(np.asarray(Image.open(io.BytesIO(b64decode(data))))[::-1, 9])
    assert np.mean(np.abs(inside - column)) < 10
    assert np.mean(np.abs(inside[::-1] - column)) > 30


LEVELS = ColorBands((-4.0, -2.0, 0.0, 2.0), 0)


def bowl(w_in: Array, w_rec: Array) -> Array:
    """Return log10 of w_in² + w_rec²: its contours are circles."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log10(w_in**2 + w_rec**2))


SQUARE = Window((-1.0, 1.0), (-1.0, 1.0))


def contours_of(log10_cost: Log10Cost) -> list[ContourSet]:
    """Return what separates the bands of a cost in a square."""
    page = Page(Style(900, 500), "")
    (axes,) = page.add_panels(1)
    costs = compute_costs(axes, SQUARE, log10_cost)
    draw_costs(page, axes, SQUARE, costs, LEVELS)
    return [artist for artist in axes.collections if isinstance(artist, ContourSet)]


def test_contours_lie_on_thresholds() -> None:
    (contours,) = contours_of(bowl)
    radius = np.hypot(*np.concatenate([path.vertices for path in contours.get_paths()]).T)
    assert len(radius) > 100
    distance = np.minimum(np.abs(radius - 0.1), np.abs(radius - 1))
    assert distance.max() < 3e-3


@pytest.mark.parametrize("value", [0.5, np.nan])
def test_constant_or_undefined_costs_have_no_contours(value: float) -> None:
    assert not contours_of(lambda w_in, w_rec: np.full((w_rec.size, w_in.size), value))


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


def logs(cost: Array) -> Array:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log10(cost))


def bands_of(levels: ColorBands, log10_costs: Array) -> Any:
    """Return the number of the band of each cost."""
    return np.asarray(levels.make_colors().norm(levels.place(log10_costs))).tolist()


def test_bands_are_those_of_cost_plus_one() -> None:
    levels = choose_color_bands([np.array([-3.0, 8.0])])
    cost = np.concatenate([[0, 1e-300], 10 ** np.linspace(-3, 7.9, 1000)])
    expected = np.digitize(cost + 1, np.logspace(-0.2, 8, 30)) - 1
    np.testing.assert_array_equal(bands_of(levels, logs(cost)), expected)


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
    assert bands_of(levels, np.array([-np.inf, np.inf])) == [0, len(levels.edges) - 2]


def test_narrow_ranges_get_bands_fitted_to_the_data() -> None:
    levels = choose_color_bands([np.linspace(-20, -16, 1000)])
    assert levels.shift == 0
    assert levels.caption == "cost"
    assert 16 <= len(levels.edges) - 1 <= 40
    assert levels.edges[-1] >= -16


@pytest.mark.parametrize("field", [[np.nan], [np.inf], [-np.inf, np.inf], []])
def test_there_are_bands_without_finite_costs(field: list[float]) -> None:
    levels = choose_color_bands([np.array(field)])
    assert len(levels.edges) > 2


def test_nan_has_its_own_color() -> None:
    page = Page(Style(), "")
    (axes,) = page.add_panels(1)
    costs = np.array([[np.nan, -np.inf], [np.inf, 0.5]])
    draw_costs(page, axes, SQUARE, costs, ColorBands((0.0, 1.0, 2.0), 0))
    pixels = np.asarray(axes.images[0].get_array()).reshape(4, 4).tolist()
    low, high = (mpl.colormaps[COLOR_MAP](end, bytes=True) for end in (0.0, 1.0))
    assert pixels == [rgba(page.colors.missing), [*low], [*high], [*low]]


@pytest.mark.parametrize("high", [8.0, 10.0, 30.0, 1000.0])
@pytest.mark.parametrize("n", [3, 6, 20])
def test_ticks_are_apart_and_on_the_bar(high: float, n: int) -> None:
    bands = choose_color_bands([np.array([0.0, high])])
    ticks = bands.find_ticks(n)
    assert len(ticks) >= 2
    assert all(bands.edges[0] <= tick <= bands.edges[-1] for tick in ticks)
    heights = np.interp(ticks, bands.edges, np.linspace(0, 1, len(bands.edges)))
    assert np.diff(heights).min() >= 0.9 / (n + 1)
