"""Gradient traces: how the gradient vanishes or explodes as it is propagated back through time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from service.engine.types import Array
from service.figures.axis import Axis
from service.figures.canvas import Canvas, Stroke
from service.figures.frame import bottom_margin
from service.figures.geometry import Panel, Rect
from service.figures.layout import data_log_axis, draw_page, draw_panel, step_axis, vertical_ticks
from service.figures.legend import LegendEntry
from service.figures.style import Style
from service.figures.text import (
    MINUS,
    TIMES,
    format_number,
    format_power_of_ten,
    format_weights,
    shorten,
    text_width,
)

CAPTION = "gradient ∂cost/∂Sₖ"
_REGIME_ENTRIES = [
    LegendEntry(label, shape="")
    for label in (
        f"{TIMES} factor per step",
        "vanishing: below 0.9 over all steps",
        "exploding: above 1.1 over all steps",
    )
]
_STEP_CAPTION = "time step k  (backpropagation runs from left to right)"
_MAX_SYMLOG_STEPS = 60
_MAX_SYMLOG_EXPONENT = 15.0
_MAX_DOTTED_STEPS = 25
_SOLID, _DASHED, _DOTTED = None, (7.0, 3.0), (1.5, 2.0)
_LINE = 0.15  # in units of the font size
_NAME_SIZE = 0.9
_NAME_HEIGHT = 1.35  # in units of the names' text size


@dataclass(frozen=True, eq=False)
class TraceLine:
    """The gradient with respect to the states S_k, k = 0 … T, for one pair of weights."""

    point: tuple[float, float]  # w_in and w_rec
    log10_magnitude: Array  # (T + 1,): finite outside the float64 range, -inf for exactly zero
    sign: Array  # (T + 1,): -1, 0 or 1
    growth_per_step: float  # mean factor per step back, or nan; named beside the line
    regime: str | None  # named after it: vanishing, steady, exploding or zero


@dataclass(frozen=True)
class _Scale:
    """The vertical scale: symmetric-logarithmic, or log10 of the magnitude if ``origin`` is None.

    A symmetric-logarithmic scale is linear up to 10**origin and has one unit per power of ten
    above.
    """

    origin: int | None
    axis: Axis

    def values(self, trace: TraceLine) -> Array:
        """Return a trace (T + 1,) as values of the axis; zero is the end of a logarithmic one."""
        if self.origin is None:
            return np.maximum(trace.log10_magnitude, self.axis.low)
        return _symlog(trace, self.origin)


def gradient_trace_figure(
    traces: Sequence[TraceLine], *, caption: str = CAPTION, style: Style | None = None
) -> Figure:
    """Draw the gradient at each point by time step, from T on the left back to 0.

    Up to 60 steps and a magnitude of 1e15 the vertical scale is symmetric-logarithmic, as in the
    tutorial: linear around zero, with both signs. Longer or larger traces show log10 of the
    magnitude, and their sign by the style of the line. Each line is named at its right end. All
    traces have one length T + 1, at least 2. There may be none.
    """
    style = style or Style()
    canvas, font = Canvas(style), style.font_size
    n_steps = max((len(trace.sign) - 1 for trace in traces), default=1)
    logarithmic = n_steps > _MAX_SYMLOG_STEPS or _max_log10(traces) > _MAX_SYMLOG_EXPONENT
    entries = _REGIME_ENTRIES + (_sign_entries(canvas) if logarithmic else [])
    title = "The gradient on its way back through time"
    area = draw_page(canvas, title, entries, max_rows=4)
    height = area.height - bottom_margin(canvas)
    if logarithmic:
        values = np.concatenate([trace.log10_magnitude for trace in traces])
        scale = _Scale(None, data_log_axis(values, height, font, f"|{caption}|"))
    else:
        scale = _symlog_scale(traces, vertical_ticks(height, font), caption)
    names = _names(canvas, traces, area.width, height)
    widest = max((text_width(name, _NAME_SIZE * font) for name in names), default=0)
    panel = draw_panel(
        canvas,
        area._replace(right=area.right - 1.2 * font - widest),
        lambda width: step_axis(n_steps, 0, width, font, _STEP_CAPTION),
        lambda _: scale.axis,
        grid=True,
    )
    if scale.origin is not None:
        xs, ys = panel.to_canvas(np.array([n_steps, 0.0]), np.zeros(2))
        canvas.line(xs, ys, Stroke(canvas.colors.muted, 1))
    ends = [_draw_trace(canvas, panel, scale, trace, i) for i, trace in enumerate(traces)]
    _draw_names(canvas, panel.rect, names, ends)
    return canvas.figure


def _max_log10(traces: Sequence[TraceLine]) -> float:
    finite = [t.log10_magnitude[np.isfinite(t.log10_magnitude)] for t in traces]
    return max((float(f.max()) for f in finite if f.size), default=0.0)


def _symlog(trace: TraceLine, origin: int) -> Array:
    """Return a trace (T + 1,), linear to 1 at 10**origin, then one more per power of ten."""
    powers = trace.log10_magnitude - origin
    return np.sign(trace.sign) * np.where(
        powers <= 0, 10.0 ** np.minimum(powers, 0.0), 1.0 + np.maximum(powers, 0.0)
    )


def _symlog_scale(traces: Sequence[TraceLine], n_ticks: int, caption: str) -> _Scale:
    top = _max_log10(traces)
    origin = 0 if top >= 1 else int(np.floor(top)) - 2
    values = np.concatenate([[-0.5, 0.5], *(_symlog(trace, origin) for trace in traces)])
    margin = 0.05 * np.ptp(values)
    low, high = float(values.min() - margin), float(values.max() + margin)
    return _Scale(origin, _symlog_axis(low, high, n_ticks, origin, caption))


def _symlog_axis(low: float, high: float, n_ticks: int, origin: int, caption: str) -> Axis:
    """Return an axis with ticks at zero and at every n-th power of ten.

    Matplotlib's ``SymmetricalLogLocator`` takes the numbers themselves, which may underflow.
    """
    stride = max(1, int(np.ceil((high - low) / n_ticks)))
    ups = [float(1 + k) for k in range(0, int(high), stride)]
    downs = [-float(1 + k) for k in range(0, int(-low), stride)] if low <= -1 else []
    values = [*reversed(downs), 0.0, *ups]
    if stride > 1:  # the two beside zero would touch its label
        values = [value for value in values if abs(value) != 1]
    labels = [
        ("" if v > 0 else MINUS) + format_power_of_ten(origin + round(abs(v)) - 1) if v else "0"
        for v in values
    ]
    units = tuple((value - low) / (high - low) for value in values)
    return Axis(low, high, units, tuple(labels), caption)


def _draw_trace(canvas: Canvas, panel: Panel, scale: _Scale, trace: TraceLine, index: int) -> float:
    """Draw one line from step T to 0, and return the height at which it ends."""
    series, font = canvas.colors.series, canvas.style.font_size
    color = series[index % len(series)]
    steps = np.arange(len(trace.sign) - 1, -1, -1, dtype=np.float64)
    xs, ys = panel.to_canvas(steps, scale.values(trace)[::-1])
    dashes = _SOLID if scale.origin is not None else _sign_dashes(trace.sign)
    canvas.line(xs, ys, Stroke(color, _LINE * font, dashes), panel.rect)
    if len(steps) <= _MAX_DOTTED_STEPS:
        size = 0.36 * font
        canvas.markers(xs, ys, shape="o", size=size, face=color, edge="none", edge_width=0)
    return float(ys[-1])


def _sign_dashes(sign: Array) -> tuple[float, ...] | None:
    signs = set(np.unique(np.sign(sign)).tolist()) - {0.0}
    if len(signs) == 2:
        return _DOTTED
    return _DASHED if signs == {-1.0} else _SOLID


def _sign_entries(canvas: Canvas) -> list[LegendEntry]:
    color, width = canvas.colors.muted, _LINE * canvas.style.font_size
    return [
        LegendEntry("positive", Stroke(color, width, _SOLID)),
        LegendEntry("negative", Stroke(color, width, _DASHED)),
        LegendEntry("both signs", Stroke(color, width, _DOTTED)),
    ]


def _names(canvas: Canvas, traces: Sequence[TraceLine], width: float, height: float) -> list[str]:
    """Return the names of the lines; those without room are counted in a last name."""
    size = _NAME_SIZE * canvas.style.font_size
    room = max(1, int(height / (_NAME_HEIGHT * size)))
    names = [_name(trace) for trace in traces]
    if len(names) > room:
        names = [*names[: room - 1], f"+{len(names) - room + 1} more"]
    return [shorten(name, size, 0.42 * width) for name in names]


def _name(trace: TraceLine) -> str:
    """Return ``(1, 0.5) ×0.5 vanishing``."""
    growth = trace.growth_per_step
    factor = "" if np.isnan(growth) else f"{TIMES}{format_number(growth, 3)}"
    return " ".join(filter(None, (format_weights(*trace.point), factor, trace.regime)))


def _draw_names(canvas: Canvas, rect: Rect, names: Sequence[str], ends: Sequence[float]) -> None:
    """Write each name beside the end of its line, moved so that none touch, with a connector."""
    font, series = canvas.style.font_size, canvas.colors.series
    size = _NAME_SIZE * font
    order = sorted(range(len(names)), key=lambda i: -ends[i])
    heights = _separate([ends[i] for i in order], _NAME_HEIGHT * size, rect)
    placed = dict(zip(order, heights, strict=True))
    start, bend = rect.right + 0.25, rect.right + 0.5 + 0.1 * font
    stop = rect.right + 1.5 + 0.5 * font
    for i, name in enumerate(names):
        y = placed[i]
        if not name.startswith("+"):
            color = series[i % len(series)]
            xs, ys = np.array([start, bend, stop]), np.array([ends[i], ends[i], y])
            canvas.line(xs, ys, Stroke(color, 1.2))
            dash = np.array([stop, rect.right + 1.6 * font]), np.array([y, y])
            canvas.line(*dash, Stroke(color, 0.18 * font))
        canvas.text(rect.right + 1.9 * font, y, name, size=size, vertical="center_baseline")


def _separate(wanted: Sequence[float], distance: float, rect: Rect) -> list[float]:
    """Return heights near those wanted (falling), ``distance`` apart, inside the panel."""
    heights: list[float] = []
    for i, height in enumerate(wanted):
        below = heights[-1] - distance if heights else rect.top
        heights.append(min(height, below, rect.top - i * distance))
    for i in reversed(range(len(heights))):
        lowest = rect.bottom + (len(heights) - 1 - i) * distance
        heights[i] = max(heights[i], lowest)
    return heights
