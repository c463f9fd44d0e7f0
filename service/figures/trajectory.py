"""One training run: its path over the cost surface, and its cost by iteration."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from service.engine.types import Array
from service.figures.annotations import LabeledPath, draw_optimum, draw_path, path_stroke
from service.figures.canvas import Canvas, Stroke
from service.figures.color_bands import choose_color_bands
from service.figures.frame import color_bar_width
from service.figures.geometry import Rect, pixel_centers
from service.figures.heatmap import Log10Cost, draw_cost_bar, draw_costs
from service.figures.layout import (
    Window,
    data_log_axis,
    draw_page,
    draw_panel,
    step_axis,
    weight_axis,
)
from service.figures.legend import LegendEntry, surface_entries
from service.figures.style import Style
from service.figures.text import format_log10_number, format_number, printable

_MARGIN = 0.12  # around the path, in units of its extent
_MIN_WIDTH_WITH_BAR = 560
_TARGET_DASHES = (6, 3)


@dataclass(frozen=True, eq=False)
class Run:
    """The parts of a training run that the picture shows."""

    optimizer: str  # its name
    outcome: str  # its name
    iterations: Array  # (m,), those recorded, rising
    weights: Array  # (m, 2), w_in and w_rec at each
    log10_costs: Array  # (m,); -inf where the cost is 0
    target_cost: float | None = None  # shown as a line


def trajectory_figure(
    run: Run,
    log10_cost: Log10Cost,
    optimum: tuple[float, float] | None = None,
    *,
    notes: Sequence[str] = (),
    style: Style | None = None,
) -> Figure:
    """Draw the path over the cost surface, and the cost beside it or, on a tall canvas, below.

    The run has at least one recorded iteration. The optimum is a star; ``notes`` are in the
    legend: how the cost was computed.
    """
    style = style or Style()
    canvas = Canvas(style)
    title = f"{printable(run.optimizer)}: {printable(run.outcome.replace('_', ' '))}"
    entries = surface_entries(style, [run.optimizer], notes, has_optimum=optimum is not None)
    if run.target_cost is not None:
        stroke = Stroke(style.colors.muted, 1.5, _TARGET_DASHES)
        entries.append(LegendEntry("target cost", stroke))
    area = draw_page(canvas, title, entries, headline=_headline(run))
    surface, costs = _split(area, style.font_size)
    _draw_surface(canvas, surface, run, log10_cost, optimum)
    _draw_costs(canvas, costs, run)
    return canvas.figure


def _draw_surface(
    canvas: Canvas,
    area: Rect,
    run: Run,
    log10_cost: Log10Cost,
    optimum: tuple[float, float] | None,
) -> None:
    font, style = canvas.style.font_size, canvas.style
    with_bar = canvas.area.width >= _MIN_WIDTH_WITH_BAR
    bar_left = area.right - color_bar_width(font, "cost + 1")
    window = window_around(run.weights, optimum)
    panel = draw_panel(
        canvas,
        area._replace(right=bar_left - font) if with_bar else area,
        lambda width: weight_axis(*window.w_in, width, font, "w_in", horizontal=True),
        lambda height: weight_axis(*window.w_rec, height, font, "w_rec", horizontal=False),
    )
    values = log10_cost(*pixel_centers(panel, style))
    bands = choose_color_bands([values])
    draw_costs(canvas, panel, values, bands)
    if with_bar:
        bar = Rect(bar_left, panel.rect.bottom, bar_left + 1.1 * font, area.top - 1.7 * font)
        draw_cost_bar(canvas, bar, bands)
    if optimum is not None:
        draw_optimum(canvas, panel, optimum, below_paths=True)
    draw_path(canvas, panel, LabeledPath(run.optimizer, run.weights), path_stroke(style, 0))


def window_around(weights: Array, optimum: tuple[float, float] | None) -> Window:
    """Return a window with the path (m, 2) and the optimum, and a margin around them.

    A few distant steps could shrink the rest to a dot. Where they are more than twenty times the
    extent of nine tenths of the path, the window has those nine tenths, the start and the optimum.
    """
    finite = weights[np.isfinite(weights).all(axis=1)]
    fixed = np.array([w for w in (*finite[:1].tolist(), optimum) if w is not None], np.float64)
    fixed = fixed.reshape(-1, 2)
    return Window(*(_range_around(finite[:, i], fixed[:, i]) for i in range(2)))


def _range_around(values: Array, fixed: Array) -> tuple[float, float]:
    """Return low and high around the values (m,) of one weight; ``fixed`` (k,) must lie inside."""
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


def _split(area: Rect, font: float) -> tuple[Rect, Rect]:
    """Return two parts, side by side if the area is wide, otherwise one above the other."""
    if area.width > 1.25 * area.height:
        middle = area.left + 0.54 * area.width
        return (
            Rect(area.left, area.bottom, middle, area.top),
            Rect(middle + 1.5 * font, area.bottom, area.right, area.top),
        )
    middle = area.bottom + 0.45 * area.height
    return (
        Rect(area.left, middle + 0.6 * font, area.right, area.top),
        Rect(area.left, area.bottom, area.right, middle - 0.6 * font),
    )


def _headline(run: Run) -> str:
    """Return where the run ended."""
    (w_in, w_rec), log10_cost = run.weights[-1], run.log10_costs[-1]
    cost = "not finite" if np.isnan(log10_cost) else format_log10_number(log10_cost)
    return (
        f"after {int(run.iterations[-1])} iterations: w_in {format_number(w_in)}, "
        f"w_rec {format_number(w_rec)}, cost {cost}"
    )


def _draw_costs(canvas: Canvas, area: Rect, run: Run) -> None:
    """Draw the cost by iteration; a cost of 0 is a marker at the bottom."""
    font = canvas.style.font_size
    first, last = int(run.iterations[0]), int(run.iterations[-1])
    target = np.log10([run.target_cost]) if run.target_cost else np.empty(0)
    drawn = np.concatenate([run.log10_costs, target])
    panel = draw_panel(
        canvas,
        area,
        lambda width: step_axis(first, last, width, font, "iteration"),
        lambda height: data_log_axis(drawn, height, font, "cost"),
        grid=True,
    )
    rect = panel.rect
    if target.size:
        xs, level = np.array([panel.x.low, panel.x.high]), np.repeat(target, 2)
        stroke = Stroke(canvas.colors.muted, 1.5, _TARGET_DASHES)
        canvas.line(*panel.to_canvas(xs, level), stroke, rect)
    stroke = path_stroke(canvas.style, 0)
    xs, ys = panel.to_canvas(run.iterations, run.log10_costs)
    canvas.line(xs, ys, stroke, rect)
    zeros = run.log10_costs == -np.inf
    zero_xs = rect.left + panel.x.to_unit(run.iterations[zeros]) * rect.width
    zero_ys = np.full(int(zeros.sum()), rect.bottom + 0.4 * font)
    size, face = 0.6 * font, stroke.color
    canvas.markers(zero_xs, zero_ys, shape="v", size=size, face=face, edge="none")
    end = np.flatnonzero(np.isfinite(ys))[-1:]  # a run that diverges has no cost at its last one
    canvas.markers(xs[end], ys[end], shape="s", size=size, face=face, edge="none")
