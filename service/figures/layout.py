"""Layouts: of a page around panels, and of windows on the cost."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from service.engine.types import Array
from service.figures.axis import Axis, integer_axis, linear_axis, log_axis
from service.figures.canvas import Canvas
from service.figures.frame import bottom_margin, draw_frame, left_margin
from service.figures.geometry import Panel, Rect, snap_to_pixels
from service.figures.legend import LegendEntry, draw_legend, legend_height, legend_rows
from service.figures.text import printable, text_width

_GRIDS = {1: [(1, 1)], 2: [(1, 2), (2, 1)], 3: [(1, 3), (3, 1)], 4: [(2, 2), (1, 4), (4, 1)]}


@dataclass(frozen=True)
class Window:
    """A rectangle of weights: (low, high) of each, low < high."""

    w_in: tuple[float, float]
    w_rec: tuple[float, float]


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
) -> Panel:
    """Draw a panel that fills an area together with its axes.

    ``make_x`` and ``make_y`` return an axis for the width and the height of the panel in CSS
    pixels.
    """
    bottom = area.bottom + bottom_margin(canvas)
    y = make_y(area.top - bottom)
    rect = Rect(area.left + left_margin(canvas, y), bottom, area.right, area.top)
    rect = snap_to_pixels(rect, canvas.style)
    panel = Panel(rect, make_x(rect.width), y)
    draw_frame(canvas, panel, grid=grid)
    return panel


def vertical_ticks(height: float, font: float) -> int:
    """Return how many ticks of a vertical logarithmic axis there is room for."""
    return min(max(int(height / (2.2 * font)), 2), 9)


def data_log_axis(log10_values: Array, height: float, font: float, caption: str) -> Axis:
    """Return a vertical logarithmic axis around numbers (m,) of which some may not be finite."""
    finite = log10_values[np.isfinite(log10_values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    margin = max(0.06 * (high - low), 0.1)
    return log_axis(low - margin, high + margin, vertical_ticks(height, font), caption)


def step_axis(first: int, last: int, width: float, font: float, caption: str) -> Axis:
    """Return a horizontal axis of whole numbers with as many ticks as there is room for."""
    widest = text_width(str(max(first, last)), 0.88 * font) + 1.5 * font
    return integer_axis(first, last, min(max(int(width / widest), 2), 12), caption)


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


def draw_windows(canvas: Canvas, area: Rect, windows: Sequence[Window]) -> list[Panel]:
    """Draw a panel per window, so that the shorter side of each is as long as possible."""
    options = (_place(canvas, area, windows, *grid) for grid in _GRIDS[len(windows)])
    panels = max(options, key=lambda p: min(min(q.rect.width, q.rect.height) for q in p))
    for panel in panels:
        draw_frame(canvas, panel)
    return panels


def _place(
    canvas: Canvas, area: Rect, windows: Sequence[Window], rows: int, columns: int
) -> list[Panel]:
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
    return panels
