"""The common parts of figures: texts, axes, the layout, styles and annotations."""

import math
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.engine.numbers import (
    MINUS,
    TIMES,
    format_log10_number,
    format_number,
    format_power_of_ten,
    format_weights,
)
from service.engine.types import Array
from service.figures import style
from service.figures.annotations import path_look
from service.figures.formats import PICTURE_FORMATS
from service.figures.heatmap import Window
from service.figures.page import Page, rasterize
from service.figures.scales import PowerFormatter, use_log_scale
from service.figures.style import DEFAULT, THEMES, Style
from service.figures.surface import cost_surface_figure
from service.figures.text import printable, shorten, text_width, typeset, wrap
from tests.figures.conftest import (
    TUTORIAL_POINTS,
    TUTORIAL_WINDOWS,
    check_legible,
    rgba,
    tutorial_cost,
    words,
)


def test_characters_missing_in_the_font_become_boxes() -> None:
    assert printable("$w_{in}$ ∂ξ/∂Sₖ ≤ é") == "$w_{in}$ ∂ξ/∂Sₖ ≤ é"
    assert printable("日本 \ue000 \U00013000") == "□□ □"
    assert printable("a\n\tb\x00\x1b c\u202e") == "a b c"


def test_weights_are_symbols_and_all_else_is_literal() -> None:
    assert typeset("1 $ for w_in") == r"1 \$ for $\mathrm{w_{in}}$"
    for literal in ("", "a", "w_input", "show_in", "$w_{in}$", "1 $"):
        assert typeset(literal).replace(r"\$", "$") == literal


def test_numbers_use_typographic_signs() -> None:
    assert format_number(-0.5) == "\N{MINUS SIGN}0.5"
    assert format_number(1.8e-6) == "1.8\N{MULTIPLICATION SIGN}10⁻⁶"
    assert format_number(1e12) == "10¹²"
    assert format_number(-0.0) == "0"
    assert format_number(float("inf")) == "∞"
    assert format_weights(1, -2) == "(1, \N{MINUS SIGN}2)"
    assert format_power_of_ten(-30) == "10⁻³⁰"


def test_numbers_outside_float64_are_written_from_their_logarithm() -> None:
    assert format_log10_number(1204.30103) == "2\N{MULTIPLICATION SIGN}10¹²⁰⁴"
    assert format_log10_number(1204.99999) == "1\N{MULTIPLICATION SIGN}10¹²⁰⁵"
    assert format_log10_number(-400.0) == "1\N{MULTIPLICATION SIGN}10⁻⁴⁰⁰"
    assert format_log10_number(float("-inf")) == "0"
    assert format_log10_number(2.0) == "100"


@given(st.text(min_size=1, max_size=200), st.floats(60, 800))
def test_wrapped_lines_fit(text: str, width: float) -> None:
    lines = wrap(printable(text), 12, width)
    assert len(lines) <= 2
    assert all(text_width(line, 12) <= width for line in lines)


def test_cut_text_ends_with_an_ellipsis() -> None:
    assert shorten("W" * 50, 12, 100).endswith("…")
    assert shorten("short", 12, 100) == "short"


WINDOW = TUTORIAL_WINDOWS[0]


def texts_of(window: Window, style: Style = DEFAULT) -> list[str]:
    return words(cost_surface_figure([window], tutorial_cost, style=style))


def test_the_tutorial_window_has_ticks_at_whole_numbers() -> None:
    shown = texts_of(WINDOW)
    assert all(shown.count(f"{sign}{n}") == 2 for n in (1, 2, 3) for sign in ("", MINUS))


def test_a_narrow_window_is_labeled_by_differences() -> None:
    narrow = Window((1 - 5e-10, 1 + 5e-10), (-1e6, 1e6))
    shown = texts_of(narrow, Style(900, 700))
    assert {f"w_in ({TIMES}10⁻⁹+1)", f"w_rec ({TIMES}10⁶)"} <= set(shown)
    assert {f"{MINUS}0.4", "0.2", f"{MINUS}1.0", "0.5"} <= set(shown)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (2e-7, 5e5, ["10⁻⁶", "0.0001", "0.01", "1", "100", "10000"]),
        (20.0, 800.0, ["20", "50", "100", "200", "500"]),
        (21.0, 24.0, ["21", "21.5", "22", "22.5", "23", "23.5", "24"]),
    ],
)
def test_a_log_scale_has_ticks_at_powers_or_between_them(
    low: float, high: float, expected: list[str]
) -> None:
    page = Page(Style(), "")
    (axes,) = page.add_panels(1)
    use_log_scale(axes)
    axes.set_ylim(low, high)
    axes.set_xticks([])
    assert words(page.lay_out()) == expected


