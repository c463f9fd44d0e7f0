"""The profile of a fit: the lowest cost for each w_rec, and the interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from service.engine.types import Array
from service.figures.annotations import HALO, draw_labels, draw_marker
from service.figures.axis import finite_range, linear_axis, log_axis, widen
from service.figures.canvas import Canvas, Look, draw_page, marker, sample, stroke
from service.figures.numbers import format_number
from service.figures.panels import Panel, draw_panel
from service.figures.style import Style

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


def profile_figure(profile: CostProfile, *, headline: str, style: Style | None = None) -> Figure:
    """Draw the lowest cost by w_rec, the level, the pieces of the interval and all minima.

    The headline, the result of the fit, is below the title. The cost axis is logarithmic if the
    costs span more than a factor of ten.
    """
    canvas = Canvas(style or Style())
    color, low, high = canvas.colors.state, profile.w_rec[0], profile.w_rec[-1]
    lowest, others = marker("o", 6, color, HALO), marker("o", 6, HALO, color)
    level = stroke(color, 1.1, _LEVEL_DASHES)
    entries = _legend(profile, color, lowest, others, level)
    title = "Plausible values of w_rec: the lowest cost at each weight"
    area = draw_page(canvas, title, entries, headline=headline)
    minima = np.reshape(profile.minima, (-1, 2))
    costs = np.concatenate([profile.cost, minima[:, 1], [profile.level]])
    floor = _DEEPEST * max(finite_range(costs)[1], 1e-300)
    is_log = finite_range(costs)[1] > _LOG_RATIO * max(finite_range(costs)[0], floor)

    def scaled(costs: Array) -> Array:
        with np.errstate(invalid="ignore"):
            return np.log10(np.maximum(costs, floor)) if is_log else costs

    make_y = partial(linear_axis, *widen(*finite_range(costs), 0.07), profile.caption)
    if is_log:
        make_y = partial(log_axis, scaled(costs), profile.caption)
    panel = draw_panel(canvas, area, partial(linear_axis, low, high, "w_rec"), make_y, grid=True)
    _draw_pieces(canvas, panel, profile.cautious, _CAUTIOUS)
    _draw_pieces(canvas, panel, profile.pieces, _PIECE)
    xs, ys = panel.to_canvas(profile.w_rec, scaled(profile.cost))
    canvas.line(xs, ys, stroke(canvas.colors.foreground, 0.16 * canvas.font), panel.rect)
    if np.isfinite(profile.level):
        ends = np.array([low, high]), scaled(np.full(2, profile.level))
        canvas.line(*panel.to_canvas(*ends), level, panel.rect)
    at_x, at_y = panel.to_canvas(minima[:, 0], scaled(minima[:, 1]))
    for part, look in ((np.s_[1:], others), (np.s_[:1], lowest)):
        draw_marker(canvas, at_x[part], at_y[part], {**look, "markersize": 0.8 * canvas.font})
    names = [format_number(w_rec, 3) for w_rec in minima[:_MAX_LABELS, 0]]
    labels = [*zip(at_x, at_y, names, strict=False)]
    step = max(1, int(len(xs) * 0.6 * canvas.font / panel.rect.width))
    occupied = np.vstack([np.column_stack([at_x, at_y]), np.column_stack([xs, ys])[::step]])
    draw_labels(canvas, panel.rect, labels, occupied, 0.4 * canvas.font + 1.4)
    return canvas.figure


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
    canvas: Canvas, panel: Panel, pieces: Sequence[tuple[float, float]], alpha: float
) -> None:
    """Shade the pieces of an interval."""
    for piece in pieces:
        left, right = _ends(panel, piece, canvas.font)
        box = Rectangle((left, panel.rect.y0), right - left, panel.rect.height)
        box.set(facecolor=canvas.colors.state, alpha=alpha, linewidth=0)
        canvas.add(box)


def _ends(panel: Panel, piece: tuple[float, float], font: float) -> Array:
    """Return the left and the right end of a piece, with a minimum width."""
    rect = panel.rect
    ends = rect.x0 + np.clip(panel.x.to_unit(np.array(piece)), 0.0, 1.0) * rect.width
    half = max(float(np.ptp(ends)), _MIN_PIECE * font) / 2
    return np.asarray(np.clip(ends.mean() + np.array([-half, half]), rect.x0, rect.x1))
