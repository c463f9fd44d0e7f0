"""Heatmaps of the cost: the color of every pixel, and contours as lines."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from contourpy import LineType, contour_generator
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.transforms import BboxTransformTo

from service.engine.types import Array
from service.figures.canvas import Canvas
from service.figures.color_bands import ColorBands
from service.figures.panels import Panel, draw_color_bar

# A function that returns log10(cost), (rows, columns), for w_in (1, columns) and w_rec (rows, 1).
# It is -inf where the cost is 0, finite where the cost overflows, and nan where it is undefined.
Log10Cost = Callable[[Array, Array], Array]

_MAX_NODES = 200  # per axis of the grid for tracing contours


@dataclass(frozen=True)
class Window:
    """A rectangle of weights: (low, high) of each, low < high."""

    w_in: tuple[float, float]
    w_rec: tuple[float, float]


def costs_of_pixels(canvas: Canvas, panel: Panel, log10_cost: Log10Cost) -> Array:
    """Return log10(cost) at the centers of a panel's pixels (rows, columns), from the top."""
    columns, rows = canvas.pixel_size(panel.rect)
    return log10_cost(panel.x.centers(columns)[None, :], panel.y.centers(rows)[::-1, None])


def interpolate(log10_cost: Log10Cost, stride: int) -> Log10Cost:
    """Return a function that evaluates ``log10_cost`` at every ``stride``-th weight per axis.

    Between these weights, and the last one of each axis, the logarithm is interpolated
    bilinearly. A cost of 0 counts as a tenth of the lowest other cost.
    """

    def interpolated(w_in: Array, w_rec: Array) -> Array:
        columns, rows = (
            np.unique(np.append(np.arange(0, w.size, stride), w.size - 1)) for w in (w_in, w_rec)
        )
        values = log10_cost(w_in[:, columns], w_rec[rows])
        lowest = np.min(values, initial=0.0, where=np.isfinite(values))
        values = np.where(values == -inf, lowest - 1, values)
        values = np.array([np.interp(np.arange(w_in.size), columns, row) for row in values])
        return np.array([np.interp(np.arange(w_rec.size), rows, each) for each in values.T]).T

    return log10_cost if stride == 1 else interpolated


def draw_costs(canvas: Canvas, panel: Panel, log10_costs: Array, bands: ColorBands) -> None:
    """Draw the cost at the pixels (rows, columns) of a panel, with a contour between two bands."""
    canvas.image(bands.colors(log10_costs, canvas.colors.missing), panel.rect)
    path = contour_lines(log10_costs, bands).transformed(BboxTransformTo(panel.rect))
    canvas.add(PathPatch(path, facecolor="none", linewidth=0.45, alpha=0.4), panel.rect)


def draw_cost_bar(canvas: Canvas, left: float, panels: Sequence[Panel], bands: ColorBands) -> None:
    """Draw the color bar of bands next to panels."""
    draw_color_bar(canvas, left, [panel.rect for panel in panels], bands.palette, bands.axis)


def contour_lines(log10_costs: Array, bands: ColorBands) -> Path:
    """Return the contours between bands in units of the panel.

    The costs are those at the centers of pixels (rows, columns), from the top.
    """
    stride = -(-max(log10_costs.shape) // _MAX_NODES)
    y, x = ((np.arange(0, n, stride) + 0.5) / n for n in log10_costs.shape)
    thresholds = bands.thresholds[np.isfinite(bands.thresholds)]
    if not thresholds.size or min(x.size, y.size) < 2:
        return Path(np.empty((0, 2)))
    # An infinity would break the interpolation next to it; one decade past the last threshold
    # gives the same contours.
    values = log10_costs[::-1][::stride, ::stride]
    values = np.clip(values, thresholds[0] - 1, thresholds[-1] + 1)
    nodes = np.ma.masked_invalid(values)
    generator = contour_generator(x, y, nodes, line_type=LineType.SeparateCode)
    paths = [
        Path(*line) for level in thresholds for line in zip(*generator.lines(level), strict=True)
    ]
    return Path.make_compound_path(*paths)
