"""The responses of the target to one lasting unit of each input."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from service.engine.types import Array
from service.figures.annotations import HALO, draw_labels, draw_marker, thin
from service.figures.page import Look, Page, count_columns, count_panels, marker, sample, stroke
from service.figures.scales import TimeAxis, finite_range, widen
from service.figures.style import DEFAULT, Style

MAX_PANELS = 9
_BAND = 0.25  # opacity
_GAIN_DASHES = (4.5, 2.2)
_REACH = 1.5  # the heights of the responses by which the band can extend the axis


@dataclass(frozen=True, eq=False)
class StepResponse:
    """The response to one input: columns (m,) by time, and its marks."""

    label: str  # the input
    time: Array  # since the input has changed
    response: Array
    low: Array  # the band, which may be infinite
    high: Array
    gain: float | None = None  # the steady state, if any
    marks: Sequence[tuple[float, str]] = ()  # times with their labels


def response_figure(
    responses: Sequence[StepResponse],
    *,
    target: str,
    time: str,
    headline: str,
    confidence: float,
    style: Style = DEFAULT,
) -> Figure:
    """Draw the response of the target to each input in a panel of its own, with band and marks.

    ``target`` and ``time`` are captions. The headline, the result of the fit, is below the title;
    the confidence is that of the band. Inputs without space are counted in the legend.
    """
    color, shown = style.colors.state, responses[: count_panels(style, MAX_PANELS)]
    gain = stroke(style.colors.muted, 1.1, _GAIN_DASHES)
    name = f"{100 * confidence:g} % band"
    entries: list[Artist] = [
        sample("response", stroke(color, 0.16 * style.font_size)),
        Patch(facecolor=color, alpha=_BAND, label=name),
        sample("steady state", gain),
    ]
    if len(responses) > len(shown):
        label = f"{len(responses) - len(shown)} more inputs not drawn"
        entries.append(sample(label, {"linestyle": "none"}))
    title = f"Change of {target} after one lasting unit of each input"
    page = Page(style, title, entries, headline=headline)
    n_columns = count_columns(style, len(shown))
    panels = page.add_panels(len(shown), n_columns, grid=True)
    for axes, each in zip(panels, shown, strict=True):
        page.entitle(axes, each.label, n_columns)
        ends = widen(0.0, float(each.time[-1]), 0.02)
        TimeAxis(time).apply(page, axes, *ends, n_columns)
        _draw_response(page, axes, each, gain)
    page.lay_out()
    for axes, each in zip(panels, shown, strict=True):
        _draw_marks(page, axes, each)
    return page.figure


def _find_range(response: StepResponse) -> tuple[float, float]:
    """Return the range of a response and of a band that is not much wider."""
    low, high = finite_range(np.append(response.response, [0.0, response.gain or 0.0]))
    lowest, highest = finite_range(np.concatenate([response.low, response.high]))
    reach = _REACH * (high - low)
    return widen(max(low - reach, min(low, lowest)), min(high + reach, max(high, highest)), 0.08)


def _draw_response(page: Page, axes: Axes, response: StepResponse, gain: Look) -> None:
    """Draw a response in its band, and its steady state."""
    color, times = page.colors.state, response.time
    axes.set_ylim(_find_range(response))
    lows, highs = np.clip([response.low, response.high], *axes.get_ylim())
    axes.fill_between(times, lows, highs, color=color, linewidth=0, alpha=_BAND)
    if response.gain is not None:
        axes.axhline(response.gain, **gain)
    axes.plot(times, response.response, **stroke(color, 0.16 * page.font))


def _draw_marks(page: Page, axes: Axes, response: StepResponse) -> None:
    """Draw the marks of a response with their labels, outside of its line."""
    marks = [(time, name) for time, name in response.marks if time <= response.time[-1]]
    times = np.array([time for time, _ in marks])
    points = np.column_stack([times, np.interp(times, response.time, response.response)])
    draw_marker(axes, points, marker("o", 0.6 * page.font, page.colors.state, HALO))
    line = np.column_stack([response.time, response.response])
    names = [name for _, name in marks]
    draw_labels(page, axes, points, names, thin(page, axes, line), 0.3 * page.font + 1.4)
