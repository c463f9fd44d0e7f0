"""The profile of a fit: the lowest cost for each w_rec, and the interval."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from service.engine.numbers import format_number
from service.engine.types import Array
from service.figures.annotations import HALO, draw_labels, draw_marker, thin
from service.figures.page import Look, Page, marker, sample, stroke
from service.figures.scales import finite_range, use_log_scale, widen
from service.figures.style import DEFAULT, Style
from service.figures.text import typeset

CAPTION = "lowest cost"
_LEVEL_DASHES = (4.5, 2.2)
_PIECE, _CAUTIOUS = 0.28, 0.12  # opacities
_MIN_PIECE = 0.2  # width of a piece, in units of the font size
_LOG_RATIO = 10.0  # of the costs, from which on the axis is logarithmic
_DEEPEST = 1e-12  # of the largest cost, below which a logarithmic axis ends
_MAX_LABELS = 5


@dataclass(frozen=True, eq=False)
class CostProfile:
    """The values in the picture."""

    w_rec: Array  # (m,) ascending, at least two
    cost: Array  # (m,) nan or infinite for missing values
    level: float  # the cost up to which a w_rec belongs to the interval; infinite if all do
    pieces: Sequence[tuple[float, float]]  # of the interval
    minima: Sequence[tuple[float, float]]  # (w_rec, cost) of every local one, the lowest first
    confidence: float  # of the interval
    cautious: Sequence[tuple[float, float]] = ()  # the pieces of that with ar1 noise
    caption: str = CAPTION  # of the cost axis


def profile_figure(profile: CostProfile, *, headline: str, style: Style = DEFAULT) -> Figure:
    """Draw the lowest cost by w_rec, the level, the pieces of the interval and all minima.

    The headline, the result of the fit, is below the title. The cost axis is logarithmic if the
    costs span more than a factor of ten.
    """
    color, low, high = style.colors.state, profile.w_rec[0], profile.w_rec[-1]
    lowest, others = marker("o", 6, color, HALO), marker("o", 6, HALO, color)
    level = stroke(color, 1.1, _LEVEL_DASHES)
    entries = _legend(profile, color, lowest, others, level)
    title = "Plausible values of w_rec: the lowest cost at each weight"
    page = Page(style, title, entries, headline=headline)
    (axes,) = page.add_panels(1, grid=True)
    axes.set(xlim=(low, high), xlabel=typeset("w_rec"), ylabel=profile.caption)
    minima = np.reshape(profile.minima, (-1, 2))
    floor = _scale_costs(axes, np.concatenate([profile.cost, minima[:, 1], [profile.level]]))
    _draw_pieces(page, axes, profile.cautious, _CAUTIOUS)
    _draw_pieces(page, axes, profile.pieces, _PIECE)
    line = np.column_stack([profile.w_rec, np.maximum(profile.cost, floor)])
    axes.plot(*line.T, **stroke(page.colors.foreground, 0.16 * page.font))
    if np.isfinite(profile.level):
        axes.axhline(max(profile.level, floor), **level)
    points = np.maximum(minima, [-np.inf, floor])
    for part, look in ((points[1:], others), (points[:1], lowest)):
        draw_marker(axes, part, {**look, "markersize": 0.8 * page.font})
    page.lay_out()
    names = [format_number(w_rec, 3) for w_rec in minima[:_MAX_LABELS, 0]]
    draw_labels(page, axes, points, names, thin(page, axes, line), 0.4 * page.font + 1.4)
    return page.figure


def _scale_costs(axes: Axes, costs: Array) -> float:
    """Set the limits and the scale of the cost axis, and return the lowest cost to draw."""
    low, high = finite_range(costs)
    floor = _DEEPEST * max(high, 1e-300)
    if high <= _LOG_RATIO * max(low, floor):
        axes.set_ylim(widen(low, high, 0.07))
        return -np.inf
    use_log_scale(axes)
    low, high = widen(math.log10(max(low, floor)), math.log10(high), 0.06)
    axes.set_ylim(10**low, 10**high)
    return floor


def _legend(
    profile: CostProfile, color: str, lowest: Look, others: Look, level: Look
) -> list[Artist]:
    """Return the entries of what is drawn."""
    percent = f"{100 * profile.confidence:g} %"
    entries: list[Artist] = [sample("lowest minimum", lowest)]
    entries += [sample("other minima", others)] if len(profile.minima) > 1 else []
    entries += [sample(f"{percent} level", level)] if np.isfinite(profile.level) else []
    entries.append(Patch(color=color, alpha=_PIECE, label=f"{percent} interval"))
    if profile.cautious:
        entries.append(Patch(color=color, alpha=_CAUTIOUS, label="the same with ar1 noise"))
    return entries


def _draw_pieces(
    page: Page, axes: Axes, pieces: Sequence[tuple[float, float]], alpha: float
) -> None:
    """Shade the pieces of an interval, with a minimum width."""
    low, high = axes.get_xlim()
    least = _MIN_PIECE * page.font / page.width * (high - low)
    for piece in pieces:
        left, right = np.clip(piece, low, high)
        half = max(right - left, least) / 2
        ends = (left + right) / 2 - half, (left + right) / 2 + half
        axes.axvspan(*ends, color=page.colors.state, alpha=alpha, linewidth=0)
