"""One training run: its path on the cost surface, and its cost by iteration."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from service.engine.numbers import format_log10_number, format_number
from service.engine.types import Array
from service.figures.annotations import draw_optimum, draw_path, path_look, surface_entries
from service.figures.color_bands import choose_color_bands
from service.figures.heatmap import (
    Log10Cost,
    Window,
    compute_costs,
    draw_cost_bar,
    draw_costs,
    name_weights,
)
from service.figures.page import Page, marker, sample, stroke
from service.figures.scales import finite_range, use_integers, use_powers
from service.figures.style import DEFAULT, Style

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
    style: Style = DEFAULT,
) -> Figure:
    """Draw the path on the cost surface, and the cost next to it or, on a tall canvas, below.

    The columns (m,) are ``iteration``, ``w_in``, ``w_rec`` and ``log10_cost``, which is -inf where
    the cost is 0, for at least one recorded iteration. The optimum is a star, the target cost a
    line; ``notes`` on the computation of the cost are below the title.
    """
    weights = np.column_stack([columns["w_in"], columns["w_rec"]])
    title = f"{optimizer}: {outcome.replace('_', ' ')}"
    entries = surface_entries(style, [optimizer], optimum=optimum is not None)
    if target_cost is not None:
        entries.append(sample("target cost", stroke(style.colors.muted, 1.1, _TARGET_DASHES)))
    headline = "; ".join(filter(None, (_headline(columns), notes)))
    page = Page(style, title, entries, headline=headline)
    surface, costs = page.add_panels(2, 2 if style.width > 1.25 * style.height else 1)
    window = window_around(weights, optimum)
    name_weights(surface, window)
    _draw_costs(page, costs, columns, target_cost)
    bar = page.reserve_bar([surface]) if style.width >= _MIN_WIDTH_WITH_BAR else None
    page.lay_out()
    values = compute_costs(surface, window, log10_cost)
    bands = choose_color_bands([values])
    draw_costs(page, surface, window, values, bands)
    if bar is not None:
        draw_cost_bar(page, bar, bands)
    if optimum is not None:
        draw_optimum(page, surface, optimum)
    draw_path(page, surface, weights, path_look(style, 0))
    return page.figure


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
    page: Page, axes: Axes, columns: Mapping[str, NDArray[Any]], target_cost: float | None
) -> None:
    """Draw the cost by iteration; a cost of 0 is at the bottom."""
    iterations, log10_costs = columns["iteration"], columns["log10_cost"]
    target = np.log10([target_cost]) if target_cost else np.empty(0)
    low, high = finite_range(np.concatenate([log10_costs, target]))
    low, high = low - max(0.06 * (high - low), 0.1), high + max(0.06 * (high - low), 0.1)
    first, last = iterations[0], max(iterations[-1], iterations[0] + 1)
    axes.set(xlim=(first, last + 0.02 * (last - first)), ylim=(low, high))
    axes.set(xlabel="iteration", ylabel="cost")
    page.draw_grid(axes)
    use_integers(axes.xaxis)
    use_powers(axes.yaxis)
    if target.size:
        axes.axhline(target[0], **stroke(page.colors.muted, 1.1, _TARGET_DASHES))
    look, shown = path_look(page.style, 0), np.maximum(log10_costs, low)
    axes.plot(iterations, shown, **look)
    end = np.flatnonzero(np.isfinite(shown))[-1:]  # a diverged run has no cost at its last one
    square = marker("s", 0.6 * page.font, look["color"])
    axes.plot(iterations[end], shown[end], **square, clip_on=False, in_layout=False)
