"""Annotations on a heatmap: points, paths, the optimum and the profile."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from service.engine.types import Array
from service.figures.canvas import Canvas, Look, marker, sample, stroke
from service.figures.numbers import format_weights
from service.figures.panels import Panel
from service.figures.style import Style
from service.figures.text import text_width

HALO = "#ffffff"
OUTLINE = "#14181d"
OPTIMUM = marker("*", 11.0, "#ffd23f", OUTLINE)
_PROFILE_DASHES = (2.2, 2.2)
_SHAPES = ("o", "s", "D")  # of points; there are as many styles as colors times shapes
_RINGS = 6
_DIRECTIONS = 16
_DASHES = (None, (5.0, 2.2), (1.5, 1.5), (6.5, 1.8, 1.5, 1.8))


def path_look(style: Style, index: int) -> Look:
    """Return the color and dashes of path number ``index``; they repeat after 32 paths."""
    series = style.colors.series
    cycle, color = divmod(index, len(series))
    return stroke(series[color], style.font_size * 0.16, _DASHES[(color + cycle) % len(_DASHES)])


def surface_entries(
    style: Style, paths: Sequence[str], *, optimum: bool, profile: bool = False
) -> list[Line2D]:
    """Return the legend of a cost surface: the names of paths and markers."""
    background, foreground = style.colors.background, style.colors.foreground
    entries = [sample(path, path_look(style, i)) for i, path in enumerate(paths)]
    if paths:
        entries.append(sample("start", marker("o", 6, background, foreground)))
        entries.append(sample("end", marker("s", 6, foreground)))
    if optimum:
        entries.append(sample("optimum", OPTIMUM))
    if profile:
        entries.append(sample("best w_in", stroke(foreground, 1.2, _PROFILE_DASHES)))
    return entries


def draw_path(canvas: Canvas, panel: Panel, weights: Array, look: Look) -> None:
    """Draw a path (m, 2) with a white casing, a ring at its start and a square at its end."""
    xs, ys = panel.to_canvas(*np.reshape(weights, (-1, 2)).T)
    width, color = look["linewidth"], look["color"]
    canvas.line(xs, ys, stroke(OUTLINE, width + 1.6, alpha=0.55), panel.rect)
    canvas.line(xs, ys, stroke(HALO, width + 0.9), panel.rect)
    canvas.line(xs, ys, look, panel.rect)
    drawn = np.flatnonzero(np.isfinite(xs))
    for at, shape, face, edge in ((drawn[:1], "o", HALO, color), (drawn[-1:], "s", color, HALO)):
        inside = at[_inside(panel.rect, xs[at], ys[at])]
        draw_marker(canvas, xs[inside], ys[inside], marker(shape, 0.7 * canvas.font, face, edge))


def draw_marker(canvas: Canvas, x: Array, y: Array, look: Look) -> None:
    """Draw markers with a thick edge and a dark outline."""
    canvas.line(x, y, marker(look["marker"], look["markersize"] + 2.8, OUTLINE))
    canvas.line(x, y, {**look, "markeredgewidth": 1.2})


def draw_profile(canvas: Canvas, panel: Panel, profile: Array) -> None:
    """Draw the profile (m, 2), the best w_in for each w_rec, as a white dotted line."""
    xs, ys = panel.to_canvas(*profile.T)
    canvas.line(xs, ys, stroke(OUTLINE, 1.9, alpha=0.5), panel.rect)
    canvas.line(xs, ys, stroke(HALO, 1.2, _PROFILE_DASHES), panel.rect)


def draw_optimum(canvas: Canvas, panel: Panel, optimum: tuple[float, float]) -> None:
    """Mark the optimum (w_in, w_rec) with a star if it is in the panel.

    The star extends beyond the end of a path that is drawn over it.
    """
    x, y = panel.to_canvas(*np.array(optimum)[:, None])
    if _inside(panel.rect, x, y)[0]:
        canvas.line(x, y, {**OPTIMUM, "markersize": 2 * canvas.font})


def draw_points(
    canvas: Canvas,
    panel: Panel,
    points: Sequence[tuple[float, float]],
    optimum: tuple[float, float] | None = None,
) -> None:
    """Draw points with their weights next to them.

    A label does not cover a point, the optimum or another label. Points outside the panel are
    skipped.
    """
    xs, ys = panel.to_canvas(*np.reshape(points, (-1, 2)).T)
    shown = np.flatnonzero(_inside(panel.rect, xs, ys)).tolist()
    size, colors = 0.62 * canvas.font, canvas.colors.series
    for i in shown:
        cycle, color = divmod(i, len(colors))
        look = marker(_SHAPES[cycle % len(_SHAPES)], size, colors[color], HALO)
        draw_marker(canvas, xs[i : i + 1], ys[i : i + 1], look)
    labels = [(xs[i], ys[i], format_weights(*points[i])) for i in shown]
    occupied = np.stack([xs[shown], ys[shown]], axis=1)
    if optimum is not None:
        occupied = np.vstack([occupied, np.ravel(panel.to_canvas(*np.array(optimum)[:, None]))])
    draw_labels(canvas, panel.rect, labels, occupied, size / 2 + 1.4)


def draw_labels(
    canvas: Canvas,
    rect: Bbox,
    labels: Sequence[tuple[float, float, str]],
    occupied: Array,
    radius: float,
) -> None:
    """Draw labels (x, y, text) next to their points, outside circles around ``occupied`` (n, 2).

    A label is to the right of its point if possible, or farther away with a line to the point. It
    is omitted if there is no space.
    """
    size = 0.85 * canvas.font
    taken = np.hstack([occupied - radius, occupied + radius])  # (n, 4): x0, y0, x1, y1
    placed = []
    for x, y, text in labels:
        point = np.array([x, y])
        half = np.array([text_width(text, size) + 0.7 * size, 1.4 * size]) / 2
        centers = point + _offsets(half, radius + 1.1)
        boxes = np.hstack([centers - half, centers + half])
        inside = (boxes[:, :2] >= rect.min).all(axis=1) & (boxes[:, 2:] <= rect.max).all(axis=1)
        overlaps = (boxes[:, None, :2] < taken[:, 2:]) & (taken[:, :2] < boxes[:, None, 2:])
        free = boxes[inside & ~np.any(np.all(overlaps, axis=2), axis=1)]
        if len(free):
            taken = np.vstack([taken, free[0]])
            placed.append((free[0].reshape(2, 2), text))
            _draw_leader(canvas, point, np.clip(point, free[0, :2], free[0, 2:]), radius)
    face = canvas.colors.background
    for box, text in placed:
        canvas.add(Rectangle(box[0], *np.ptp(box, axis=0), facecolor=face, alpha=0.88, linewidth=0))
        x, y = box.mean(axis=0)
        canvas.text(x, y, text, size=size, ha="center", va="center_baseline")


def _offsets(half: Array, gap: float) -> Array:
    """Return possible centers of a label relative to its point: next to it, then in rings."""
    (right, up), aside = half + gap, 1.6 * half[1]
    beside = [(right, 0), (-right, 0), (0, up), (0, -up)]
    beside += [(x, y) for x in (right, -right) for y in (aside, -aside)]
    turns = 2 * math.pi * np.arange(_DIRECTIONS) / _DIRECTIONS
    unit = np.column_stack([np.cos(turns), np.sin(turns)])
    far = gap + (2 * np.arange(1, _RINGS + 1)[:, None, None] + 1) * half[1]
    return np.vstack([beside, (unit * (far + half)).reshape(-1, 2)])


def _draw_leader(canvas: Canvas, point: Array, end: Array, radius: float) -> None:
    """Draw a line from a point to its label, unless they are adjacent."""
    distance = float(np.hypot(*(end - point)))
    if distance > 2 * radius + 1.4:
        xs, ys = np.array([point + radius * (end - point) / distance, end]).T
        canvas.line(xs, ys, stroke(HALO, 1.6))
        canvas.line(xs, ys, stroke(OUTLINE, 0.7))


def _inside(rect: Bbox, xs: Array, ys: Array) -> NDArray[np.bool_]:
    """Return True for points in a rectangle, with a small tolerance; False for nan."""
    inside = rect.padded(0.01)
    (x0, y0), (x1, y1) = inside.min, inside.max
    return np.asarray((xs >= x0) & (xs <= x1) & (ys >= y0) & (ys <= y1))
