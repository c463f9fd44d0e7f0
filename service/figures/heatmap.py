"""Heatmaps of the cost: the color of every pixel, and contours as lines."""

import math
from collections.abc import Callable
from typing import cast

import numpy as np
from contourpy import LineType, contour_generator
from matplotlib.path import Path
from numpy.typing import NDArray

from service.engine.types import Array
from service.figures.axis import Axis
from service.figures.canvas import Canvas, Pixels, Stroke
from service.figures.color_bands import ColorBands
from service.figures.frame import draw_color_bar
from service.figures.geometry import Panel, Rect

Log10Cost = Callable[[Array, Array], Array]
"""Returns log10(cost), (rows, columns), for w_in (1, columns) and w_rec (rows, 1).

It is -inf where the cost is 0, finite where the cost overflows, and nan where it is undefined.
"""

_SHADES = 8  # of a contour's antialiasing
_CONTOUR_ALPHA = 0.4
CONTOUR_NODES = 260  # per axis of the grid that contours are traced on
CONTOUR_WIDTH = 0.6  # in CSS pixels
_CONTOUR = Stroke("#000000", CONTOUR_WIDTH, alpha=_CONTOUR_ALPHA)


def paint(log10_costs: Array, bands: ColorBands, missing: str, line_width: float) -> Pixels:
    """Color each pixel (rows, columns) by its band, and draw thin contours between bands.

    The color between contours is exactly that of the band. The darkness of a contour at a pixel
    follows from the pixel's distance to it, |log10(cost) - threshold| over the slope, so it is as
    smooth as an antialiased line. ``line_width`` is the width of contours in pixels, 0 for none;
    ``missing`` is the color of nan.
    """
    indices = bands.indices(log10_costs)
    palette = _darkened(bands.palette(missing))
    shades = indices.astype(np.int16) * _SHADES
    near = np.flatnonzero(_at_edges(indices))
    shades.reshape(-1)[near] += _darkness(log10_costs, indices, bands.thresholds, near, line_width)
    return palette[shades].view(np.uint8).reshape(*shades.shape, 4)


def draw_cost_bar(canvas: Canvas, bar: Rect, bands: ColorBands) -> None:
    """Draw the color bar of some bands, with as many ticks as there is room for."""
    axis = bands.axis(max(2, int(bar.height / (1.7 * canvas.style.font_size))))
    draw_color_bar(canvas, bar, bands.palette("#000000")[:-1], axis)


def draw_contours(canvas: Canvas, panel: Panel, bands: ColorBands, log10_cost: Log10Cost) -> None:
    """Draw the contours of a panel as lines."""
    vertices, codes = contour_lines(panel.x, panel.y, bands, log10_cost)
    corner, size = panel.rect[:2], (panel.rect.width, panel.rect.height)
    canvas.path(vertices * size + corner, codes, _CONTOUR, panel.rect)


def contour_lines(
    x: Axis, y: Axis, bands: ColorBands, log10_cost: Log10Cost
) -> tuple[Array, NDArray[np.uint8]]:
    """Return the contours between bands as one Matplotlib path.

    These are vertices (n, 2) in units of the panel, and path codes (n,).
    """
    units = np.linspace(0.0, 1.0, CONTOUR_NODES)
    w_in = x.low * (1 - units) + x.high * units
    w_rec = y.low * (1 - units) + y.high * units
    values = log10_cost(w_in[None, :], w_rec[:, None])
    thresholds = bands.thresholds[np.isfinite(bands.thresholds)]
    if not thresholds.size:
        return np.empty((0, 2)), np.empty(0, np.uint8)
    # An infinity would break the interpolation next to it: one decade past the last threshold
    # gives the same contours.
    values = np.clip(values, thresholds[0] - 1, thresholds[-1] + 1)
    generator = contour_generator(
        units, units, np.ma.masked_invalid(values), line_type=LineType.ChunkCombinedCode
    )
    vertices: list[Array] = [np.empty((0, 2))]
    codes: list[NDArray[np.uint8]] = [np.empty(0, np.uint8)]
    for threshold in thresholds:
        # The grid is one chunk; its lines are None where there is no contour.
        points, kinds = cast(
            "tuple[list[Array | None], list[NDArray[np.uint8]]]", generator.lines(threshold)
        )
        if points[0] is not None:
            vertices.append(points[0])
            codes.append(kinds[0])
    path = np.concatenate(codes).astype(np.uint8)
    # Loops already end where they began. Matplotlib simplifies plain lines, but not closed paths.
    path[path == Path.CLOSEPOLY] = Path.LINETO
    return np.concatenate(vertices), path


def _at_edges(indices: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which pixels have another band to the left, right, above or below."""
    near = np.zeros(indices.shape, np.bool_)
    beside = indices[:, 1:] != indices[:, :-1]
    near[:, 1:] |= beside
    near[:, :-1] |= beside
    above = indices[1:] != indices[:-1]
    near[1:] |= above
    near[:-1] |= above
    return near


def _darkness(
    log10_costs: Array,
    indices: NDArray[np.uint8],
    thresholds: Array,
    near: NDArray[np.intp],
    line_width: float,
) -> NDArray[np.int16]:
    """Return how much of each pixel in ``near`` a contour covers, 0 to ``_SHADES`` - 1."""
    rows, columns = log10_costs.shape
    flat, row, column = log10_costs.reshape(-1), near // columns, near % columns
    left, right = np.maximum(column - 1, 0), np.minimum(column + 1, columns - 1)
    above, below = np.maximum(row - 1, 0), np.minimum(row + 1, rows - 1)
    start = row * columns
    limits = np.concatenate([[-math.inf], thresholds, [math.inf, math.inf]])
    index, here = indices.reshape(-1)[near], flat[near]
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        across = (flat[start + right] - flat[start + left]) / np.maximum(right - left, 1)
        up = (flat[below * columns + column] - flat[above * columns + column]) / np.maximum(
            below - above, 1
        )
        gap = np.minimum(here - limits[index], limits[index + 1] - here)
        distance = gap / np.hypot(across, up)
        cover = np.clip((line_width + 1) / 2 - distance, 0.0, min(line_width, 1.0))
    return np.asarray(np.rint(np.nan_to_num(cover) * (_SHADES - 1)), dtype=np.int16)


def _darkened(colors: Pixels) -> NDArray[np.uint32]:
    """Return each color under ever more of a contour, packed: (n * _SHADES,) RGBA."""
    weight = _CONTOUR_ALPHA * np.arange(_SHADES)[None, :, None] / (_SHADES - 1)
    shades = np.repeat(colors[:, None, :], _SHADES, axis=1).astype(np.float64)
    shades[..., :3] *= 1 - weight
    return np.ascontiguousarray(np.rint(shades).astype(np.uint8)).view(np.uint32).reshape(-1)
