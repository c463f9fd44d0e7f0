"""Frames: the axes around a panel, and the color bar."""

from collections.abc import Sequence

import numpy as np

from service.engine.types import Array
from service.figures.axis import Axis
from service.figures.canvas import Canvas, Raster, Stroke
from service.figures.geometry import Panel, Rect, pixel_size, snap_to_pixels
from service.figures.render import Pixels
from service.figures.style import CSS_DPI
from service.figures.text import shorten, text_width

# Lengths in units of the font size.
_TICK = 0.35
_LABEL_GAP = 0.25  # from a tick to its label
_LABEL_SIZE = 0.88
_LINE_HEIGHT = 1.35
_CAPTION_GAP = 0.6  # from the labels of the vertical axis to its caption
_CAPTION_ROOM = 1.15


def draw_frame(canvas: Canvas, panel: Panel, *, grid: bool = False) -> None:
    """Draw the axes of a panel, all outside its rectangle except for the grid."""
    rect = panel.rect
    xs = rect.left + np.array(panel.x.ticks) * rect.width
    ys = rect.bottom + np.array(panel.y.ticks) * rect.height
    _draw_lines(canvas, rect, xs, ys, grid=grid)
    _draw_labels(canvas, panel, xs, ys)
    _draw_caption_below(canvas, panel)
    _draw_caption_aside(canvas, panel)


def left_margin(canvas: Canvas, y: Axis) -> float:
    """Return how many CSS pixels :func:`draw_frame` needs to the left of a panel."""
    room = _TICK + _LABEL_GAP + _CAPTION_GAP + _CAPTION_ROOM
    return room * canvas.style.font_size + _label_width(canvas, y.labels)


def bottom_margin(canvas: Canvas) -> float:
    """Return how many CSS pixels :func:`draw_frame` needs below a panel."""
    room = _TICK + _LABEL_GAP + _LINE_HEIGHT * _LABEL_SIZE + _LINE_HEIGHT
    return room * canvas.style.font_size


def color_bar_width(font: float, caption: str) -> float:
    """Return how many CSS pixels a color bar takes with its labels and caption."""
    widest = text_width("1.6x10⁻¹⁸", _LABEL_SIZE * font)
    return max(1.9 * font + widest, text_width(caption, font))


def draw_color_bar(canvas: Canvas, bar: Rect, colors: Pixels, axis: Axis) -> None:
    """Draw a bar of equally high bands with ticks to the right and the caption above.

    ``colors`` are RGBA (n, 4) from below.
    """
    font, muted = canvas.style.font_size, canvas.colors.muted
    bar = snap_to_pixels(bar, canvas.style)
    columns, rows = pixel_size(bar, canvas.style)
    index = (np.arange(rows)[::-1] * len(colors)) // rows
    canvas.add(Raster(np.repeat(colors[index][:, None], columns, axis=1), bar))
    ys = bar.bottom + np.array(axis.ticks) * bar.height
    canvas.box(bar, edge=muted)
    starts, stops = _points(bar.right, ys), _points(bar.right + 0.3 * font, ys)
    canvas.segments(starts, stops, Stroke(muted, 1))
    left, size = bar.right + 0.6 * font, _LABEL_SIZE * font
    for y, label in zip(ys, axis.labels, strict=True):
        canvas.text(left, y, label, size=size, vertical="center_baseline")
    canvas.text(bar.left, bar.top + 0.55 * font, axis.caption)


def _draw_lines(canvas: Canvas, rect: Rect, xs: Array, ys: Array, *, grid: bool) -> None:
    """Draw the border, the ticks and the grid."""
    dpi, tick = canvas.style.dpi, _TICK * canvas.style.font_size
    # Two filled boxes: Agg may move a stroked one by a pixel, into the panel.
    width = max(1, round(dpi / CSS_DPI)) * CSS_DPI / dpi
    outer = Rect(rect.left - width, rect.bottom - width, rect.right + width, rect.top + width)
    canvas.box(outer, face=canvas.colors.muted)
    canvas.box(rect, face=canvas.colors.background)
    if grid:
        starts = np.concatenate([_points(xs, rect.bottom), _points(rect.left, ys)])
        stops = np.concatenate([_points(xs, rect.top), _points(rect.right, ys)])
        canvas.segments(starts, stops, Stroke(canvas.colors.grid, 0.8))
    starts = np.concatenate([_points(xs, outer.bottom), _points(outer.left, ys)])
    stops = np.concatenate([_points(xs, rect.bottom - tick), _points(rect.left - tick, ys)])
    canvas.segments(starts, stops, Stroke(canvas.colors.muted, width))


def _draw_labels(canvas: Canvas, panel: Panel, xs: Array, ys: Array) -> None:
    rect, gap = panel.rect, (_TICK + _LABEL_GAP) * canvas.style.font_size
    size = _LABEL_SIZE * canvas.style.font_size
    for x, label in zip(xs, panel.x.labels, strict=True):
        canvas.text(x, rect.bottom - gap, label, size=size, align="center", vertical="top")
    for y, label in zip(ys, panel.y.labels, strict=True):
        left = rect.left - gap
        canvas.text(left, y, label, size=size, align="right", vertical="center_baseline")


def _draw_caption_below(canvas: Canvas, panel: Panel) -> None:
    rect, font = panel.rect, canvas.style.font_size
    caption, size = _fit_caption(canvas, panel.x.caption, rect.width + 2 * font)
    half = text_width(caption, size) / 2 + 0.5 * font
    x = min(max(rect.left + rect.width / 2, half), canvas.area.width - half)
    y = rect.bottom - (_TICK + _LABEL_GAP + _LINE_HEIGHT * _LABEL_SIZE) * font
    canvas.text(x, y, caption, size=size, align="center", vertical="top")


def _draw_caption_aside(canvas: Canvas, panel: Panel) -> None:
    rect, font = panel.rect, canvas.style.font_size
    caption, size = _fit_caption(canvas, panel.y.caption, rect.height + 2 * font)
    half = text_width(caption, size) / 2 + 0.5 * font
    y = min(max(rect.bottom + rect.height / 2, half), canvas.area.height - half)
    labels = _label_width(canvas, panel.y.labels)
    x = rect.left - (_TICK + _LABEL_GAP + _CAPTION_GAP) * font - labels
    canvas.text(x, y, caption, size=size, align="center", rotation=90)


def _fit_caption(canvas: Canvas, caption: str, room: float) -> tuple[str, float]:
    """Return a caption and its size, made smaller and at last cut to fit."""
    font = canvas.style.font_size
    room = min(room, canvas.area.width - font)
    size = font * min(1.0, max(0.65, 0.97 * room / max(text_width(caption, font), 1.0)))
    return shorten(caption, size, room), size


def _label_width(canvas: Canvas, labels: Sequence[str]) -> float:
    size = _LABEL_SIZE * canvas.style.font_size
    return max((text_width(label, size) for label in labels), default=0.0)


def _points(x: Array | float, y: Array | float) -> Array:
    """Return points (n, 2)."""
    return np.stack(np.broadcast_arrays(x, y), axis=-1).astype(np.float64)
