"""The common parts of figures: texts, axes, the layout, styles and annotations."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from matplotlib.lines import Line2D

from service.engine.types import Array
from service.figures import style
from service.figures.annotations import path_look
from service.figures.axis import FAR, Axis, integer_axis, linear_axis, log_axis
from service.figures.canvas import Canvas, rasterize
from service.figures.formats import PICTURE_FORMATS
from service.figures.numbers import (
    format_log10_number,
    format_number,
    format_power_of_ten,
    format_weights,
)
from service.figures.panels import Panel
from service.figures.style import THEMES, Style
from service.figures.surface import cost_surface_figure, draw_windows
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


MINUS = "\N{MINUS SIGN}"
weights = st.floats(-1e6, 1e6, allow_nan=False)


def test_the_tutorial_window_has_ticks_at_whole_numbers() -> None:
    axis = linear_axis(-3, 3, "w_in", 7)
    assert axis.labels == [f"{MINUS}3", f"{MINUS}2", f"{MINUS}1", "0", "1", "2", "3"]
    assert axis.ticks == pytest.approx([0, 1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1])
    assert axis.caption == "w_in"


def test_a_narrow_window_is_labeled_by_differences() -> None:
    axis = linear_axis(1 - 5e-10, 1 + 5e-10, "w_in", 5)
    assert axis.caption == f"w_in {MINUS} 1 (\N{MULTIPLICATION SIGN}10⁻¹⁰)"
    assert axis.labels == [f"{MINUS}4", f"{MINUS}2", "0", "2", "4"]
    assert axis.ticks == pytest.approx([0.1, 0.3, 0.5, 0.7, 0.9], abs=1e-6)
    below = linear_axis(-2 - 1e-9, -2 + 1e-9, "w_rec", 5)
    assert below.caption.startswith("w_rec + 2 ")


def test_large_numbers_are_multiples_of_a_power() -> None:
    axis = linear_axis(-1e6, 1e6, "w_rec", 5)
    assert axis.caption == "w_rec (\N{MULTIPLICATION SIGN}10⁶)"
    assert axis.labels == [f"{MINUS}1.0", f"{MINUS}0.5", "0", "0.5", "1.0"]


@given(weights, weights, st.integers(1, 9))
def test_ticks_lie_on_the_axis_and_labels_differ(low: float, high: float, n: int) -> None:
    low, high = min(low, high), max(low, high)
    assume(high - low > 1e-12 * max(abs(low), abs(high), 1e-200))
    axis = linear_axis(low, high, "w_in", n)
    assert all(0 <= tick <= 1 for tick in axis.ticks)
    assert list(axis.ticks) == sorted(axis.ticks)
    assert len(set(axis.labels)) == len(axis.labels) == len(axis.ticks) <= n + 1


def test_positions_reach_the_limits_of_float64() -> None:
    axis = Axis(-1e308, 1e308, (), (), "")
    assert axis.to_unit(np.array([-1e308, 0, 1e308])) == pytest.approx([0, 0.5, 1])
    near = Axis(0, 1, (), (), "")
    far = near.to_unit(np.array([1e300, -1e300, np.inf, np.nan]))
    np.testing.assert_array_equal(far, [FAR, -FAR, np.nan, np.nan])


def test_log_axis_has_ticks_at_whole_powers() -> None:
    assert log_axis(np.array([-5.7, 5.6, np.inf]), "cost", 7).labels == [
        "10⁻⁶",
        "10⁻⁴",
        "10⁻²",
        "10⁰",
        "10²",
        "10⁴",
        "10⁶",
    ]
    assert "10⁶⁰⁰" in log_axis(np.array([-350, 650]), "cost", 6).labels


def test_log_axis_of_less_than_a_decade_still_has_distinct_labels() -> None:
    axis = log_axis(np.array([1.4525, 1.4526]), "cost", 4)
    assert axis.labels == ["25.1", "31.6"]


@pytest.mark.parametrize(("first", "last"), [(0, 10), (10, 0), (3, 3)])
def test_integer_axis_runs_from_its_first_to_its_last_number(first: int, last: int) -> None:
    axis = integer_axis(first, last, "step", 5)
    ends = {int(label): tick for label, tick in zip(axis.labels, axis.ticks, strict=True)}
    assert ends[first] == 0.0
    assert last == first or ends[last] == 1.0


def place(style: Style) -> list[Panel]:
    """Return the panels of the tutorial's windows on a whole canvas."""
    canvas = Canvas(style)
    return draw_windows(canvas, canvas.area, TUTORIAL_WINDOWS)


@pytest.mark.parametrize("dpi", [50, 72, 100, 133, 300])
def test_panels_are_whole_pixels_at_any_dpi(dpi: int) -> None:
    style = Style(641, 401, dpi=dpi)
    for panel in place(style):
        scaled = panel.rect.get_points() * dpi / 72
        np.testing.assert_allclose(scaled, np.rint(scaled), atol=1e-6)


@pytest.mark.parametrize(("size", "columns"), [((1200, 400), 2), ((400, 900), 1)])
def test_panels_stand_side_by_side_on_a_wide_canvas(size: tuple[int, int], columns: int) -> None:
    panels = place(Style(*size))
    assert len({panel.rect.x0 for panel in panels}) == columns
    assert not panels[0].rect.overlaps(panels[1].rect)


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
    markers = [line for line in figure.findobj(Line2D) if line.get_linestyle() == "None"]
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
