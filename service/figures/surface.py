"""The cost surface: one to four windows on the cost as a function of both weights."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from service.engine.types import Array
from service.figures.annotations import (
    draw_optimum,
    draw_path,
    draw_points,
    draw_profile,
    path_look,
    surface_entries,
)
from service.figures.color_bands import choose_color_bands
from service.figures.heatmap import (
    Log10Cost,
    Window,
    compute_costs,
    draw_cost_bar,
    draw_costs,
    name_weights,
)
from service.figures.page import Page
from service.figures.style import DEFAULT, Style

Point = tuple[float, float]

_MARGINS = np.array([5.0, 3.2])  # of a panel, in units of the font size


def cost_surface_figure(
    windows: Sequence[Window],
    log10_cost: Log10Cost,
    *,
    points: Sequence[Point] = (),
    paths: Sequence[tuple[str, Array]] = (),
    optimum: Point | None = None,
    profile: Array | None = None,
    notes: str = "",
    style: Style = DEFAULT,
) -> Figure:
    """Draw the cost over one to four windows, which share their color bands.

    The windows are arranged left to right, top to bottom. ``points`` are marked and labeled in
    their windows; ``paths`` of training runs, a name and w_in and w_rec (m, 2), are listed in the
    legend, and interrupted at nan; the optimum is a star; ``profile`` (m, 2) is the best w_in for
    each w_rec, and that w_rec. ``notes`` on the computation of the cost are below the title.
    """
    names = [name for name, _ in paths]
    entries = surface_entries(
        style, names, optimum=optimum is not None, profile=profile is not None
    )
    max_rows = int(0.72 * style.height / (6 * style.font_size))  # a quarter of the height
    page = Page(style, "Cost surface", entries, headline=notes, max_rows=max_rows)
    panels = page.add_panels(len(windows), _count_columns(page, len(windows)))
    for axes, window in zip(panels, windows, strict=True):
        name_weights(axes, window)
    bar = page.reserve_bar(panels)
    page.lay_out()
    pairs = [*zip(panels, windows, strict=True)]
    values = [compute_costs(axes, window, log10_cost) for axes, window in pairs]
    bands = choose_color_bands(values)
    draw_cost_bar(page, bar, bands)
    for (axes, window), log10_costs in zip(pairs, values, strict=True):
        draw_costs(page, axes, window, log10_costs, bands)
        if profile is not None:
            draw_profile(axes, profile)
        if optimum is not None:
            draw_optimum(page, axes, optimum)
        for i, (_, weights) in enumerate(paths):
            draw_path(page, axes, weights, path_look(style, i))
        draw_points(page, axes, points, optimum)
    return page.figure


def _count_columns(page: Page, n: int) -> int:
    """Return the columns of a full grid of n panels with the longest shorter sides."""
    size = np.array([page.width, page.height])
    sides = {
        columns: np.min(size / (columns, n // columns) - _MARGINS * page.font)
        for columns in range(1, n + 1)
        if n % columns == 0
    }
    return max(sides, key=lambda columns: sides[columns])
