"""Heatmaps of the cost: a color per pixel, and contours as lines."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

import numpy as np
from matplotlib.axes import Axes

from service.engine.types import Array
from service.figures.color_bands import ColorBands
from service.figures.page import Look, Page
from service.figures.scales import PowerFormatter
from service.figures.text import typeset

# A function that returns log10(cost), (rows, columns), for w_in (1, columns) and w_rec (rows, 1).
# It is -inf where the cost is 0, finite where the cost overflows, and nan where it is undefined.
Log10Cost = Callable[[Array, Array], Array]

_MAX_NODES = 200  # per axis of the grid for tracing contours


@dataclass(frozen=True)
class Window:
    """A rectangle of weights: (low, high) of each, low < high."""

    w_in: tuple[float, float]
    w_rec: tuple[float, float]


def compute_costs(axes: Axes, window: Window, log10_cost: Log10Cost) -> Array:
    """Return log10(cost) at the centers of the pixels (rows, columns) of axes, from below."""
    columns, rows = (max(2, round(side)) for side in axes.bbox.size)
    w_in, w_rec = _centers(window.w_in, columns), _centers(window.w_rec, rows)
    return log10_cost(w_in[None, :], w_rec[:, None])


def _centers(limits: tuple[float, float], n: int) -> Array:
    """Return the centers of n equal cells."""
    fractions = (np.arange(n) + 0.5) / n
    return limits[0] * (1 - fractions) + limits[1] * fractions


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


def name_weights(axes: Axes, window: Window) -> None:
    """Give axes the limits of a window, and the names of the weights."""
    axes.set(xlim=window.w_in, ylim=window.w_rec)
    axes.set(xlabel=typeset("w_in"), ylabel=typeset("w_rec"))


def draw_costs(
    page: Page, axes: Axes, window: Window, log10_costs: Array, bands: ColorBands
) -> None:
    """Draw costs (rows, columns) in a window, with a contour between two bands."""
    colors = bands.make_colors(page.colors.missing)
    values = np.ma.masked_invalid(bands.place(log10_costs))
    options: Look = {"origin": "lower", "aspect": "auto", "interpolation": "nearest"}
    pixels = colors.to_rgba(values, bytes=True)
    axes.imshow(pixels, extent=(*window.w_in, *window.w_rec), **options)
    stride = -(-max(values.shape) // _MAX_NODES)
    nodes = values[::stride, ::stride]
    levels = [edge for edge in bands.edges[1:-1] if nodes.min() < edge < nodes.max()]
    if levels:
        x, y = _centers(window.w_in, values.shape[1]), _centers(window.w_rec, values.shape[0])
        look: Look = {"colors": "black", "linewidths": 0.45, "alpha": 0.4}
        axes.contour(x[::stride], y[::stride], nodes, levels, **look)


def draw_cost_bar(page: Page, axes: Axes, bands: ColorBands) -> None:
    """Draw the color bar of bands."""
    ticks = bands.find_ticks(page.n_bar_ticks)
    page.fill_bar(axes, bands.make_colors(), ticks, bands.caption, PowerFormatter())
