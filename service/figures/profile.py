"""The profile of a fit: the lowest cost for each w_rec, and the interval."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from service.engine.types import Array
from service.figures.annotations import HALO, draw_labels, draw_marker
from service.figures.axis import Axis
from service.figures.canvas import Canvas, Stroke
from service.figures.geometry import Panel, Rect
from service.figures.layout import data_log_axis, draw_page, draw_panel, weight_axis, widen
from service.figures.legend import LegendEntry
from service.figures.style import Style, blend
from service.figures.text import format_number

CAPTION = "lowest cost"
_LINE = 0.16  # in units of the font size
_LEVEL_DASHES = (6.0, 3.0)
_PIECE, _CAUTIOUS = 0.22, 0.09  # opacities
_MIN_PIECE = 0.2  # width of a piece, in units of the font size
_LOG_RATIO = 10.0  # of the costs, from which on the axis is logarithmic
_DEEPEST = 1e-12  # of the largest cost, below which a logarithmic axis ends
_MAX_LABELS = 5
_LABEL_DISTANCE = 0.6  # between points of the line that labels avoid, in units of the font size


@dataclass(frozen=True, eq=False)
class CostProfile:
    """The numbers that the picture shows."""

    w_rec: Array  # (m,) rising, at least two
    cost: Array  # (m,) nan or infinite where there is none
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
    style = style or Style()
    canvas, font = Canvas(style), style.font_size
    title = "Plausible values of w_rec: the lowest cost at each weight"
    area = draw_page(canvas, title, _legend(canvas, profile), headline=headline)
    scale = _Scale(profile)
    low, high = float(profile.w_rec[0]), float(profile.w_rec[-1])
    panel = draw_panel(
        canvas,
        area,
        lambda width: weight_axis(low, high, width, font, "w_rec", horizontal=True),
        lambda height: scale.axis(height, font),
        grid=True,
    )
    rect, color = panel.rect, canvas.colors.state
    for pieces, alpha in ((profile.cautious, _CAUTIOUS), (profile.pieces, _PIECE)):
        for piece in pieces:
            canvas.box(_piece_box(panel, piece, font), face=color, alpha=alpha)
    xs, ys = panel.to_canvas(profile.w_rec, scale.values(profile.cost))
    canvas.line(xs, ys, Stroke(canvas.colors.foreground, _LINE * font), rect)
    if np.isfinite(profile.level):
        ends = np.array([low, high]), scale.values(np.full(2, profile.level))
        canvas.line(*panel.to_canvas(*ends), Stroke(color, 1.5, _LEVEL_DASHES), rect)
    step = max(1, int(len(xs) * _LABEL_DISTANCE * font / rect.width))
    line = [(float(x), float(y)) for x, y in zip(xs[::step], ys[::step], strict=True)]
    _draw_minima(canvas, panel, scale, profile, line)
    return canvas.figure


class _Scale:
    """The vertical axis: the cost, or its logarithm."""

    def __init__(self, profile: CostProfile) -> None:
        minima = np.array([cost for _, cost in profile.minima])
        costs = np.concatenate([profile.cost, minima, [profile.level]])
        self._caption = profile.caption
        self._costs = costs[np.isfinite(costs)] if np.isfinite(costs).any() else np.zeros(1)
        self._floor = _DEEPEST * max(float(self._costs.max()), 1e-300)
        lowest = max(float(self._costs.min()), self._floor)
        self._is_log = float(self._costs.max()) > _LOG_RATIO * lowest

    def values(self, costs: Array) -> Array:
        """Return costs as values of the axis."""
        if not self._is_log:
            return costs
        with np.errstate(invalid="ignore"):
            return np.log10(np.maximum(costs, self._floor))

    def axis(self, height: float, font: float) -> Axis:
        values = self.values(self._costs)
        if self._is_log:
            return data_log_axis(values, height, font, self._caption)
        low, high = widen(float(values.min()), float(values.max()), 0.07)
        return weight_axis(low, high, height, font, self._caption, horizontal=False)


def _piece_box(panel: Panel, piece: tuple[float, float], font: float) -> Rect:
    """Return the rectangle of a piece, wide enough to be seen."""
    ends = np.clip(panel.x.to_unit(np.array(piece)), 0.0, 1.0) * panel.rect.width
    middle, half = float(ends.mean()), max(float(np.ptp(ends)), _MIN_PIECE * font) / 2
    left = panel.rect.left + max(middle - half, 0.0)
    right = panel.rect.left + min(middle + half, panel.rect.width)
    return Rect(left, panel.rect.bottom, right, panel.rect.top)


def _draw_minima(
    canvas: Canvas,
    panel: Panel,
    scale: _Scale,
    profile: CostProfile,
    line: Sequence[tuple[float, float]],
) -> None:
    """Draw the lowest minimum as a dot and the others as rings, with their w_rec off the line."""
    if not profile.minima:
        return
    font, color = canvas.style.font_size, canvas.colors.state
    minima = np.array(profile.minima)
    xs, ys = panel.to_canvas(minima[:, 0], scale.values(minima[:, 1]))
    size = 0.8 * font
    for i in reversed(range(len(xs))):
        colors = (HALO, color) if i else (color, HALO)
        draw_marker(canvas, (xs[i : i + 1], ys[i : i + 1]), "o", size, colors)
    points = [(float(x), float(y)) for x, y in zip(xs, ys, strict=True)]
    labels = [
        (*point, format_number(w_rec, 3))
        for point, (w_rec, _) in zip(points[:_MAX_LABELS], profile.minima, strict=False)
    ]
    draw_labels(canvas, panel.rect, labels, [*points, *line], size / 2 + 2)


def _legend(canvas: Canvas, profile: CostProfile) -> list[LegendEntry]:
    color, percent = canvas.colors.state, f"{100 * profile.confidence:g} %"
    faces = [blend(color, canvas.colors.background, 2 * alpha) for alpha in (_PIECE, _CAUTIOUS)]
    entries = [LegendEntry("lowest minimum", None, "o", color, HALO)]
    if len(profile.minima) > 1:
        entries.append(LegendEntry("other minima", None, "o", HALO, color))
    if np.isfinite(profile.level):
        entries.append(LegendEntry(f"{percent} level", Stroke(color, 1.5, _LEVEL_DASHES)))
    entries.append(LegendEntry(f"{percent} interval", None, "s", faces[0], faces[0]))
    if profile.cautious:
        entries.append(LegendEntry("the same with ar1 noise", None, "s", faces[1], faces[1]))
    return entries
