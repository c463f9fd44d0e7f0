"""Panels and their axes, drawn by hand: the frame, ticks, labels and captions around a rectangle.

Creating and drawing Matplotlib's ``Axes`` takes as long as the rest of a typical figure, its tick
labels lose digits in windows narrower than 1e-13, and its layout is known only after it is drawn.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.patches import Rectangle
from matplotlib.transforms import Bbox

from service.engine.types import Array
from service.figures.axis import Axis, MakeAxis
from service.figures.canvas import Canvas, Look, Pixels
from service.figures.text import shorten, text_width

# Lengths in units of the font size.
_TICK = 0.35
_LABELS = 0.6  # distance of the labels
_BELOW = 3.2  # space below a panel, for labels and caption
_CAPTION_BELOW = 1.8  # distance of the caption
_CAPTION_ASIDE = 1.75  # distance of the caption from the edge of the labels
_TICK_ROOM = 1.7  # between labels above each other
_BAR_ROOM = 6.9  # width of a color bar with its labels and the gap before it
_BAR_GAP = 1.4
_LEAST_HEIGHT = 7.5  # of one of several panels, with its labels and captions
_LEAST_WIDTH = 17.0


@dataclass(frozen=True, eq=False)
class Panel:
    """A rectangle on the canvas with a horizontal and a vertical axis."""

    rect: Bbox
    x: Axis
    y: Axis

    def to_canvas(self, xs: Array, ys: Array) -> tuple[Array, Array]:
        """Return the positions of points, two arrays of one shape.

        Both coordinates are nan where one of the values is not finite.
        """
        across, up = self.x.to_unit(xs), self.y.to_unit(ys)
        missing = np.isnan(across + up)
        return (
            np.where(missing, np.nan, self.rect.x0 + across * self.rect.width),
            np.where(missing, np.nan, self.rect.y0 + up * self.rect.height),
        )


def draw_panel(
    canvas: Canvas, area: Bbox, make_x: MakeAxis, make_y: MakeAxis, *, grid: bool = False
) -> Panel:
    """Draw a panel that fills an area together with its axes."""
    (panel,) = draw_panels(canvas, [area], [(make_x, make_y)], grid=grid)
    return panel


def draw_panels(
    canvas: Canvas,
    areas: Sequence[Bbox],
    axes: Sequence[tuple[MakeAxis, MakeAxis]],
    *,
    grid: bool = False,
) -> list[Panel]:
    """Draw one panel per area, at a distance from its left edge for the widest labels of all."""
    below = _BELOW * canvas.font
    ys = []
    for area, (_, make_y) in zip(areas, axes, strict=True):
        room = (area.height - below) / (_TICK_ROOM * canvas.font)
        ys.append(make_y(min(max(int(room), 2), 9)))
    left = (_LABELS + _CAPTION_ASIDE) * canvas.font + max(_label_width(canvas, y) for y in ys)
    panels = []
    for area, (make_x, _), y in zip(areas, axes, ys, strict=True):
        rect = canvas.snap(Bbox([[area.x0 + left, area.y0 + below], area.max]))
        panel = Panel(rect, _horizontal_axis(canvas, make_x, rect.width), y)
        _draw_frame(canvas, panel, grid=grid)
        panels.append(panel)
    return panels


def count_panels(canvas: Canvas, n: int) -> int:
    """Return how many of n panels there is space for, in a page without a long title."""
    n_rows = max(1, int((canvas.area.height - 8.0 * canvas.font) / (_LEAST_HEIGHT * canvas.font)))
    n_columns = max(1, int(canvas.area.width / (_LEAST_WIDTH * canvas.font)))
    return min(n, n_rows * n_columns)


def split_into_grid(canvas: Canvas, area: Bbox, n: int) -> list[Bbox]:
    """Return n equal areas, row by row from above, each about twice as wide as high."""
    gap = 1.2 * canvas.font
    most = max(1, int(canvas.area.width / (_LEAST_WIDTH * canvas.font)))
    n_columns = max(1, round(math.sqrt(n * area.width / (2.0 * area.height))))
    n_columns = min(n, n_columns, most)
    n_rows = -(-n // n_columns)
    width, height = (area.width + gap) / n_columns, (area.height - gap / 2.0) / n_rows
    corners = [divmod(i, n_columns) for i in range(n)]
    return [
        Bbox.from_bounds(
            area.x0 + column * width, area.y0 + (n_rows - 1 - row) * height, width - gap, height
        )
        for row, column in corners
    ]


def split_off_bar(canvas: Canvas, area: Bbox) -> tuple[Bbox, float]:
    """Return an area without the space for a color bar at its right, and the left of the bar."""
    right = area.x1 + 0.7 * canvas.font - _BAR_ROOM * canvas.font
    return Bbox([area.min, [right, area.y1]]), right + _BAR_GAP * canvas.font


def draw_color_bar(
    canvas: Canvas, left: float, rects: Sequence[Bbox], colors: Pixels, make_axis: MakeAxis
) -> None:
    """Draw a bar of equally high bands next to panels, with ticks at the right and a caption above.

    ``colors`` are RGBA (n, 4) from below.
    """
    font, beside = canvas.font, Bbox.union(rects)
    bar = Bbox([[left, beside.y0], [left + 1.3 * font, beside.y1 - 1.7 * font]])
    bar = canvas.snap(bar)
    axis = make_axis(max(2, int(bar.height / (1.7 * font))))
    columns, rows = canvas.pixel_size(bar)
    index = (np.arange(rows)[::-1] * len(colors)) // rows
    canvas.image(np.repeat(colors[index][:, None], columns, axis=1), bar)
    muted, ys = canvas.colors.muted, bar.y0 + np.array(axis.ticks) * bar.height
    look: Look = {"edgecolor": muted, "linewidth": 0.72}
    canvas.add(Rectangle(bar.min, bar.width, bar.height, facecolor="none", **look))
    draw_segments(canvas, (bar.x1, ys), (bar.x1 + 0.3 * font, ys), **look)
    for y, label in zip(ys, axis.labels, strict=True):
        canvas.text(bar.x1 + _LABELS * font, y, label, va="center_baseline")
    canvas.text(bar.x0, bar.y1 + 0.55 * font, axis.caption, size=font)


# Coordinates of points, two arrays (n,), of which one may be a number.
Points = tuple[Array | float, Array | float]


def draw_segments(canvas: Canvas, starts: Points, stops: Points, **options: Any) -> None:
    """Draw separate straight lines."""
    ends = np.broadcast_arrays(*starts, *stops)
    lines = np.stack(ends, axis=-1).reshape(-1, 2, 2)
    canvas.add(LineCollection(list(lines), **options))


def _horizontal_axis(canvas: Canvas, make: MakeAxis, width: float) -> Axis:
    """Return an axis with as many ticks as there is space for their labels side by side."""
    n_ticks = min(max(int(width / (3.2 * canvas.font)), 3), 12)
    axis = make(n_ticks)
    while n_ticks > 1 and not _labels_fit(canvas, axis, width):
        n_ticks -= 1
        axis = make(n_ticks)
    return axis


def _labels_fit(canvas: Canvas, axis: Axis, width: float) -> bool:
    order = np.argsort(axis.ticks)
    centers = width * np.array(axis.ticks)[order]
    halves = np.array([text_width(label, canvas.small) / 2 for label in axis.labels])[order]
    low, high = centers - halves, centers + halves
    gaps = np.append(low[1:], width + 2.2 * canvas.font) - high
    return bool((gaps >= 0.5 * canvas.font).all())


def _draw_frame(canvas: Canvas, panel: Panel, *, grid: bool) -> None:
    """Draw the axes of a panel, all outside its rectangle except for the grid."""
    rect, font, colors = panel.rect, canvas.font, canvas.colors
    xs = rect.x0 + np.array(panel.x.ticks) * rect.width
    ys = rect.y0 + np.array(panel.y.ticks) * rect.height
    # Two filled boxes: Agg can move a stroked one by a pixel, into the panel.
    width = max(1, round(canvas.style.dpi / 100)) * 72 / canvas.style.dpi
    for box, color in ((rect.padded(width), colors.muted), (rect, colors.background)):
        canvas.add(Rectangle(box.min, box.width, box.height, facecolor=color, linewidth=0))
    if grid:
        look = {"color": colors.grid, "linewidth": 0.6}
        draw_segments(canvas, (xs, rect.y0), (xs, rect.y1), **look)
        draw_segments(canvas, (rect.x0, ys), (rect.x1, ys), **look)
    look = {"color": colors.muted, "linewidth": width}
    draw_segments(canvas, (xs, rect.y0 - width), (xs, rect.y0 - _TICK * font), **look)
    draw_segments(canvas, (rect.x0 - width, ys), (rect.x0 - _TICK * font, ys), **look)
    gap = _LABELS * font
    for x, label in zip(xs, panel.x.labels, strict=True):
        canvas.text(x, rect.y0 - gap, label, ha="center", va="top")
    for y, label in zip(ys, panel.y.labels, strict=True):
        canvas.text(rect.x0 - gap, y, label, ha="right", va="center_baseline")
    caption, size = _fit_caption(canvas, panel.x.caption, rect.width)
    x, y = (rect.x0 + rect.x1) / 2, rect.y0 - _CAPTION_BELOW * font
    canvas.text(x, y, caption, size=size, ha="center", va="top")
    caption, size = _fit_caption(canvas, panel.y.caption, rect.height)
    x, y = rect.x0 - gap - _label_width(canvas, panel.y) - 0.6 * font, (rect.y0 + rect.y1) / 2
    canvas.text(x, y, caption, size=size, ha="center", rotation=90, rotation_mode="anchor")


def _fit_caption(canvas: Canvas, caption: str, length: float) -> tuple[str, float]:
    """Return the caption of a side and its size, made smaller and finally truncated to fit."""
    font, room = canvas.font, length + 2 * canvas.font
    size = font * min(1.0, max(0.65, 0.97 * room / max(text_width(caption, font), 1.0)))
    return shorten(caption, size, room), size


def _label_width(canvas: Canvas, axis: Axis) -> float:
    return max((text_width(label, canvas.small) for label in axis.labels), default=0.0)
