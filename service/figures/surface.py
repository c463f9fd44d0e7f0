"""The cost surface: one to four windows on the cost as a function of both weights."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from service.engine.types import Array
from service.figures.annotations import (
    LabeledPath,
    draw_optimum,
    draw_path,
    draw_points,
    draw_profile,
    path_stroke,
)
from service.figures.canvas import Canvas, Stroke
from service.figures.color_bands import choose_color_bands
from service.figures.frame import color_bar_width
from service.figures.geometry import Rect, pixel_centers
from service.figures.heatmap import Log10Cost, draw_cost_bar, draw_costs
from service.figures.layout import Window, draw_page, draw_windows
from service.figures.legend import LegendEntry, legend_height, surface_entries
from service.figures.style import Style

Point = tuple[float, float]

_LEGEND_SHARE = 0.25  # of the canvas, at most


def cost_surface_figure(
    windows: Sequence[Window],
    log10_cost: Log10Cost,
    *,
    points: Sequence[Point] = (),
    paths: Sequence[LabeledPath] = (),
    optimum: Point | None = None,
    profile: Array | None = None,
    notes: Sequence[str] = (),
    style: Style | None = None,
) -> Figure:
    """Draw the cost over one to four windows, which share their color bands.

    The windows stand left to right, top to bottom. ``points`` are marked and labeled in the
    windows that they are in; ``paths`` of training runs are named in the legend; the optimum is a
    star; ``profile`` (m, 2) is the best w_in for each w_rec, and that w_rec. ``notes`` are in the
    legend: how the cost was computed.
    """
    style = style or Style()
    canvas, font = Canvas(style), style.font_size
    names = [path.label for path in paths]
    entries = surface_entries(style, names, notes, has_optimum=optimum is not None)
    if profile is not None:
        entries.append(LegendEntry("best w_in", Stroke(style.colors.foreground, 1.6, (3, 3))))
    max_rows = max(1, int(_LEGEND_SHARE * canvas.area.height / legend_height(canvas, 1)))
    area = draw_page(canvas, "Cost surface", entries, max_rows=max_rows)
    left = canvas.area.right - color_bar_width(font, "cost + 1") - 0.8 * font
    panels = draw_windows(canvas, area._replace(right=left - 1.4 * font), windows)
    values = [log10_cost(*pixel_centers(panel, style)) for panel in panels]
    bands = choose_color_bands(values)
    bottom, top = min(p.rect.bottom for p in panels), max(p.rect.top for p in panels)
    draw_cost_bar(canvas, Rect(left, bottom, left + 1.3 * font, top - 1.7 * font), bands)
    for panel, log10_costs in zip(panels, values, strict=True):
        draw_costs(canvas, panel, log10_costs, bands)
        if profile is not None:
            draw_profile(canvas, panel, profile)
        if optimum is not None and paths:
            draw_optimum(canvas, panel, optimum, below_paths=True)
        for i, path in enumerate(paths):
            draw_path(canvas, panel, path, path_stroke(style, i))
        draw_points(canvas, panel, points, optimum)
        if optimum is not None and not paths:
            draw_optimum(canvas, panel, optimum)
    return canvas.figure
