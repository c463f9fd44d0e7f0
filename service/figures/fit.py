"""A fit: targets and predictions over time, and the residuals below."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.transforms import ScaledTranslation

from service.engine.types import Array
from service.figures.page import Look, Page, marker, sample, stroke
from service.figures.scales import TimeAxis, finite_range, use_log_scale, widen
from service.figures.style import DEFAULT, Style
from service.figures.text import printable, shorten

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
    style: Style = DEFAULT,
) -> Figure:
    """Draw targets as dots, the fit as a line in its band, and residuals as lines from 0.

    Sequences with one row each are drawn side by side; others share the time axis, and their colors
    repeat after eight. The legend counts those of ``n_sequences`` that are not drawn.
    ``target`` is the caption of the values, whose axis is logarithmic with ``is_log``; all of them
    are then positive. The headline, the result of the fit, is below the title; the confidence is
    that of the band.
    """
    n_hidden = n_sequences - len(sequences)
    if n_sequences > 1 and all(len(sequence.time) == 1 for sequence in sequences):
        sequences, time = [_join(sequences)], TimeAxis("sequence")
    n = len(sequences)
    colors = style.colors.series if n > 1 else (style.colors.state,)
    entries = _legend(style, sequences, n_hidden, confidence, colors)
    page = Page(style, f"Fit of {target}", entries, headline=headline)
    data, *residuals = _add_panels(page, sequences, time)
    data.set_ylabel(page.fit_caption(target, 0.4 * page.height))
    if is_log:
        use_log_scale(data)
    data.set_ylim(_data_range(sequences, is_log=is_log))
    for i, sequence in enumerate(sequences):
        color = colors[i % len(colors)]
        _draw_fit(page, data, sequence, color, color if n > 1 else page.colors.muted)
        for axes in residuals:
            _draw_residuals(page, axes, sequence, color, i - (n - 1) / 2)
    return page.lay_out()


def _join(sequences: Sequence[FittedSequence]) -> FittedSequence:
    """Return sequences of one row each as one, with their numbers as times."""
    names = ("target", "prediction", "low", "high", "residual")
    columns = {name: np.concatenate([getattr(s, name) for s in sequences]) for name in names}
    times = np.arange(len(sequences), dtype=np.float64)
    return FittedSequence("fit", times, **columns, is_joined=True)


def _are_points(sequence: FittedSequence) -> bool:
    """Return True if no line connects the rows."""
    return sequence.is_joined or len(sequence.time) == 1


def _legend(
    style: Style,
    sequences: Sequence[FittedSequence],
    n_hidden: int,
    confidence: float,
    colors: Sequence[str],
) -> list[Artist]:
    muted, background, width = style.colors.muted, style.colors.background, _LINE * style.font_size
    entries: list[Artist] = [sample("target", marker("o", 5, muted))]
    if _are_points(sequences[0]):
        entries.append(sample("fit", marker("o", 5, background, colors[0])))
    elif len(sequences) == 1:
        entries.append(sample("fit", stroke(colors[0], width)))
    else:
        for i, sequence in enumerate(sequences):
            label = shorten(printable(sequence.label), style.font_size, style.width / 5)
            entries.append(sample(label, stroke(colors[i % len(colors)], width)))
    if n_hidden > 0:
        entries.append(sample(f"{n_hidden} more not drawn", {"linestyle": "none"}))
    face = colors[0] if len(sequences) == 1 else muted
    name = f"{100 * confidence:g} % band of the mean"
    return [*entries, Patch(facecolor=face, alpha=_BAND, label=name)]


def _add_panels(page: Page, sequences: Sequence[FittedSequence], time: TimeAxis) -> Sequence[Axes]:
    """Return the panel of the data and, if there is space, that of the residuals below."""
    times = widen(*finite_range(np.concatenate([sequence.time for sequence in sequences])), 0.02)
    has_residuals = page.height > _MIN_HEIGHT * page.font
    shares = (1 - _RESIDUAL_SHARE, _RESIDUAL_SHARE) if has_residuals else (1,)
    panels: Sequence[Axes] = page.add_panels(
        len(shares), grid=True, sharex=True, height_ratios=shares
    )
    time.apply(page, panels[-1], *times)
    if has_residuals:
        residuals = np.concatenate([sequence.residual for sequence in sequences])
        largest = max(map(abs, finite_range(residuals)))
        largest = largest or 1e-3 * max(map(abs, _data_range(sequences)))
        panels[1].set(ylim=(-1.12 * largest, 1.12 * largest), ylabel="residual")
        panels[1].axhline(0, color=page.colors.muted, linewidth=0.72)
    return panels


def _data_range(
    sequences: Sequence[FittedSequence], *, is_log: bool = False
) -> tuple[float, float]:
    """Return the range of targets and predictions, and of a band that is not much wider."""
    values = np.concatenate([v for s in sequences for v in (s.target, s.prediction)])
    bands = np.concatenate([v for s in sequences for v in (s.low, s.high)])
    if is_log:
        values, bands = (np.log10(each[each > 0]) for each in (values, bands))
    low, high = finite_range(values)
    reach = 0.25 * (high - low)
    lowest, highest = finite_range(np.append(bands, [low, high]))
    low, high = max(low - reach, min(low, lowest)), min(high + reach, max(high, highest))
    low, high = widen(low, high, _MARGIN)
    return (10**low, 10**high) if is_log else (low, high)


def _draw_fit(page: Page, axes: Axes, sequence: FittedSequence, color: str, dots: str) -> None:
    """Draw a fit as a line in its band, or as rings on bars, with dots for the targets."""
    font, times = page.font, sequence.time
    look: Look = {"color": color, "linewidth": 0, "alpha": _BAND}
    lows, highs = np.clip([sequence.low, sequence.high], *axes.get_ylim())
    size = min(max(page.width / len(times), 0.3 * font), 0.5 * font)  # smaller if they are many
    if _are_points(sequence):
        axes.vlines(times, lows, highs, **look | {"linewidth": size})
        ring = marker("o", 1.5 * size, page.colors.background, color, 0.1 * font)
        axes.plot(times, sequence.prediction, **ring)
        axes.plot(times, sequence.target, **marker("o", 0.8 * size, dots))
    else:
        axes.fill_between(times, lows, highs, **look)
        axes.plot(times, sequence.target, **marker("o", size, dots))
        axes.plot(times, sequence.prediction, **stroke(color, _LINE * font))


def _draw_residuals(
    page: Page, axes: Axes, sequence: FittedSequence, color: str, shift: float
) -> None:
    """Draw residuals as lines from 0, moved by ``shift`` line widths."""
    width = min(max(0.4 * page.width / len(sequence.time), 0.4), 0.2 * page.font)
    known = ~np.isnan(sequence.residual)
    stems = axes.vlines(sequence.time[known], 0, sequence.residual[known], color, linewidth=width)
    shifted = ScaledTranslation(shift * width / 72, 0, page.figure.dpi_scale_trans)
    stems.set_transform(axes.transData + shifted)
