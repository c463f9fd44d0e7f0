"""The levels and the gains of sequences, with their intervals, as dots in order of size."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from service.engine.types import Array
from service.figures.page import Page, count_columns, count_panels, marker, sample, stroke
from service.figures.scales import finite_range, widen
from service.figures.style import DEFAULT, Style

MAX_PANELS = 6
MAX_ROWS = 40
_REACH = 1.5  # the width of the range of values by which intervals can extend the axis
_ROW = 1.4  # the least height of a row, in units of the font size
_MEAN_DASHES = (4.5, 2.2)


@dataclass(frozen=True, eq=False)
class GroupEstimates:
    """A number of each sequence: columns (n,)."""

    label: str  # what the number is
    names: Sequence[str]  # of the sequences
    value: Array  # nan where it is unknown
    low: Array  # the interval, which may be infinite
    high: Array


def groups_figure(
    estimates: Sequence[GroupEstimates],
    *,
    target: str,
    headline: str,
    confidence: float,
    style: Style = DEFAULT,
) -> Figure:
    """Draw the numbers of all sequences in a panel each, the largest on top, with their intervals.

    Of many sequences, some are drawn, which the legend states. The mean is a dashed line.
    """
    shown = estimates[: count_panels(style, MAX_PANELS)]
    n_columns = count_columns(style, len(shown))
    height = 0.6 * 0.72 * style.height / -(-len(shown) // n_columns)
    n_rows = min(MAX_ROWS, max(2, int(height / (_ROW * style.font_size))))
    entries: list[Artist] = [
        sample("estimate", marker("o", 5, style.colors.state)),
        sample(f"{100 * confidence:g} % interval", stroke(style.colors.state, 1.4)),
        sample("mean", stroke(style.colors.muted, 1.1, _MEAN_DASHES)),
    ]
    n_hidden = max(len(each.names) for each in shown) - n_rows
    if n_hidden > 0:
        entries.append(sample(f"{n_hidden} more sequences not drawn", {"linestyle": "none"}))
    page = Page(style, f"Sequences of {target}", entries, headline=headline)
    for axes, each in zip(page.add_panels(len(shown), n_columns, grid=True), shown, strict=True):
        page.entitle(axes, each.label, n_columns)
        _draw_estimates(page, axes, each, n_rows, n_columns)
    return page.lay_out()


def _draw_estimates(
    page: Page, axes: Axes, estimates: GroupEstimates, n_rows: int, n_columns: int
) -> None:
    """Draw the numbers of some sequences, from the smallest to the largest."""
    known = np.flatnonzero(np.isfinite(estimates.value))
    order = known[np.argsort(estimates.value[known], kind="stable")]
    if len(order) > n_rows:
        order = order[np.round(np.linspace(0, len(order) - 1, n_rows)).astype(np.intp)]
    values = estimates.value[order]
    first, last = finite_range(values)
    reach = _REACH * ((last - first) or abs(first) or 1.0)
    lowest, highest = finite_range(np.concatenate([estimates.low[order], estimates.high[order]]))
    low_end = max(first - reach, min(first, lowest))
    axes.set_xlim(widen(low_end, min(last + reach, max(last, highest)), 0.05))
    rows = np.arange(len(order))
    lows, highs = np.clip([estimates.low[order], estimates.high[order]], *axes.get_xlim())
    axes.hlines(rows, lows, highs, color=page.colors.state, linewidth=1.4)
    if len(known):
        mean = float(estimates.value[known].mean())
        axes.axvline(mean, **stroke(page.colors.muted, 1.1, _MEAN_DASHES))
    axes.plot(values, rows, **marker("o", 0.5 * page.font, page.colors.state))
    names = [page.fit_caption(estimates.names[i], 0.25 * page.width / n_columns) for i in order]
    axes.set_yticks(rows, names)
    axes.set_ylim(-0.7, max(len(order), 1) - 0.3)
