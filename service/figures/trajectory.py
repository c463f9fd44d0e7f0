"""One training run: its path on the cost surface, and its cost by iteration."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from service.engine.types import Array
from service.figures.annotations import draw_optimum, draw_path, path_look, surface_entries
from service.figures.axis import integer_axis, linear_axis, log_axis
from service.figures.canvas import Canvas, draw_page, marker, sample, stroke
from service.figures.color_bands import choose_color_bands
from service.figures.heatmap import Log10Cost, Window, costs_of_pixels, draw_cost_bar, draw_costs
from service.figures.numbers import format_log10_number, format_number
from service.figures.panels import draw_panel, split_off_bar
from service.figures.style import Style
from service.figures.text import printable

_MARGIN = 0.12  # around the path, in units of its extent
_MIN_WIDTH_WITH_BAR = 560
_TARGET_DASHES = (4.5, 2.2)


def trajectory_figure(
    columns: Mapping[str, NDArray[Any]],
    log10_cost: Log10Cost,
    optimum: tuple[float, float] | None = None,
    *,
    optimizer: str,
    outcome: str,
    target_cost: float | None = None,
    notes: str = "",
    style: Style | None = None,
) -> Figure:
    """Draw the path on the cost surface, and the cost next to it or, on a tall canvas, below.

    The columns (m,) are ``iteration``, ``w_in``, ``w_rec`` and ``log10_cost``, which is -inf where
    the cost is 0, for at least one recorded iteration. The optimum is a star, the target cost a
    line; ``notes`` on the computation of the cost are below the title.
    """
    style = style or Style()
    canvas, weights = Canvas(style), np.column_stack([columns["w_in"], columns["w_rec"]])
    title = f"{printable(optimizer)}: {printable(outcome.replace('_', ' '))}"
    entries = surface_entries(style, [optimizer], optimum=optimum is not None)
    if target_cost is not None:
        entries.append(sample("target cost", stroke(style.colors.muted, 1.1, _TARGET_DASHES)))
    headline = "; ".join(filter(None, (_headline(columns), notes)))
    area = draw_page(canvas, title, entries, headline=headline)
    surface, costs = _split(area, canvas.font)
    with_bar = style.width >= _MIN_WIDTH_WITH_BAR
    beside_bar, left = split_off_bar(canvas, surface)
    window = window_around(weights, optimum)
    panel = draw_panel(
        canvas,
        beside_bar if with_bar else surface,
        partial(linear_axis, *window.w_in, "w_in"),
        partial(linear_axis, *window.w_rec, "w_rec"),
    )
    values = costs_of_pixels(canvas, panel, log10_cost)
    bands = choose_color_bands([values])
    draw_costs(canvas, panel, values, bands)
    if with_bar:
        draw_cost_bar(canvas, left, [panel], bands)
    if optimum is not None:
        draw_optimum(canvas, panel, optimum)
    draw_path(canvas, panel, weights, path_look(style, 0))
    _draw_costs(canvas, costs, columns, target_cost)
    return canvas.figure


def window_around(weights: Array, optimum: tuple[float, float] | None) -> Window:
    """Return a window with the path (m, 2) and the optimum, and a margin around them.

    A few distant steps could shrink the rest to a dot. If they exceed twenty times the extent of
    nine tenths of the path, the window contains those nine tenths, the start and the optimum.
    """
    finite = weights[np.isfinite(weights).all(axis=1)]
    fixed = np.array([w for w in (*finite[:1].tolist(), optimum) if w is not None], np.float64)
    fixed = fixed.reshape(-1, 2)
    return Window(*(_range_around(finite[:, i], fixed[:, i]) for i in range(2)))


def _range_around(values: Array, fixed: Array) -> tuple[float, float]:
    """Return low and high around the values (m,) of one weight; ``fixed`` (k,) must be inside."""
    everything = np.concatenate([values, fixed])
    if not everything.size:
        everything = np.zeros(1)
    elif values.size:
        near = np.concatenate([np.quantile(values, [0.05, 0.95]), fixed])
        if everything.max() / 20 - everything.min() / 20 > np.ptp(near) > 0:
            everything = near
    low, high = float(everything.min()), float(everything.max())
    smallest = 0.05 * max(abs(low), abs(high), 1e-3)
    half = max((high / 2 - low / 2) * (1 + 2 * _MARGIN), smallest)
    middle = low / 2 + high / 2
    return middle - half, middle + half


def _split(area: Bbox, font: float) -> tuple[Bbox, Bbox]:
    """Return two parts, side by side if the area is wide, otherwise one above the other."""
    if area.width > 1.25 * area.height:
        left, right = area.splitx(0.54)
        return left, Bbox([[right.x0 + 1.5 * font, right.y0], right.max])
    below, above = area.splity(0.45)
    return above, Bbox([below.min, [below.x1, below.y1 - 1.2 * font]])


def _headline(columns: Mapping[str, NDArray[Any]]) -> str:
    """Return the text of the end of the run."""
    log10_cost = columns["log10_cost"][-1]
    cost = "not finite" if np.isnan(log10_cost) else format_log10_number(log10_cost)
    return (
        f"after {int(columns['iteration'][-1])} iterations: "
        f"w_in {format_number(columns['w_in'][-1])}, "
        f"w_rec {format_number(columns['w_rec'][-1])}, cost {cost}"
    )


def _draw_costs(
    canvas: Canvas, area: Bbox, columns: Mapping[str, NDArray[Any]], target_cost: float | None
) -> None:
    """Draw the cost by iteration; a cost of 0 is at the bottom."""
    iterations, log10_costs = columns["iteration"], columns["log10_cost"]
    first, last = int(iterations[0]), int(iterations[-1])
    target = np.log10([target_cost]) if target_cost else np.empty(0)
    panel = draw_panel(
        canvas,
        area,
        partial(integer_axis, first, last, "iteration"),
        partial(log_axis, np.concatenate([log10_costs, target]), "cost"),
        grid=True,
    )
    if target.size:
        ends = np.array([panel.x.low, panel.x.high]), np.repeat(target, 2)
        look = stroke(canvas.colors.muted, 1.1, _TARGET_DASHES)
        canvas.line(*panel.to_canvas(*ends), look, panel.rect)
    look = path_look(canvas.style, 0)
    xs, ys = panel.to_canvas(iterations, np.maximum(log10_costs, panel.y.low))
    canvas.line(xs, ys, look, panel.rect)
    end = np.flatnonzero(np.isfinite(ys))[-1:]  # a diverged run has no cost at its last one
    canvas.line(xs[end], ys[end], marker("s", 0.6 * canvas.font, look["color"]))
