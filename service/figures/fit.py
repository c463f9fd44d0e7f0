"""A fit: targets and predictions over time, and the residuals below."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from service.engine.types import Array
from service.figures.axis import Axis, linear_axis
from service.figures.canvas import Canvas, Stroke
from service.figures.frame import bottom_margin, draw_frame, left_margin
from service.figures.geometry import Panel, Rect, snap_to_pixels
from service.figures.layout import draw_page, weight_axis, widen
from service.figures.legend import LegendEntry
from service.figures.style import Style, blend
from service.figures.text import printable, shorten

_LINE = 0.16  # in units of the font size
_RESIDUAL_SHARE = 0.3  # of the height
_ROOM_FOR_TICKS = 6.5  # height of residuals with up to five ticks, in units of the font size
_MIN_HEIGHT = 15.0  # in units of the font size, with residuals
_MARGIN = 0.06  # around the numbers, in units of their range
_BAND = 0.2  # opacity


@dataclass(frozen=True, eq=False)
class FittedSequence:
    """One sequence: columns (m,) at its times, nan where one does not exist."""

    label: str  # its name in the legend
    time: Array
    target: Array
    prediction: Array
    low: Array  # the band, which may be infinite
    high: Array
    residual: Array


def fit_figure(
    sequences: Sequence[FittedSequence],
    *,
    n_sequences: int,
    target: str,
    time: str,
    headline: str,
    confidence: float,
    style: Style | None = None,
) -> Figure:
    """Draw targets as dots, the fit as a line in its band, and residuals as lines from 0.

    Sequences with one row each are drawn side by side; others share the time axis, and from the
    ninth on, their colors repeat. The legend counts those of ``n_sequences`` that are not drawn.
    ``target`` and ``time`` are the captions of the axes. The headline, the result of the fit, is
    below the title; the confidence is that of the band.
    """
    style = style or Style()
    canvas = Canvas(style)
    side_by_side = all(len(sequence.time) == 1 for sequence in sequences) and n_sequences > 1
    if side_by_side:
        sequences, time = [_join(sequences)], "sequence"
    entries = _legend(canvas, sequences, n_sequences, confidence, side_by_side=side_by_side)
    area = draw_page(canvas, f"Fit of {printable(target)}", entries, headline=headline)
    area = area._replace(bottom=area.bottom + bottom_margin(canvas))
    data, residuals = _panels(canvas, area, sequences, printable(target), printable(time))
    for panel in (data, residuals):
        if panel is not None:
            draw_frame(canvas, panel, grid=True)
    draw = _draw_dots if side_by_side else _draw_lines
    n = len(sequences)
    for i, sequence in enumerate(sequences):
        draw(canvas, data, sequence, _colors(canvas, i, n))
        if residuals is not None:
            _draw_residuals(canvas, residuals, sequence, _colors(canvas, i, n)[0], i - (n - 1) / 2)
    return canvas.figure


def _join(sequences: Sequence[FittedSequence]) -> FittedSequence:
    """Return sequences of one row each as one, with their numbers as times."""
    names = ("target", "prediction", "low", "high", "residual")
    columns = {name: np.concatenate([getattr(s, name) for s in sequences]) for name in names}
    return FittedSequence("fit", np.arange(len(sequences), dtype=np.float64), **columns)


def _colors(canvas: Canvas, index: int, n: int) -> tuple[str, str]:
    """Return the color of a sequence among n, and that of its dots."""
    series = canvas.colors.series
    if n == 1:
        return canvas.colors.state, canvas.colors.muted
    return series[index % len(series)], series[index % len(series)]


def _legend(
    canvas: Canvas,
    sequences: Sequence[FittedSequence],
    n_sequences: int,
    confidence: float,
    *,
    side_by_side: bool,
) -> list[LegendEntry]:
    n, colors, width = len(sequences), canvas.colors, _LINE * canvas.style.font_size
    color = _colors(canvas, 0, n)[0]
    entries = [LegendEntry("target", None, "o", colors.muted, "none")]
    if side_by_side:
        entries.append(LegendEntry("fit", None, "o", colors.background, color))
    elif n == 1:
        entries.append(LegendEntry("fit", Stroke(color, width)))
    else:
        for i, sequence in enumerate(sequences):
            label = shorten(
                printable(sequence.label), canvas.style.font_size, canvas.area.width / 4
            )
            entries.append(LegendEntry(label, Stroke(_colors(canvas, i, n)[0], width)))
    drawn = len(sequences[0].time) if side_by_side else n
    if n_sequences > drawn:
        entries.append(LegendEntry(f"{n_sequences - drawn} more not drawn", shape=""))
    face = blend(color if n == 1 else colors.muted, colors.background, 2 * _BAND)
    return [
        *entries,
        LegendEntry(f"{100 * confidence:g} % band of the mean", None, "s", face, face),
    ]


def _panels(
    canvas: Canvas, area: Rect, sequences: Sequence[FittedSequence], target: str, time: str
) -> tuple[Panel, Panel | None]:
    """Return the panel of the data and, where there is room, that of the residuals below."""
    font = canvas.style.font_size
    has_residuals = area.height > _MIN_HEIGHT * font
    gap = 0.9 * font if has_residuals else 0.0
    below = _RESIDUAL_SHARE * area.height if has_residuals else 0.0
    height = area.height - below - gap
    target = shorten(target, font, height)
    y = weight_axis(*_data_range(sequences), height, font, target, horizontal=False)
    largest = max(_largest(sequence.residual) for sequence in sequences)
    largest = 1.12 * (largest or 1e-3 * max(abs(y.low), abs(y.high)))
    r = linear_axis(-largest, largest, 4 if below > _ROOM_FOR_TICKS * font else 3, "residual")
    left = area.left + max(left_margin(canvas, axis) for axis in (y, r)[: 1 + has_residuals])
    data = snap_to_pixels(Rect(left, area.top - height, area.right, area.top), canvas.style)
    times = np.concatenate([sequence.time for sequence in sequences])
    low, high = widen(float(times.min()), float(times.max()), 0.02)
    x = weight_axis(low, high, data.width, font, time, horizontal=True)
    if not has_residuals:
        return Panel(data, x, y), None
    rect = snap_to_pixels(Rect(left, area.bottom, area.right, area.bottom + below), canvas.style)
    unlabeled = Axis(x.low, x.high, x.ticks, ("",) * len(x.ticks), "")
    return Panel(data, unlabeled, y), Panel(rect, x, r)


def _largest(values: Array) -> float:
    return float(np.max(np.abs(values), where=np.isfinite(values), initial=0.0))


def _data_range(sequences: Sequence[FittedSequence]) -> tuple[float, float]:
    """Return the range of targets and predictions, and of a band that is not much wider."""
    values = np.concatenate([v for s in sequences for v in (s.target, s.prediction)])
    values = values[np.isfinite(values)] if np.isfinite(values).any() else np.zeros(1)
    low, high = float(values.min()), float(values.max())
    reach = 0.25 * (high - low)
    bands = np.concatenate([v for s in sequences for v in (s.low, s.high)])
    bands = bands[np.isfinite(bands)]
    low = max(low - reach, min(low, float(bands.min(initial=low))))
    high = min(high + reach, max(high, float(bands.max(initial=high))))
    return widen(low, high, _MARGIN)


def _positions(panel: Panel, sequence: FittedSequence) -> tuple[Array, Array, Array, Array, Array]:
    """Return the positions of times, targets, predictions and both ends of the band."""
    span = panel.y.high - panel.y.low
    # Infinite bands end outside the panel.
    ends = (
        np.clip(band, panel.y.low - span, panel.y.high + span)
        for band in (sequence.low, sequence.high)
    )
    numbers = sequence.target, sequence.prediction, *ends
    targets, fits, lows, highs = (panel.to_canvas(sequence.time, column)[1] for column in numbers)
    xs = panel.rect.left + panel.x.to_unit(sequence.time) * panel.rect.width
    return xs, targets, fits, lows, highs


def _draw_lines(
    canvas: Canvas, panel: Panel, sequence: FittedSequence, colors: tuple[str, str]
) -> None:
    """Draw a fit as a line in its band, with dots for the targets."""
    font, (color, dots) = canvas.style.font_size, colors
    xs, targets, fits, lows, highs = _positions(panel, sequence)
    canvas.band(xs, lows, highs, color, _BAND, panel.rect)
    size = _dot_size(panel.rect, len(xs), font)
    canvas.markers(xs, targets, shape="o", size=size, face=dots, edge="none")
    canvas.line(xs, fits, Stroke(color, _LINE * font), panel.rect)
    if len(xs) == 1:
        canvas.markers(xs, fits, shape="_", size=font, face=color, edge=color, edge_width=2)


def _draw_dots(
    canvas: Canvas, panel: Panel, sequence: FittedSequence, colors: tuple[str, str]
) -> None:
    """Draw fits as rings on bars, with dots for the targets."""
    font, rect, (color, dots) = canvas.style.font_size, panel.rect, colors
    xs, targets, fits, lows, highs = _positions(panel, sequence)
    drawn = ~np.isnan(lows + highs)
    starts, stops = (
        np.stack([xs, np.clip(ends, rect.bottom, rect.top)], axis=1)[drawn]
        for ends in (lows, highs)
    )
    size = _dot_size(rect, len(xs), font)
    if drawn.any():
        canvas.segments(starts, stops, Stroke(color, size, alpha=2 * _BAND))
    ring, width = canvas.colors.background, 0.1 * font
    canvas.markers(xs, fits, shape="o", size=1.5 * size, face=ring, edge=color, edge_width=width)
    canvas.markers(xs, targets, shape="o", size=0.8 * size, face=dots, edge="none")


def _dot_size(rect: Rect, n: int, font: float) -> float:
    """Return the diameter of dots, which is smaller where they are many."""
    return min(max(1.3 * rect.width / n, 0.3 * font), 0.5 * font)


def _draw_residuals(
    canvas: Canvas, panel: Panel, sequence: FittedSequence, color: str, shift: float
) -> None:
    """Draw residuals as lines from 0, moved by ``shift`` line widths."""
    rect, font = panel.rect, canvas.style.font_size
    width = min(max(0.5 * rect.width / len(sequence.time), 0.6), 0.2 * font)
    xs, ys = panel.to_canvas(sequence.time, sequence.residual)
    xs = xs + shift * width
    drawn = ~np.isnan(ys)
    zero = rect.bottom + rect.height / 2
    canvas.line(np.array(rect[::2]), np.full(2, zero), Stroke(canvas.colors.muted, 1))
    starts = np.stack([xs, np.full(len(xs), zero)], axis=1)[drawn]
    stops = np.stack([xs, ys], axis=1)[drawn]
    if drawn.any():
        canvas.segments(starts, stops, Stroke(color, width))
