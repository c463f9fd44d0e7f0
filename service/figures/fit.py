"""A fit: targets and predictions over time, and the residuals below."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from matplotlib.artist import Artist
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.transforms import Bbox

from service.engine.types import Array
from service.figures.axis import Axis, MakeAxis, finite_range, linear_axis, log_axis, widen
from service.figures.canvas import Canvas, Look, draw_page, marker, sample, stroke
from service.figures.panels import Panel, draw_panels, draw_segments
from service.figures.style import Style
from service.figures.text import printable, shorten
from service.figures.time_axis import TimeAxis

_LINE = 0.16  # in units of the font size
_RESIDUAL_SHARE = 0.3  # of the height
_MIN_HEIGHT = 15.0  # in units of the font size, with residuals
_MARGIN = 0.06  # around the numbers, in units of their range
_BAND = 0.25  # opacity


@dataclass(frozen=True, eq=False)
class FittedSequence:
    """One sequence: columns (m,) at its times, nan for missing values."""

    label: str  # its name in the legend
    time: Array
    target: Array
    prediction: Array
    low: Array  # the band, which may be infinite
    high: Array
    residual: Array
    is_joined: bool = False  # from sequences of one row, which no line connects


def fit_figure(
    sequences: Sequence[FittedSequence],
    *,
    n_sequences: int,
    target: str,
    time: TimeAxis,
    headline: str,
    confidence: float,
    is_log: bool = False,
    style: Style | None = None,
) -> Figure:
    """Draw targets as dots, the fit as a line in its band, and residuals as lines from 0.

    Sequences with one row each are drawn side by side; others share the time axis, and their colors
    repeat after eight. The legend counts those of ``n_sequences`` that are not drawn.
    ``target`` is the caption of the values, whose axis is logarithmic with ``is_log``; all of them
    are then positive. The headline, the result of the fit, is below the title; the confidence is
    that of the band.
    """
    canvas, n_hidden = Canvas(style or Style()), n_sequences - len(sequences)
    if n_sequences > 1 and all(len(sequence.time) == 1 for sequence in sequences):
        sequences, time = [_join(sequences)], TimeAxis("sequence")
    if is_log:
        sequences = [*map(_take_logarithms, sequences)]
    colors = canvas.colors.series if len(sequences) > 1 else (canvas.colors.state,)
    entries = _legend(canvas, sequences, n_hidden, confidence, colors)
    area = draw_page(canvas, f"Fit of {printable(target)}", entries, headline=headline)
    caption = shorten(printable(target), canvas.font, 0.6 * area.height)
    make_y = partial(linear_axis, *_data_range(sequences), caption)
    if is_log:
        make_y = partial(log_axis, np.array(_data_range(sequences, 0.0)), caption, plain=True)
    data, *residuals = _draw_panels(canvas, area, sequences, make_y, time)
    n = len(sequences)
    for i, sequence in enumerate(sequences):
        color = colors[i % len(colors)]
        _draw_fit(canvas, data, sequence, color, color if n > 1 else canvas.colors.muted)
        for panel in residuals:
            _draw_residuals(canvas, panel, sequence, color, i - (n - 1) / 2)
    return canvas.figure


def _join(sequences: Sequence[FittedSequence]) -> FittedSequence:
    """Return sequences of one row each as one, with their numbers as times."""
    names = ("target", "prediction", "low", "high", "residual")
    columns = {name: np.concatenate([getattr(s, name) for s in sequences]) for name in names}
    times = np.arange(len(sequences), dtype=np.float64)
    return FittedSequence("fit", times, **columns, is_joined=True)


def _take_logarithms(sequence: FittedSequence) -> FittedSequence:
    """Return a sequence with the decimal logarithms of its values, but not of its residuals."""
    names = ("target", "prediction", "low", "high")
    with np.errstate(divide="ignore", invalid="ignore"):  # of the lower end of a band
        logs = {name: np.log10(np.maximum(getattr(sequence, name), 0.0)) for name in names}
    return replace(sequence, **logs)


def _are_points(sequence: FittedSequence) -> bool:
    """Return True if no line connects the rows."""
    return sequence.is_joined or len(sequence.time) == 1


def _legend(
    canvas: Canvas,
    sequences: Sequence[FittedSequence],
    n_hidden: int,
    confidence: float,
    colors: Sequence[str],
) -> list[Artist]:
    muted, background, width = canvas.colors.muted, canvas.colors.background, _LINE * canvas.font
    entries: list[Artist] = [sample("target", marker("o", 5, muted))]
    if _are_points(sequences[0]):
        entries.append(sample("fit", marker("o", 5, background, colors[0])))
    elif len(sequences) == 1:
        entries.append(sample("fit", stroke(colors[0], width)))
    else:
        for i, sequence in enumerate(sequences):
            label = shorten(printable(sequence.label), canvas.small, canvas.area.width / 4)
            entries.append(sample(label, stroke(colors[i % len(colors)], width)))
    if n_hidden > 0:
        entries.append(sample(f"{n_hidden} more not drawn", {"linestyle": "none"}))
    face = colors[0] if len(sequences) == 1 else muted
    name = f"{100 * confidence:g} % band of the mean"
    return [*entries, Patch(facecolor=face, alpha=_BAND, label=name)]


def _draw_panels(
    canvas: Canvas,
    area: Bbox,
    sequences: Sequence[FittedSequence],
    make_y: MakeAxis,
    time: TimeAxis,
) -> list[Panel]:
    """Draw the panel of the data and, if there is space, that of the residuals below."""
    times = np.concatenate([sequence.time for sequence in sequences])
    make_x = time.make(*widen(*finite_range(times), 0.02))
    if area.height < _MIN_HEIGHT * canvas.font:
        return draw_panels(canvas, [area], [(make_x, make_y)], grid=True)
    residuals = np.concatenate([sequence.residual for sequence in sequences])
    largest = max(map(abs, finite_range(residuals)))
    largest = largest or 1e-3 * max(map(abs, _data_range(sequences)))
    make_r = partial(linear_axis, -1.12 * largest, 1.12 * largest, "residual")
    below = _RESIDUAL_SHARE * area.height

    def unlabeled(max_ticks: int) -> Axis:
        axis = make_x(max_ticks)
        return Axis(axis.low, axis.high, axis.ticks, [""] * len(axis.ticks), "")

    areas = [
        Bbox([[area.x0, area.y0 + below + 0.9 * canvas.font], area.max]),
        Bbox([area.min, [area.x1, area.y0 + below + 3.2 * canvas.font]]),
    ]
    return draw_panels(canvas, areas, [(unlabeled, make_y), (make_x, make_r)], grid=True)


def _data_range(
    sequences: Sequence[FittedSequence], margin: float = _MARGIN
) -> tuple[float, float]:
    """Return the range of targets and predictions, and of a band that is not much wider."""
    values = np.concatenate([v for s in sequences for v in (s.target, s.prediction)])
    bands = np.concatenate([v for s in sequences for v in (s.low, s.high)])
    low, high = finite_range(values)
    reach = 0.25 * (high - low)
    lowest, highest = finite_range(np.append(bands, [low, high]))
    low, high = max(low - reach, min(low, lowest)), min(high + reach, max(high, highest))
    return widen(low, high, margin) if margin else (low, high)


def _draw_fit(
    canvas: Canvas, panel: Panel, sequence: FittedSequence, color: str, dots: str
) -> None:
    """Draw a fit as a line in its band, or as rings on bars, with dots for the targets."""
    font, rect = canvas.font, panel.rect
    look: Look = {"color": color, "linewidth": 0, "alpha": _BAND}
    # Infinite bands end outside the panel.
    lows, highs = np.clip([sequence.low, sequence.high], *widen(panel.y.low, panel.y.high, 1.0))
    columns = (sequence.target, sequence.prediction, lows, highs)
    targets, fits, lows, highs = (panel.to_canvas(sequence.time, each)[1] for each in columns)
    xs = rect.x0 + panel.x.to_unit(sequence.time) * rect.width
    size = min(max(1.3 * rect.width / len(xs), 0.3 * font), 0.5 * font)  # smaller if they are many
    if _are_points(sequence):
        lows, highs = np.clip([lows, highs], rect.y0, rect.y1)
        draw_segments(canvas, (xs, lows), (xs, highs), **look | {"linewidth": size})
        ring = marker("o", 1.5 * size, canvas.colors.background, color, 0.1 * font)
        canvas.line(xs, fits, ring)
        canvas.line(xs, targets, marker("o", 0.8 * size, dots))
    else:
        drawn = (~np.isnan(lows + highs)).tolist()
        canvas.add(FillBetweenPolyCollection("x", xs, lows, highs, where=drawn, **look), rect)
        canvas.line(xs, targets, marker("o", size, dots))
        canvas.line(xs, fits, stroke(color, _LINE * font), rect)


def _draw_residuals(
    canvas: Canvas, panel: Panel, sequence: FittedSequence, color: str, shift: float
) -> None:
    """Draw residuals as lines from 0, moved by ``shift`` line widths."""
    rect = panel.rect
    width = min(max(0.5 * rect.width / len(sequence.time), 0.4), 0.2 * canvas.font)
    xs, ys = panel.to_canvas(sequence.time, sequence.residual)
    drawn, zero = ~np.isnan(ys), (rect.y0 + rect.y1) / 2
    canvas.line(np.array([rect.x0, rect.x1]), np.full(2, zero), stroke(canvas.colors.muted, 0.72))
    xs = xs[drawn] + shift * width
    draw_segments(canvas, (xs, zero), (xs, ys[drawn]), color=color, linewidth=width)
