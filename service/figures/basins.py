"""Basin maps: from which starting weights training arrives, and how soon."""

import math
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from numpy.typing import NDArray

from service.engine.types import Array
from service.figures.axis import Axis
from service.figures.geometry import Placed, Rect, pixel_size, snapped
from service.figures.marks import (
    OPTIMUM,
    OUTLINE,
    LegendEntry,
    draw_legend,
    draw_optimum,
    legend_row_height,
    legend_rows,
    striped,
)
from service.figures.page import bar_room, draw_bar, weight_axis
from service.figures.sheet import Pixels, Raster, Sheet
from service.figures.style import FIELD_MAP, Style, rgba
from service.figures.text import printable

DIVERGED = ("#d55e00", "#ffffff")
"""Stripes, so that no kind of sight takes them for a number of iterations."""
_BANDS = 12


@dataclass(frozen=True, eq=False)
class Basins:
    """Training from every starting weight of a grid: rows are w_rec, columns w_in, both rising.

    ``w_in`` (columns,) and ``w_rec`` (rows,) are evenly spaced.  ``iterations`` counts those until
    the target was ``reached``; a start that neither reached it nor ``diverged`` is exhausted.  The
    three are (rows, columns).
    """

    w_in: Array
    w_rec: Array
    iterations: NDArray[np.integer]
    reached: NDArray[np.bool_]
    diverged: NDArray[np.bool_]


def basin_map_figure(
    basins: Basins,
    *,
    optimizer: str,
    optimum: tuple[float, float] | None = None,
    style: Style | None = None,
) -> Figure:
    """Colour each starting weight by the iterations it needed; grey and stripes are failures."""
    style = style or Style()
    sheet, font = Sheet(style), style.font
    top = sheet.title(f"Where training starts, and when it arrives: {printable(optimizer)}")
    rows = legend_rows(sheet, _legend(basins, style, optimum), sheet.page.width - 2 * font, 4)
    bottom = 0.5 * font + len(rows) * legend_row_height(sheet)
    right = sheet.page.right - bar_room(font, "iterations") - 0.8 * font
    low, high = bottom + sheet.bottom_room, top - 0.3 * font
    w_in, w_rec = _edges(basins.w_in), _edges(basins.w_rec)
    y = weight_axis(*w_rec, high - low, font, "initial w_rec", across=False)
    rect = snapped(Rect(0.3 * font + sheet.left_room(y), low, right - 1.4 * font, high), style)
    x = weight_axis(*w_in, rect.width, font, "initial w_in", across=True)
    panel = Placed(rect, x, y)
    sheet.frame(panel)
    edges = _iteration_edges(basins.iterations[basins.reached])
    shades = mpl.colormaps[FIELD_MAP](np.linspace(1.0, 0.0, len(edges) - 1), bytes=True)
    sheet.add(Raster(_pixels(basins, rect, edges, shades, style), rect))
    if basins.reached.any():
        bar = snapped(Rect(right, low, right + 1.3 * font, high - 1.7 * font), style)
        draw_bar(sheet, bar, shades, _bar_ticks(edges, bar.height, font))
    if optimum is not None:
        draw_optimum(sheet, panel, optimum)
    draw_legend(sheet, rows, bottom)
    return sheet.figure


def _edges(values: Array) -> tuple[float, float]:
    """Outer edges of the cells around evenly spaced values."""
    low, high = float(values[0]), float(values[-1])
    half = (high - low) / (len(values) - 1) / 2 if len(values) > 1 else 0.5
    return low - half, high + half


def _iteration_edges(iterations: NDArray[np.integer]) -> list[int]:
    """Round edges of at most about a dozen bands that hold every number of iterations."""
    low, high = (int(iterations.min()), int(iterations.max())) if iterations.size else (0, 1)
    raw = max((high - low) / _BANDS, 1.0)
    power = 10 ** math.floor(math.log10(raw))
    step = max(1, next(int(m * power) for m in (1, 2, 2.5, 5, 10) if m * power >= raw))
    first = low // step * step
    count = max(2, -(-(high + 1 - first) // step))
    return [first + k * step for k in range(count + 1)]


def _bar_ticks(edges: list[int], height: float, font: float) -> Axis:
    stride = max(1, math.ceil(len(edges) / max(2, int(height / (1.6 * font)))))
    shown = range(0, len(edges), stride)
    places = tuple(i / (len(edges) - 1) for i in shown)
    return Axis(0, 1, places, tuple(str(edges[i]) for i in shown), "iterations")


def _pixels(basins: Basins, rect: Rect, edges: list[int], shades: Pixels, style: Style) -> Pixels:
    """Colour the panel's pixels, each by the cell it lies in."""
    columns, rows = pixel_size(rect, style)
    n_rows, n_columns = basins.reached.shape
    row = ((np.arange(rows)[::-1] + 0.5) / rows * n_rows).astype(np.intp)[:, None]
    column = ((np.arange(columns) + 0.5) / columns * n_columns).astype(np.intp)[None, :]
    band = np.searchsorted(edges[1:-1], basins.iterations, side="right")
    cells = np.where(basins.reached[..., None], shades[band], rgba(style.colours.missing))
    pixels: Pixels = cells.astype(np.uint8)[row, column]
    stripes = striped(rows, columns, DIVERGED, max(2, round(0.35 * style.font * style.dpi / 100)))
    diverged = (basins.diverged & ~basins.reached)[row, column]
    return np.where(diverged[..., None], stripes, pixels)


def _legend(basins: Basins, style: Style, optimum: tuple[float, float] | None) -> list[LegendEntry]:
    reached, diverged = basins.reached.mean(), (basins.diverged & ~basins.reached).mean()
    best = to_hex(mpl.colormaps[FIELD_MAP](0.75))
    missing = style.colours.missing
    entries = [
        LegendEntry(f"target reached {_share(reached)}", None, "s", best, OUTLINE),
        LegendEntry(
            f"iterations exhausted {_share(1 - reached - diverged)}", None, "s", missing, OUTLINE
        ),
        LegendEntry(f"diverged {_share(diverged)}", None, "stripes", *DIVERGED),
    ]
    if optimum is not None:
        entries.append(LegendEntry("optimum", None, "*", OPTIMUM, OUTLINE))
    return entries


def _share(share: float) -> str:
    return f"{100 * abs(share):.1f} %"
