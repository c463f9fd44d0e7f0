"""The cost surface: one to four windows on the cost as a function of both weights."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from service.engine.types import Array
from service.figures.annotations import (
    draw_optimum,
    draw_path,
    draw_points,
    draw_profile,
    path_look,
    surface_entries,
)
from service.figures.axis import linear_axis
from service.figures.canvas import Canvas, draw_page
from service.figures.color_bands import choose_color_bands
from service.figures.heatmap import Log10Cost, Window, costs_of_pixels, draw_cost_bar, draw_costs
from service.figures.panels import Panel, draw_panels, split_off_bar
from service.figures.style import Style

Point = tuple[float, float]

_GRIDS = {1: [(1, 1)], 2: [(1, 2), (2, 1)], 3: [(1, 3), (3, 1)], 4: [(2, 2), (1, 4), (4, 1)]}


def cost_surface_figure(
    windows: Sequence[Window],
    log10_cost: Log10Cost,
    *,
    points: Sequence[Point] = (),
    paths: Sequence[tuple[str, Array]] = (),
    optimum: Point | None = None,
    profile: Array | None = None,
    notes: str = "",
    style: Style | None = None,
) -> Figure:
    """Draw the cost over one to four windows, which share their color bands.

    The windows are arranged left to right, top to bottom. ``points`` are marked and labeled in
    their windows; ``paths`` of training runs, a name and w_in and w_rec (m, 2), are listed in the
    legend, and interrupted at nan; the optimum is a star; ``profile`` (m, 2) is the best w_in for
    each w_rec, and that w_rec. ``notes`` on the computation of the cost are below the title.
    """
    style = style or Style()
    canvas = Canvas(style)
    names = [name for name, _ in paths]
    entries = surface_entries(
        style, names, optimum=optimum is not None, profile=profile is not None
    )
    max_rows = int(canvas.area.height / (6 * canvas.font))  # a quarter of the canvas
    area = draw_page(canvas, "Cost surface", entries, headline=notes, max_rows=max_rows)
    area, left = split_off_bar(canvas, area)
    panels = draw_windows(canvas, area, windows)
    values = [costs_of_pixels(canvas, panel, log10_cost) for panel in panels]
    bands = choose_color_bands(values)
    draw_cost_bar(canvas, left, panels, bands)
    for panel, log10_costs in zip(panels, values, strict=True):
        draw_costs(canvas, panel, log10_costs, bands)
        if profile is not None:
            draw_profile(canvas, panel, profile)
        if optimum is not None:
            draw_optimum(canvas, panel, optimum)
        for i, (_, weights) in enumerate(paths):
            draw_path(canvas, panel, weights, path_look(style, i))
        draw_points(canvas, panel, points, optimum)
    return canvas.figure


def draw_windows(canvas: Canvas, area: Bbox, windows: Sequence[Window]) -> list[Panel]:
    """Draw a panel per window, so that the shorter side of each is as long as possible."""
    grids = [_cells(area, *grid, 1.3 * canvas.font) for grid in _GRIDS[len(windows)]]
    margins = np.array([5, 3.2]) * canvas.font  # of the axes of a panel
    cells = max(grids, key=lambda cells: min(cells[0].size - margins))
    axes = [
        (partial(linear_axis, *window.w_in, "w_in"), partial(linear_axis, *window.w_rec, "w_rec"))
        for window in windows
    ]
    return draw_panels(canvas, cells, axes)


def _cells(area: Bbox, rows: int, columns: int, gap: float) -> list[Bbox]:
    """Divide an area into equal cells, left to right, top to bottom."""
    size = (np.array(area.size) + gap) / (columns, rows)
    corner = np.array([area.x0, area.y1 + gap])
    corners = [corner + size * (j, -i - 1) for i in range(rows) for j in range(columns)]
    return [Bbox([low, low + size - gap]) for low in corners]
