"""Basin maps: which starting weights reach the target, and after how many iterations."""

from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from service.engine.types import Array
from service.figures.annotations import OUTLINE, draw_optimum
from service.figures.axis import Axis
from service.figures.canvas import Canvas, Raster
from service.figures.frame import color_bar_width, draw_color_bar
from service.figures.geometry import Rect, pixel_size
from service.figures.layout import draw_page, draw_panel, weight_axis
from service.figures.legend import OPTIMUM_ENTRY, LegendEntry, hatching, stripes
from service.figures.render import Pixels
from service.figures.style import COLOR_MAP, Style
from service.figures.text import printable

DIVERGED = ("#d55e00", "#ffffff")
"""Stripes cannot be mistaken for a number of iterations, with any color vision."""
_MAX_BANDS = 12


@dataclass(frozen=True, eq=False)
class Basins:
    """How training ended from every starting weight of a grid.

    A start that neither reached the target nor diverged ran out of iterations.
    """

    w_in: Array  # (columns,), evenly spaced, rising
    w_rec: Array  # (rows,), evenly spaced, rising
    iterations: NDArray[np.integer]  # (rows, columns), until the target was reached
    reached: NDArray[np.bool_]  # (rows, columns)
    diverged: NDArray[np.bool_]  # (rows, columns)


def basin_map_figure(
    basins: Basins,
    *,
    optimizer: str,
    optimum: tuple[float, float] | None = None,
    style: Style | None = None,
) -> Figure:
    """Color each starting weight by the iterations that it needed; failures are hatched or striped.

    The title names the optimizer. A star marks the optimum.
    """
    style = style or Style()
    canvas, font = Canvas(style), style.font_size
    title = f"Where training starts, and when it arrives: {printable(optimizer)}"
    area = draw_page(canvas, title, _legend(basins, style, optimum), max_rows=4)
    right = canvas.area.right - color_bar_width(font, "iterations") - 0.8 * font
    w_in, w_rec = _limits(basins.w_in), _limits(basins.w_rec)
    panel = draw_panel(
        canvas,
        area._replace(right=right - 1.4 * font),
        lambda width: weight_axis(*w_in, width, font, "initial w_in", horizontal=True),
        lambda height: weight_axis(*w_rec, height, font, "initial w_rec", horizontal=False),
    )
    rect = panel.rect
    edges = _band_edges(basins.iterations[basins.reached])
    colors = mpl.colormaps[COLOR_MAP](np.linspace(1.0, 0.0, len(edges) - 1), bytes=True)
    canvas.add(Raster(_pixels(basins, rect, edges, colors, style), rect))
    if basins.reached.any():
        bar = Rect(right, rect.bottom, right + 1.3 * font, rect.top - 1.7 * font)
        draw_color_bar(canvas, bar, colors, _bar_axis(edges, bar.height, font))
    if optimum is not None:
        draw_optimum(canvas, panel, optimum)
    return canvas.figure


def _limits(centers: Array) -> tuple[float, float]:
    """Return the outer edges of the cells around evenly spaced centers."""
    low, high = float(centers[0]), float(centers[-1])
    half = (high - low) / (len(centers) - 1) / 2 if len(centers) > 1 else 0.5
    return low - half, high + half


def _band_edges(iterations: NDArray[np.integer]) -> list[int]:
    """Return round edges of at most a dozen bands that contain every number of iterations."""
    low, high = (int(iterations.min()), int(iterations.max())) if iterations.size else (0, 1)
    locator = MaxNLocator(_MAX_BANDS, steps=[1, 2, 2.5, 5, 10], integer=True)
    high = max(high, low + 2)
    edges = [round(edge) for edge in locator.tick_values(low, high)]
    return [edge for i, edge in enumerate(edges) if i < 2 or edges[i - 1] < high]


def _bar_axis(edges: list[int], height: float, font: float) -> Axis:
    stride = max(1, -(-len(edges) // max(2, int(height / (1.6 * font)))))
    shown = range(0, len(edges), stride)
    units = tuple(i / (len(edges) - 1) for i in shown)
    return Axis(0, 1, units, tuple(str(edges[i]) for i in shown), "iterations")


def _pixels(basins: Basins, rect: Rect, edges: list[int], colors: Pixels, style: Style) -> Pixels:
    """Color the pixels of the panel, each by the cell that it lies in."""
    columns, rows = pixel_size(rect, style)
    n_rows, n_columns = basins.reached.shape
    row = ((np.arange(rows)[::-1] + 0.5) / rows * n_rows).astype(np.intp)[:, None]
    column = ((np.arange(columns) + 0.5) / columns * n_columns).astype(np.intp)[None, :]
    band = np.searchsorted(edges[1:-1], basins.iterations, side="right")
    pixels: Pixels = colors[band].astype(np.uint8)[row, column]
    width = max(2, round(0.35 * style.font_size * style.dpi / 100))
    diverged = basins.diverged & ~basins.reached
    failures = [
        (diverged, stripes(rows, columns, DIVERGED, width)),
        (~basins.reached & ~diverged, hatching(rows, columns, _exhausted(style), width)),
    ]
    for cells, pattern in failures:
        pixels = np.where(cells[row, column][..., None], pattern, pixels)
    return pixels


def _exhausted(style: Style) -> tuple[str, str]:
    """Return the colors of starts without an end; gray alone looks like a color of the map."""
    return style.colors.missing, style.colors.foreground


def _legend(basins: Basins, style: Style, optimum: tuple[float, float] | None) -> list[LegendEntry]:
    reached, diverged = basins.reached.mean(), (basins.diverged & ~basins.reached).mean()
    color = to_hex(mpl.colormaps[COLOR_MAP](0.75))
    exhausted = f"iterations exhausted {_percent(1 - reached - diverged)}"
    entries = [
        LegendEntry(f"target reached {_percent(reached)}", None, "s", color, OUTLINE),
        LegendEntry(exhausted, None, "hatching", *_exhausted(style)),
        LegendEntry(f"diverged {_percent(diverged)}", None, "stripes", *DIVERGED),
    ]
    if optimum is not None:
        entries.append(OPTIMUM_ENTRY)
    return entries


def _percent(share: float) -> str:
    return f"{100 * abs(share):.1f} %"
