"""The responses of the target to one lasting unit of each input."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.artist import Artist
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from service.engine.types import Array
from service.figures.annotations import HALO, draw_labels, draw_marker
from service.figures.axis import finite_range, linear_axis, widen
from service.figures.canvas import Canvas, Look, draw_page, marker, sample, stroke
from service.figures.panels import Panel, count_panels, draw_panels, split_into_grid
from service.figures.style import Style
from service.figures.text import printable

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
    style: Style | None = None,
) -> Figure:
    """Draw the response of the target to each input in a panel of its own, with band and marks.

    ``target`` and ``time`` are captions. The headline, the result of the fit, is below the title;
    the confidence is that of the band. Inputs without space are counted in the legend.
    """
    canvas = Canvas(style or Style())
    color, shown = canvas.colors.state, responses[: count_panels(canvas, MAX_PANELS)]
    gain = stroke(canvas.colors.muted, 1.1, _GAIN_DASHES)
    name = f"{100 * confidence:g} % band"
    entries: list[Artist] = [
        sample("response", stroke(color, 0.16 * canvas.font)),
        Patch(facecolor=color, alpha=_BAND, label=name),
        sample("steady state", gain),
    ]
    if len(responses) > len(shown):
        label = f"{len(responses) - len(shown)} more inputs not drawn"
        entries.append(sample(label, {"linestyle": "none"}))
    title = f"Change of {printable(target)} after one lasting unit of each input"
    area = draw_page(canvas, title, entries, headline=headline)
    areas = split_into_grid(canvas, area, len(shown))
    axes = []
    caption = printable(time)
    for each in shown:
        make_x = partial(linear_axis, *widen(0.0, float(each.time[-1]), 0.02), caption)
        axes.append((make_x, partial(linear_axis, *_find_range(each), printable(each.label))))
    for panel, each in zip(draw_panels(canvas, areas, axes, grid=True), shown, strict=True):
        _draw_response(canvas, panel, each, gain)
    return canvas.figure


def _find_range(response: StepResponse) -> tuple[float, float]:
    """Return the range of a response and of a band that is not much wider."""
    low, high = finite_range(np.append(response.response, [0.0, response.gain or 0.0]))
    lowest, highest = finite_range(np.concatenate([response.low, response.high]))
    reach = _REACH * (high - low)
    return widen(max(low - reach, min(low, lowest)), min(high + reach, max(high, highest)), 0.08)


def _draw_response(canvas: Canvas, panel: Panel, response: StepResponse, gain: Look) -> None:
    """Draw a response in its band, its steady state, and its marks with their labels."""
    color, rect = canvas.colors.state, panel.rect
    lows, highs = np.clip([response.low, response.high], *widen(panel.y.low, panel.y.high, 1.0))
    xs, ys = panel.to_canvas(response.time, response.response)
    lows, highs = (panel.to_canvas(response.time, each)[1] for each in (lows, highs))
    band = FillBetweenPolyCollection("x", xs, lows, highs, color=color, linewidth=0, alpha=_BAND)
    canvas.add(band, rect)
    if response.gain is not None:
        ends = np.array([panel.x.low, panel.x.high]), np.full(2, response.gain)
        canvas.line(*panel.to_canvas(*ends), gain, rect)
    canvas.line(xs, ys, stroke(color, 0.16 * canvas.font), rect)
    marks = [(time, name) for time, name in response.marks if time <= response.time[-1]]
    times = np.array([time for time, _ in marks])
    at_x, at_y = panel.to_canvas(times, np.interp(times, response.time, response.response))
    draw_marker(canvas, at_x, at_y, marker("o", 0.6 * canvas.font, color, HALO))
    labels = [(x, y, name) for x, y, (_, name) in zip(at_x, at_y, marks, strict=True)]
    step = max(1, int(len(xs) * 0.6 * canvas.font / rect.width))
    occupied = np.vstack([np.column_stack([at_x, at_y]), np.column_stack([xs, ys])[::step]])
    draw_labels(canvas, rect, labels, occupied, 0.3 * canvas.font + 1.4)