@pytest.mark.parametrize(
    ("log10_values", "expected"),
    [([-6.0, -4.0, 0.0], ["10⁻⁶", "10⁻⁴", "10⁰"]), ([1.4, 1.5], ["25.1", "31.6"])],
)
def test_powers_outside_float64_have_labels(log10_values: list[float], expected: Any) -> None:
    assert PowerFormatter().format_ticks(log10_values) == expected
    assert PowerFormatter().format_ticks([650.0, 650.00001])[0] == "10⁶⁵⁰"
    assert len(set(PowerFormatter().format_ticks([1.4525, 1.4526]))) == 2


@pytest.mark.parametrize(("size", "columns"), [((1200, 400), 2), ((400, 900), 1)])
def test_panels_stand_side_by_side_on_a_wide_canvas(size: tuple[int, int], columns: int) -> None:
    figure = cost_surface_figure(TUTORIAL_WINDOWS, tutorial_cost, style=Style(*size))
    first, second, _ = (axes.bbox for axes in figure.axes)
    assert len({round(first.x0), round(second.x0)}) == columns
    assert not first.overlaps(second)


def luminance(color: str) -> float:
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else math.pow((c + 0.055) / 1.055, 2.4) for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast_ratio(first: str, second: str) -> float:
    """Return the WCAG 2 contrast ratio, from 1 (equal) to 21 (black on white)."""
    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_text_and_series_contrast_with_the_background(theme: style.Theme) -> None:
    assert contrast_ratio(theme.foreground, theme.background) >= 7
    assert contrast_ratio(theme.muted, theme.background) >= 4.5
    for color in (theme.state, *theme.series):
        assert contrast_ratio(color, theme.background) >= 3


# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB
DICHROMACY = {
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
}


# from linear sRGB to CIE XYZ (IEC 61966-2-1)
TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
VISION = {"normal": np.eye(3).tolist(), **DICHROMACY}


def lab(color: str, kind: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return CIE L*a*b* of a color as somebody with this vision sees it."""
    encoded = np.array(rgba(color)[:3]) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(VISION[kind]) @ linear, 0, 1)
    share = TO_XYZ @ seen / TO_XYZ.sum(axis=1)
    x, y, z = np.where(share > 216 / 24389, np.cbrt(share), (24389 / 27 * share + 16) / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("kind", VISION)
def test_eight_paths_can_be_distinguished(name: style.ThemeName, kind: str) -> None:
    strokes = [path_look(Style(theme=name), index) for index in range(8)]
    for first, second in combinations(strokes, 2):
        if first["linestyle"] == second["linestyle"]:
            assert np.linalg.norm(lab(first["color"], kind) - lab(second["color"], kind)) >= 10


def test_points_are_labeled_in_each_window() -> None:
    figure = cost_surface_figure(
        TUTORIAL_WINDOWS, tutorial_cost, points=(*TUTORIAL_POINTS, (40, 2), (1, -9))
    )
    shown = words(figure)
    minus = "\N{MINUS SIGN}"
    assert shown.count("(2, 1)") == 2
    assert shown.count("(1, 0.5)") == 2
    assert shown.count(f"(1, {minus}2)") == 1
    assert "(40, 2)" not in shown
    assert {"w_in", "w_rec", "cost + 1", "10⁰", "10⁸"} <= set(shown)


def test_twelve_points_have_twelve_labels_and_twelve_looks() -> None:
    points = tuple((1 + k / 100, 1 - k / 100) for k in range(12))
    figure = cost_surface_figure(TUTORIAL_WINDOWS[:1], tutorial_cost, points=points)
    check_legible(figure)
    shown = words(figure)
    assert len({word for word in shown if word.startswith("(")}) == 12
    markers = [line for line in figure.axes[0].lines if line.get_linestyle() == "None"]
    looks = {
        (line.get_marker(), line.get_markerfacecolor())
        for line in markers
        if line.get_markeredgecolor() != "none"
    }
    assert len(looks) == 12


def test_labels_without_room_are_left_out() -> None:
    grid = tuple((a / 10, b / 10) for a in range(-25, 25, 3) for b in range(-25, 25, 3))
    check_legible(cost_surface_figure(TUTORIAL_WINDOWS[:1], tutorial_cost, points=grid))


def test_paths_with_missing_or_distant_weights_are_drawn(tutorial_path: Array) -> None:
    broken = tutorial_path.copy()
    broken[10:14] = np.nan
    broken[20] = [np.inf, 1]
    broken[-5:] = [[1e300, -1e300]] * 5
    paths = [
        ("broken", broken),
        ("lost", np.full((3, 2), np.nan)),
        ("empty", np.empty((0, 2))),
        ("one", np.array([[1.0, 1.0]])),
    ]
    picture = cost_surface_figure(TUTORIAL_WINDOWS, tutorial_cost, paths=paths)
    plain = cost_surface_figure(TUTORIAL_WINDOWS, tutorial_cost, paths=paths[1:3])
    assert (rasterize(picture) != rasterize(plain)).any(axis=2).sum() > 300
    assert PICTURE_FORMATS["svg"].write(picture, {})
    assert PICTURE_FORMATS["pdf"].write(picture, {})
