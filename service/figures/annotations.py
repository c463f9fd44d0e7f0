"""Annotations on axes: labels, and the points, paths, optimum and profile of a cost surface."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from numpy.typing import ArrayLike, NDArray

from service.engine.numbers import format_weights
from service.engine.types import Array
from service.figures.page import Look, Page, marker, sample, stroke
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
_ON_FRAME: Look = {"clip_on": False, "zorder": 3}  # of markers
_FAR = 1e100  # the largest weight that is drawn


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


def draw_path(page: Page, axes: Axes, weights: Array, look: Look) -> None:
    """Draw a path (m, 2) with a white casing, a ring at its start and a square at its end."""
    weights = np.clip(np.reshape(weights, (-1, 2)), -_FAR, _FAR)
    width, color = look["linewidth"], look["color"]
    casing = stroke(OUTLINE, width + 1.6, alpha=0.55)
    for each in (casing, stroke(HALO, width + 0.9), look):
        axes.plot(*weights.T, **each)
    drawn = weights[np.isfinite(weights).all(axis=1)]
    draw_marker(axes, drawn[:1], marker("o", 0.7 * page.font, HALO, color))
    draw_marker(axes, drawn[-1:], marker("s", 0.7 * page.font, color, HALO))


def draw_marker(axes: Axes, points: ArrayLike, look: Look) -> None:
    """Draw markers with a thick edge and a dark outline at the points (m, 2) in the axes."""
    points = np.reshape(points, (-1, 2))
    xs, ys = points[_inside(axes, points)].T
    outline = marker(look["marker"], look["markersize"] + 2.8, OUTLINE)
    for each in (outline, {**look, "markeredgewidth": 1.2}):
        axes.plot(xs, ys, **each, **_ON_FRAME)


def draw_profile(axes: Axes, profile: Array) -> None:
    """Draw the profile (m, 2), the best w_in for each w_rec, as a white dotted line."""
    for look in (stroke(OUTLINE, 1.9, alpha=0.5), stroke(HALO, 1.2, _PROFILE_DASHES)):
        axes.plot(*np.clip(profile, -_FAR, _FAR).T, **look)


def draw_optimum(page: Page, axes: Axes, optimum: tuple[float, float]) -> None:
    """Mark the optimum (w_in, w_rec) with a star if it is in the axes.

    The star extends beyond the end of a path that is drawn over it.
    """
    if _inside(axes, np.array([optimum]))[0]:
        look = {**OPTIMUM, "markersize": 2 * page.font}
        axes.plot(*optimum, **look, **_ON_FRAME)


def draw_points(
    page: Page,
    axes: Axes,
    points: Sequence[tuple[float, float]],
    optimum: tuple[float, float] | None = None,
) -> None:
    """Draw points with their weights next to them, in axes that are laid out.

    A label does not cover a point, the optimum or another label. Points outside the axes are
    skipped.
    """
    places = np.reshape(points, (-1, 2))
    shown = np.flatnonzero(_inside(axes, places)).tolist()
    size, colors = 0.62 * page.font, page.colors.series
    for i in shown:
        cycle, color = divmod(i, len(colors))
        draw_marker(
            axes, places[i], marker(_SHAPES[cycle % len(_SHAPES)], size, colors[color], HALO)
        )
    others = np.array([] if optimum is None else [optimum])
    names = [format_weights(*points[i]) for i in shown]
    draw_labels(page, axes, places[shown], names, others, size / 2 + 1.4)


def draw_labels(
    page: Page,
    axes: Axes,
    points: Array,
    texts: Sequence[str],
    others: Array,
    radius: float,
) -> None:
    """Draw texts next to their points (m, 2), outside circles around these and ``others`` (n, 2).

    A label is to the right of its point if possible, or farther away with a line to the point. It
    is omitted if there is no space. The axes are laid out.
    """
    size, scale = 0.85 * page.font, 72 / page.style.dpi
    everything = np.concatenate([np.reshape(points, (-1, 2)), np.reshape(others, (-1, 2))])
    occupied = scale * axes.transData.transform(everything)
    low, high = scale * axes.bbox.get_points()
    taken = np.hstack([occupied - radius, occupied + radius])  # (n, 4): x0, y0, x1, y1
    for point, at, text in zip(points, occupied, texts, strict=False):
        half = np.array([text_width(text, size) + 0.7 * size, 1.4 * size]) / 2
        centers = at + _offsets(half, radius + 1.1)
        boxes = np.hstack([centers - half, centers + half])
        inside = (boxes[:, :2] >= low).all(axis=1) & (boxes[:, 2:] <= high).all(axis=1)
        overlaps = (boxes[:, None, :2] < taken[:, 2:]) & (taken[:, :2] < boxes[:, None, 2:])
        free = np.flatnonzero(inside & ~np.any(np.all(overlaps, axis=2), axis=1))
        if len(free):
            box = boxes[free[0]]
            taken = np.vstack([taken, box])
            distance = np.hypot(*(np.clip(at, box[:2], box[2:]) - at))
            is_far = distance > 2 * radius + 1.4
            _draw_label(page, axes, text, (point, centers[free[0]] - at), radius if is_far else 0.0)


def thin(page: Page, axes: Axes, line: Array) -> Array:
    """Return points of a line (m, 2) of which ``draw_labels`` avoids all by avoiding few."""
    width = axes.bbox.width * 72 / page.style.dpi
    return line[:: max(1, int(len(line) * 0.6 * page.font / width))]


def _draw_label(
    page: Page, axes: Axes, text: str, places: tuple[Array, Array], shrink: float
) -> None:
    """Write a text at a point and an offset, with a line that ends ``shrink`` before the point."""
    size = 0.85 * page.font
    leader = {
        "arrowstyle": "-",
        "color": OUTLINE,
        "linewidth": 0.7,
        "shrinkA": 0,
        "shrinkB": shrink,
        "path_effects": [withStroke(linewidth=2.0, foreground=HALO)],
    }
    face = page.colors.background
    axes.annotate(
        text,
        tuple(places[0]),
        tuple(places[1]),
        textcoords="offset points",
        size=size,
        color=page.colors.foreground,
        ha="center",
        va="center_baseline",
        bbox={"boxstyle": "square,pad=0.25", "facecolor": face, "alpha": 0.88, "linewidth": 0},
        arrowprops=leader if shrink else None,
        zorder=3,
    )


def _offsets(half: Array, gap: float) -> Array:
    """Return possible centers of a label relative to its point: next to it, then in rings."""
    (right, up), aside = half + gap, 1.6 * half[1]
    beside = [(right, 0), (-right, 0), (0, up), (0, -up)]
    beside += [(x, y) for x in (right, -right) for y in (aside, -aside)]
    turns = 2 * math.pi * np.arange(_DIRECTIONS) / _DIRECTIONS
    unit = np.column_stack([np.cos(turns), np.sin(turns)])
    far = gap + (2 * np.arange(1, _RINGS + 1)[:, None, None] + 1) * half[1]
    return np.vstack([beside, (unit * (far + half)).reshape(-1, 2)])


def _inside(axes: Axes, points: Array) -> NDArray[np.bool_]:
    """Return True for points (m, 2) within the limits of the axes, False for nan."""
    low, high = np.sort([axes.get_xlim(), axes.get_ylim()]).T
    return np.asarray(((points >= low) & (points <= high)).all(axis=1))
