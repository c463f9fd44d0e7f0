"""Basin maps: the starting weights that reach the target, and the number of iterations."""

from collections.abc import Mapping
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from service.engine.training import Outcome
from service.engine.types import Array
from service.figures.annotations import OPTIMUM, OUTLINE, draw_optimum
from service.figures.page import Look, Page, sample
from service.figures.scales import INTEGERS
from service.figures.style import COLOR_MAP, DEFAULT, Style
from service.figures.text import typeset

# Stripes, which differ from any number of iterations for all color vision.
DIVERGED: Final[Look] = {"facecolor": "#d55e00", "edgecolor": "#ffffff", "hatch": "////"}
_MAX_BANDS = 12


def basin_map_figure(
    arrays: Mapping[str, NDArray[Any]],
    *,
    optimizer: str,
    optimum: tuple[float, float] | None = None,
    style: Style = DEFAULT,
) -> Figure:
    """Color each starting weight by the number of iterations; failures are hatched.

    The arrays are ``w_in`` (columns,) and ``w_rec`` (rows,), evenly spaced and ascending, and
    ``iterations`` and the codes ``outcome`` (rows, columns). The title contains the optimizer. A
    star marks the optimum.
    """
    iterations = arrays["iterations"]
    reached = arrays["outcome"] == Outcome.TARGET_REACHED.code
    diverged = arrays["outcome"] == Outcome.DIVERGED.code
    exhausted = ~reached & ~diverged
    # Gray alone would look like a color of the map.
    gray, dark = style.colors.missing, style.colors.foreground
    look_of_exhausted: Look = {"facecolor": gray, "edgecolor": dark, "hatch": "\\\\\\"}
    look_of_reached: Look = {"facecolor": mpl.colormaps[COLOR_MAP](0.75), "edgecolor": OUTLINE}
    legend = [
        _legend_entry("target reached", reached, look_of_reached),
        _legend_entry("iterations exhausted", exhausted, look_of_exhausted),
        _legend_entry("diverged", diverged, DIVERGED),
    ]
    stars = [] if optimum is None else [sample("optimum", OPTIMUM)]
    title = f"Where training starts, and when it arrives: {optimizer}"
    page = Page(style, title, [*legend, *stars], max_rows=4)
    (axes,) = page.add_panels(1)
    axes.set(xlabel=typeset("initial w_in"), ylabel=typeset("initial w_rec"))
    edges = _band_edges(iterations[reached])
    extent = (*_limits(arrays["w_in"]), *_limits(arrays["w_rec"]))
    options = _color_bands(edges) | {"extent": extent, "origin": "lower", "aspect": "auto"}
    image = axes.imshow(iterations, interpolation="nearest", **options)
    for where, look in ((exhausted, look_of_exhausted), (diverged, DIVERGED)):
        axes.add_patch(PathPatch(_outline(where), linewidth=0, transform=axes.transAxes, **look))
    bar = page.reserve_bar([axes]) if reached.any() else None
    page.lay_out()
    if bar is not None:
        ticks = edges[:: -(-len(edges) // page.n_bar_ticks)]
        page.fill_bar(bar, image, ticks, "iterations", INTEGERS)
    if optimum is not None:
        draw_optimum(page, axes, optimum)
    return page.figure


def _legend_entry(name: str, where: NDArray[np.bool_], look: Look) -> Patch:
    """Return the entry of an outcome, with its share of the cells."""
    return Patch(label=f"{name} {100 * where.mean():.1f} %", **look)


def _color_bands(edges: list[int]) -> Look:
    """Return the colors of the bands between edges."""
    colors = mpl.colormaps[f"{COLOR_MAP}_r"].resampled(len(edges) - 1)
    return {"norm": BoundaryNorm(edges, len(edges) - 1, clip=True), "cmap": colors}


def _limits(centers: Array) -> tuple[float, float]:
    """Return the outer edges of the cells around evenly spaced centers."""
    low, high = float(centers[0]), float(centers[-1])
    half = (high - low) / (len(centers) - 1) / 2 if len(centers) > 1 else 0.5
    return low - half, high + half


def _outline(cells: NDArray[np.bool_]) -> Path:
    """Return the squares of the cells (rows, columns) that are true, in units of the panel."""
    corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)])
    squares = np.argwhere(cells)[:, None, ::-1] + corners
    return Path.make_compound_path_from_polys(squares / cells.shape[::-1])


def _band_edges(iterations: NDArray[np.integer]) -> list[int]:
    """Return round edges of at most a dozen bands that contain every number of iterations."""
    low, high = (int(iterations.min()), int(iterations.max())) if iterations.size else (0, 1)
    locator = MaxNLocator(_MAX_BANDS, steps=[1, 2, 2.5, 5, 10], integer=True)
    high = max(high, low + 2)
    edges = [round(edge) for edge in locator.tick_values(low, high)]
    return [edge for i, edge in enumerate(edges) if i < 2 or edges[i - 1] < high]
