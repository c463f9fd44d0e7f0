"""Plans: predictions after the last targets, and their differences from the first plan below."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from service.engine.types import Array
from service.figures.page import Page, marker, sample, stroke
from service.figures.scales import TimeAxis, finite_range, widen
from service.figures.style import DEFAULT, Style

_LINE = 0.16  # in units of the font size
_SHARE = 0.4  # of the differences in the height
_BAND = 0.2  # opacity
_REACH = 0.5  # of the range of the lines, by which bands can extend the axis


@dataclass(frozen=True, eq=False)
class PlannedLine:
    """A prediction or a difference: columns (m,) at the planned times."""

    values: Array
    low: Array  # the band, which may be infinite
    high: Array


def plans_figure(
    plans: Sequence[PlannedLine],
    differences: Sequence[PlannedLine],
    *,
    names: Sequence[str],
    times: Array,
    past: tuple[Array, Array],
    target: str,
    axis: TimeAxis,
    headline: str,
    confidence: float,
    style: Style = DEFAULT,
) -> Figure:
    """Draw each plan as a line in its band, after the last targets, and the differences below.

    ``past`` are the times of the last targets, and these. The differences are those of the other
    plans from the first one, each in the color of its plan. The headline is the verdict on the fit;
    the confidence is that of the bands.
    """
    colors = style.colors.series
    width = _LINE * style.font_size
    entries: list[Artist] = [sample("target", marker("o", 5, style.colors.muted))]
    entries += [
        sample(name, stroke(color, width)) for name, color in zip(names, colors, strict=False)
    ]
    band = f"{100 * confidence:g} % band of the mean"
    entries.append(Patch(facecolor=style.colors.muted, alpha=_BAND, label=band))
    page = Page(style, f"Plans for {target}", entries, headline=headline)
    shares = (1 - _SHARE, _SHARE) if differences else (1,)
    panels: Sequence[Axes] = page.add_panels(
        len(shares), grid=True, sharex=True, height_ratios=shares
    )
    axis.apply(page, panels[-1], *widen(*finite_range(np.append(past[0], times)), 0.02))
    panels[0].set_ylabel(page.fit_caption(target, 0.3 * page.height))
    _draw_lines(page, panels[0], times, plans, colors, past[1])
    panels[0].plot(*past, **marker("o", 0.4 * page.font, page.colors.muted))
    if differences:
        panels[1].set_ylabel(page.fit_caption(f"minus {names[0]}", 0.3 * page.height))
        panels[1].axhline(0, color=page.colors.muted, linewidth=0.72)
        _draw_lines(page, panels[1], times, differences, colors[1:], np.zeros(1))
    return page.lay_out()


def _draw_lines(
    page: Page,
    axes: Axes,
    times: Array,
    lines: Sequence[PlannedLine],
    colors: Sequence[str],
    others: Array,
) -> None:
    """Draw lines in their bands; the axis has space for ``others``, and bands not much wider."""
    low, high = finite_range(np.concatenate([others, *(line.values for line in lines)]))
    bands = np.concatenate([[low, high], *(end for line in lines for end in (line.low, line.high))])
    lowest, highest = finite_range(bands)
    reach = _REACH * ((high - low) or abs(high) or 1.0)
    axes.set_ylim(widen(max(low - reach, lowest), min(high + reach, highest), 0.06))
    for line, color in zip(lines, colors, strict=False):
        ends = np.clip([line.low, line.high], *axes.get_ylim())
        axes.fill_between(times, *ends, color=color, linewidth=0, alpha=_BAND)
        shape = "o" if len(times) == 1 else ""
        axes.plot(times, line.values, marker=shape, **stroke(color, _LINE * page.font))
