"""Annotations over a heatmap: points, paths, the optimum and the profile."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.engine.types import Array
from service.figures.canvas import Canvas, Stroke
from service.figures.geometry import Panel, Rect
from service.figures.style import Style
from service.figures.text import format_weights, text_width

HALO = "#ffffff"
OUTLINE = "#14181d"
OPTIMUM = "#ffd23f"
_SHAPES = ("o", "s", "D")  # of points, which have as many looks as colors times shapes
_RINGS = 6
_DIRECTIONS = 16
_DASHES: tuple[tuple[float, ...] | None, ...] = (None, (7, 3), (2, 2), (9, 2.5, 2, 2.5))


@dataclass(frozen=True)
class LabeledPath:
    """The path of a training run: w_in and w_rec (m, 2), where nan interrupts the line."""

    label: str
    weights: Array


def path_stroke(style: Style, index: int) -> Stroke:
    """Return the color and dashes of path number ``index``; they repeat after 32 paths."""
    series = style.colors.series
    cycle, color = divmod(index, len(series))
    dashes = _DASHES[(color + cycle) % len(_DASHES)]
    return Stroke(series[color], style.font_size * 0.16, dashes)


def draw_path(canvas: Canvas, panel: Panel, path: LabeledPath, stroke: Stroke) -> None:
    """Draw a path with a white casing, a ring at its start and a square at its end."""
    weights = np.asarray(path.weights, dtype=np.float64).reshape(-1, 2)
    xs, ys = panel.to_canvas(weights[:, 0], weights[:, 1])
    canvas.line(xs, ys, Stroke(OUTLINE, stroke.width + 2.2, alpha=0.55), panel.rect)
    canvas.line(xs, ys, Stroke(HALO, stroke.width + 1.2), panel.rect)
    canvas.line(xs, ys, stroke, panel.rect)
    drawn = np.flatnonzero(np.isfinite(xs))
    if not drawn.size:
        return
    size = 0.7 * canvas.style.font_size
    ends = [(drawn[0], "o", HALO, stroke.color), (drawn[-1], "s", stroke.color, HALO)]
    for at, shape, face, edge in ends:
        end = (xs[at : at + 1], ys[at : at + 1])
        if _inside(panel.rect, *end)[0]:
            draw_marker(canvas, end, shape, size, (face, edge))


def draw_marker(
    canvas: Canvas, at: tuple[Array, Array], shape: str, size: float, colors: tuple[str, str]
) -> None:
    """Draw a marker with a dark outline; ``colors`` are those of its face and its edge."""
    face, edge = colors
    canvas.markers(*at, shape=shape, size=size + 2.6, face=OUTLINE, edge="none", edge_width=0)
    canvas.markers(*at, shape=shape, size=size, face=face, edge=edge, edge_width=2)


def draw_profile(canvas: Canvas, panel: Panel, profile: Array) -> None:
    """Draw the profile (m, 2), the best w_in for each w_rec, as a white dotted line."""
    xs, ys = panel.to_canvas(profile[:, 0], profile[:, 1])
    canvas.line(xs, ys, Stroke(OUTLINE, 2.6, alpha=0.5), panel.rect)
    canvas.line(xs, ys, Stroke(HALO, 1.6, (3, 3)), panel.rect)


def draw_optimum(
    canvas: Canvas, panel: Panel, optimum: tuple[float, float], *, below_paths: bool = False
) -> None:
    """Mark the optimum (w_in, w_rec) with a star if it lies in the panel.

    A star below paths is larger, so that it is visible around the end of a path.
    """
    at = panel.to_canvas(np.array([optimum[0]]), np.array([optimum[1]]))
    if _inside(panel.rect, *at)[0]:
        size = (2.0 if below_paths else 1.25) * canvas.style.font_size
        canvas.markers(*at, shape="*", size=size, face=OPTIMUM, edge=OUTLINE, edge_width=1.2)


def draw_points(
    canvas: Canvas,
    panel: Panel,
    points: Sequence[tuple[float, float]],
    optimum: tuple[float, float] | None = None,
) -> None:
    """Draw points with their weights beside them.

    A label hides neither a point nor the optimum nor another label. It stands to the right of its
    point if possible, or farther away with a line to the point. It is left out if there is no room.
    Points outside the panel are skipped.
    """
    if not points:
        return
    weights = np.array(points, dtype=np.float64)
    xs, ys = panel.to_canvas(weights[:, 0], weights[:, 1])
    shown = np.flatnonzero(_inside(panel.rect, xs, ys)).tolist()
    size = 0.62 * canvas.style.font_size
    colors = canvas.colors.series
    for i in shown:
        at = (xs[i : i + 1], ys[i : i + 1])
        cycle, color = divmod(i, len(colors))
        shape, face = _SHAPES[cycle % len(_SHAPES)], colors[color]
        canvas.markers(*at, shape=shape, size=size + 4, face=OUTLINE, edge="none", edge_width=0)
        canvas.markers(*at, shape=shape, size=size, face=face, edge=HALO, edge_width=1.5)
    labels = [(float(xs[i]), float(ys[i]), format_weights(*points[i])) for i in shown]
    occupied = [(x, y) for x, y, _ in labels]
    if optimum is not None:
        star = panel.to_canvas(np.array([optimum[0]]), np.array([optimum[1]]))
        occupied.append((float(star[0][0]), float(star[1][0])))
    draw_labels(canvas, panel.rect, labels, occupied, size / 2 + 2)


def draw_labels(
    canvas: Canvas,
    rect: Rect,
    labels: Sequence[tuple[float, float, str]],
    occupied: Sequence[tuple[float, float]],
    radius: float,
) -> None:
    """Draw labels (x, y, text) beside their points, clear of circles around ``occupied``.

    A label for which there is no room is left out.
    """
    taken = [Rect(x - radius, y - radius, x + radius, y + radius) for x, y in occupied]
    size = 0.85 * canvas.style.font_size
    placed = []
    for x, y, text in labels:
        label_size = text_width(text, size) + 0.7 * size, 1.4 * size
        box = _free_box(rect, label_size, (x, y), radius, taken)
        if box is not None:
            taken.append(box)
            placed.append((box, text))
            _draw_leader(canvas, (x, y), box, radius)
    for box, text in placed:
        canvas.box(box, face=canvas.colors.background, alpha=0.88)
        center = (box.left + box.right) / 2, (box.bottom + box.top) / 2
        canvas.text(*center, text, size=size, align="center", vertical="center_baseline")


def _draw_leader(canvas: Canvas, point: tuple[float, float], box: Rect, radius: float) -> None:
    """Draw a line from a point to its label, unless the label is beside the point."""
    (x, y) = point
    end = min(max(x, box.left), box.right), min(max(y, box.bottom), box.top)
    distance = float(np.hypot(end[0] - x, end[1] - y))
    if distance > 2 * radius + 2:
        start = x + radius * (end[0] - x) / distance, y + radius * (end[1] - y) / distance
        xs, ys = np.array([start, end]).T
        canvas.line(xs, ys, Stroke(HALO, 2.2))
        canvas.line(xs, ys, Stroke(OUTLINE, 1.0))


def _free_box(
    rect: Rect,
    size: tuple[float, float],
    point: tuple[float, float],
    radius: float,
    taken: Sequence[Rect],
) -> Rect | None:
    """Return the first free position inside ``rect``: beside the point, or farther away."""
    (x, y), (width, height) = point, size
    half_width, half_height, gap = width / 2, height / 2, radius + 1.5
    right, left = x + gap + half_width, x - gap - half_width
    centers = [
        (right, y),
        (left, y),
        (x, y + gap + half_height),
        (x, y - gap - half_height),
        (right, y + height * 0.8),
        (right, y - height * 0.8),
        (left, y + height * 0.8),
        (left, y - height * 0.8),
    ]
    for ring, turn in itertools.product(range(1, _RINGS + 1), range(_DIRECTIONS)):
        angle, far = 2 * math.pi * turn / _DIRECTIONS, gap + (ring + 0.5) * height
        centers.append(
            (x + (far + half_width) * math.cos(angle), y + (far + half_height) * math.sin(angle))
        )
    for cx, cy in centers:
        box = Rect(cx - half_width, cy - half_height, cx + half_width, cy + half_height)
        if rect.contains(box) and not any(box.overlaps(other) for other in taken):
            return box
    return None


def _inside(rect: Rect, xs: Array, ys: Array) -> NDArray[np.bool_]:
    """Return which points lie in a rectangle, with a little slack; nan does not."""
    from_center = np.abs(xs - rect.left - rect.width / 2)
    from_middle = np.abs(ys - rect.bottom - rect.height / 2)
    return np.asarray(
        (from_center <= rect.width / 2 + 0.01) & (from_middle <= rect.height / 2 + 0.01)
    )
