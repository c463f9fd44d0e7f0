"""Heatmaps of the cost: the color of every pixel, and contours as lines."""

from collections.abc import Callable
from typing import cast

import numpy as np
from contourpy import LineType, contour_generator
from matplotlib.path import Path
from numpy.typing import NDArray

from service.engine.types import Array
from service.figures.canvas import Canvas, Raster, Stroke
from service.figures.color_bands import ColorBands
from service.figures.frame import draw_color_bar
from service.figures.geometry import Panel, Rect

Log10Cost = Callable[[Array, Array], Array]
"""Returns log10(cost), (rows, columns), for w_in (1, columns) and w_rec (rows, 1).

It is -inf where the cost is 0, finite where the cost overflows, and nan where it is undefined.
"""

_MAX_NODES = 200  # per axis of the grid that contours are traced on
_CONTOUR = Stroke("#000000", 0.6, alpha=0.4)


def draw_cost_bar(canvas: Canvas, bar: Rect, bands: ColorBands) -> None:
    """Draw the color bar of some bands, with as many ticks as there is room for."""
    axis = bands.axis(max(2, int(bar.height / (1.7 * canvas.style.font_size))))
    draw_color_bar(canvas, bar, bands.palette("#000000")[:-1], axis)


def draw_costs(canvas: Canvas, panel: Panel, log10_costs: Array, bands: ColorBands) -> None:
    """Draw the cost at the pixels (rows, columns) of a panel, with a contour between two bands."""
    image = bands.palette(canvas.colors.missing)[bands.indices(log10_costs)]
    canvas.add(Raster(image, panel.rect))
    vertices, codes = contour_lines(log10_costs, bands)
    corner, size = panel.rect[:2], (panel.rect.width, panel.rect.height)
    canvas.path(vertices * size + corner, codes, _CONTOUR, panel.rect)


def contour_lines(log10_costs: Array, bands: ColorBands) -> tuple[Array, NDArray[np.uint8]]:
    """Return the contours between bands as one Matplotlib path.

    The costs are those at the centers of pixels (rows, columns), from the top. The path is
    vertices (n, 2) in units of the panel, and path codes (n,).
    """
    stride = -(-max(log10_costs.shape) // _MAX_NODES)
    y, x = ((np.arange(0, n, stride) + 0.5) / n for n in log10_costs.shape)
    thresholds = bands.thresholds[np.isfinite(bands.thresholds)]
    if not thresholds.size or min(x.size, y.size) < 2:
        return np.empty((0, 2)), np.empty(0, np.uint8)
    # An infinity would break the interpolation next to it: one decade past the last threshold
    # gives the same contours.
    values = log10_costs[::-1][::stride, ::stride]
    values = np.clip(values, thresholds[0] - 1, thresholds[-1] + 1)
    nodes = np.ma.masked_invalid(values)
    generator = contour_generator(x, y, nodes, line_type=LineType.Separate)
    lines = [
        line for level in thresholds for line in cast("list[Array]", generator.lines(level))
    ]  # (k, 2) each
    vertices = np.concatenate([np.empty((0, 2)), *lines])
    codes = np.full(len(vertices), Path.LINETO, np.uint8)
    codes[np.cumsum([0, *map(len, lines)])[:-1]] = Path.MOVETO
    return vertices, codes
