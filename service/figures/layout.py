"""Layouts: of a page around panels, and of a cost surface."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from service.figures.axis import Axis, linear_axis
from service.figures.canvas import Canvas
from service.figures.frame import bottom_margin, color_bar_width, draw_frame, left_margin
from service.figures.geometry import Panel, Rect, snap_to_pixels
from service.figures.legend import LegendEntry, draw_legend, legend_height, legend_rows
from service.figures.style import Style
from service.figures.text import printable, text_width

_GRIDS = {1: [(1, 1)], 2: [(1, 2), (2, 1)], 3: [(1, 3), (3, 1)], 4: [(2, 2), (1, 4), (4, 1)]}
_LEGEND_SHARE = 0.25  # of the canvas, at most


@dataclass(frozen=True)
class Window:
    """A rectangle of weights: (low, high) of each, low < high."""

    w_in: tuple[float, float]
    w_rec: tuple[float, float]


@dataclass(frozen=True)
class Layout:
    """Positions on the canvas."""

    panels: tuple[Panel, ...]  # one per window, left to right, top to bottom
    bar: Rect
    legend: tuple[tuple[LegendEntry, ...], ...]  # its rows
    legend_top: float  # their upper edge


@lru_cache(maxsize=64)
def layout(style: Style, windows: tuple[Window, ...], legend: tuple[LegendEntry, ...]) -> Layout:
    """Place one to four panels so that the shorter side of each is as long as possible."""
    canvas, font = Canvas(style), style.font_size
    top = canvas.title("Cost surface") - 0.3 * font
    max_rows = max(1, int(_LEGEND_SHARE * canvas.area.height / legend_height(canvas, 1)))
    rows = legend_rows(canvas, legend, canvas.area.width - 2 * font, max_rows) if legend else []
    bottom = 0.5 * font + legend_height(canvas, len(rows))
    right = canvas.area.right - color_bar_width(font, "cost + 1") - 0.8 * font
    area = Rect(0.3 * font, bottom, right - 1.4 * font, top)
    options = (_place(canvas, area, windows, *grid) for grid in _GRIDS[len(windows)])
    panels = max(options, key=lambda p: min(min(q.rect.width, q.rect.height) for q in p))
    low, high = min(p.rect.bottom for p in panels), max(p.rect.top for p in panels)
    bar = snap_to_pixels(Rect(right, low, right + 1.3 * font, high - 1.7 * font), style)
    return Layout(panels, bar, tuple(map(tuple, rows)), bottom)


def draw_page(
    canvas: Canvas,
    title: str,
    legend: Sequence[LegendEntry],
    *,
    headline: str = "",
    max_rows: int = 2,
) -> Rect:
    """Write title, headline and legend, and return the area for panels and their axes.

    The headline stands below the title. The legend has at most ``max_rows`` rows.
    """
    font = canvas.style.font_size
    top = canvas.subtitle(printable(headline), canvas.title(title)) - 0.4 * font
    rows = legend_rows(canvas, legend, canvas.area.width - 2 * font, max_rows)
    bottom = 0.4 * font + legend_height(canvas, len(rows))
    draw_legend(canvas, rows, bottom)
    return Rect(0.3 * font, bottom, canvas.area.right - 1.5 * font, top)


def draw_panel(
    canvas: Canvas,
    area: Rect,
    make_x: Callable[[float], Axis],
    make_y: Callable[[float], Axis],
    *,
    grid: bool = False,
    caption_room: float | None = None,
) -> Panel:
    """Draw a panel that fills an area together with its axes.

    ``make_x`` and ``make_y`` return an axis for the width and the height of the panel in CSS
    pixels; for ``grid`` and ``caption_room`` see :func:`draw_frame`.
    """
    bottom = area.bottom + bottom_margin(canvas)
    y = make_y(area.top - bottom)
    rect = Rect(area.left + left_margin(canvas, y), bottom, area.right, area.top)
    rect = snap_to_pixels(rect, canvas.style)
    panel = Panel(rect, make_x(rect.width), y)
    draw_frame(canvas, panel, grid=grid, caption_room=caption_room)
    return panel


def vertical_ticks(height: float, font: float) -> int:
    """Return how many ticks of a vertical logarithmic axis there is room for."""
    return min(max(int(height / (2.2 * font)), 2), 9)


def widen(low: float, high: float, share: float) -> tuple[float, float]:
    """Return a range with a margin on both sides, which is a share of it and never 0."""
    margin = share * (high - low) or 0.05 * abs(high) or 0.5
    return low - margin, high + margin


def weight_axis(
    low: float, high: float, size: float, font: float, caption: str, *, horizontal: bool
) -> Axis:
    """Return a linear axis, ``size`` CSS pixels long, with as many ticks as there is room for.

    The labels of a horizontal axis stand side by side, so that their widths count.
    """
    n_ticks = min(max(int(size / ((3.2 if horizontal else 2.2) * font)), 3), 8)
    axis = linear_axis(low, high, n_ticks, caption)
    while horizontal and n_ticks > 1 and not _labels_fit(axis, size, font):
        n_ticks -= 1
        axis = linear_axis(low, high, n_ticks, caption)
    return axis


def _labels_fit(axis: Axis, size: float, font: float) -> bool:
    widths = [text_width(label, 0.88 * font) for label in axis.labels]
    if not widths:
        return True
    if axis.ticks[-1] * size + widths[-1] / 2 > size + 1.4 * font + 0.3 * font:
        return False
    return all(
        (b - a) * size >= (width_a + width_b) / 2 + 0.5 * font
        for a, b, width_a, width_b in zip(
            axis.ticks, axis.ticks[1:], widths, widths[1:], strict=False
        )
    )


def _place(
    canvas: Canvas, area: Rect, windows: tuple[Window, ...], rows: int, columns: int
) -> tuple[Panel, ...]:
    """Return equal panels in a grid of ``rows`` and ``columns``."""
    font = canvas.style.font_size
    gap, row_gap, below = 1.3 * font, 0.8 * font, bottom_margin(canvas)
    height = max((area.height - (rows - 1) * row_gap) / rows - below, 1)
    ys = [weight_axis(*window.w_rec, height, font, "w_rec", horizontal=False) for window in windows]
    left = max(left_margin(canvas, y) for y in ys)
    width = max((area.width - (columns - 1) * gap) / columns - left, 1)
    panels = []
    for i, (window, y) in enumerate(zip(windows, ys, strict=True)):
        row, column = divmod(i, columns)
        x0 = area.left + column * (width + left + gap) + left
        y1 = area.top - row * (height + below + row_gap)
        rect = snap_to_pixels(Rect(x0, y1 - height, x0 + width, y1), canvas.style)
        x = weight_axis(*window.w_in, width, font, "w_in", horizontal=True)
        panels.append(Panel(rect, x, y))
    return tuple(panels)
