"""Gradient traces: the vanishing or exploding gradient of backpropagation through time."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from service.engine.network import Trace
from service.engine.types import Array
from service.figures.axis import Axis, finite_range, integer_axis, log_axis
from service.figures.canvas import Canvas, Look, draw_page, sample, stroke
from service.figures.numbers import MINUS, TIMES, format_number, format_power_of_ten, format_weights
from service.figures.panels import Panel, draw_panel
from service.figures.style import Style
from service.figures.text import shorten, text_width

CAPTION = "gradient ∂cost/∂Sₖ"
_REGIMES = (
    f"{TIMES} factor per step; vanishing: below 0.9 over all steps; "
    "exploding: above 1.1 over all steps"
)
_STEP_CAPTION = "time step k  (backpropagation runs from left to right)"
_MAX_SYMLOG_STEPS = 60
_MAX_SYMLOG_EXPONENT = 15.0
_MAX_DOTTED_STEPS = 25
_DASHES = {"positive": None, "negative": (5.0, 2.2), "both signs": (1.1, 1.4)}
_LINE = 0.15  # in units of the font size
_NAME_HEIGHT = 1.35  # in units of the names' text size

# The weights w_in and w_rec, and the gradient with respect to the states S_k, k = 0 … T.
PointTrace = tuple[tuple[float, float], Trace]


def gradient_trace_figure(
    traces: Sequence[PointTrace], *, caption: str = CAPTION, style: Style | None = None
) -> Figure:
    """Draw the gradient at each point by time step, from T on the left back to 0.

    Up to 60 steps and a magnitude of 1e15 the vertical scale is symmetric-logarithmic, as in the
    tutorial: linear around zero, with both signs. Longer or larger traces show log10 of the
    magnitude, and their sign by the style of the line. Each line is labeled at its right end. All
    traces have the same length T + 1, at least 2. There may be none.
    """
    canvas = Canvas(style or Style())
    font, muted = canvas.font, canvas.colors.muted
    n_steps = max((len(trace.sign) - 1 for _, trace in traces), default=1)
    _, top = finite_range(np.concatenate([[], *(trace.log10_magnitude for _, trace in traces)]))
    is_log = n_steps > _MAX_SYMLOG_STEPS or top > _MAX_SYMLOG_EXPONENT
    entries = []
    if is_log:
        entries = [sample(name, stroke(muted, _LINE * font, d)) for name, d in _DASHES.items()]
        values = [trace.log10_magnitude for _, trace in traces]
        make_y = partial(log_axis, np.concatenate([[], *values]), f"|{caption}|")
    else:
        origin = 0 if top >= 1 else int(np.floor(top)) - 2
        values = [_symlog(trace, origin) for _, trace in traces]
        make_y = partial(_symlog_axis, np.concatenate([[-0.5, 0.5], *values]), origin, caption)
    title = "The gradient on its way back through time"
    area = draw_page(canvas, title, entries, headline=_REGIMES)
    names = _names(canvas, traces, area)
    widest = max((text_width(name, canvas.small) for name in names), default=0)
    panel = draw_panel(
        canvas,
        Bbox([area.min, [area.x1 - 1.2 * font - widest, area.y1]]),
        partial(integer_axis, n_steps, 0, _STEP_CAPTION),
        make_y,
        grid=True,
    )
    if not is_log:
        canvas.line(*panel.to_canvas(np.array([n_steps, 0.0]), np.zeros(2)), stroke(muted, 0.72))
    dashes = [_DASHES[_sign(trace)] if is_log else None for _, trace in traces]
    ends = _draw_lines(canvas, panel, n_steps, values, dashes)
    _draw_names(canvas, panel.rect, names, ends)
    return canvas.figure


def _draw_lines(
    canvas: Canvas,
    panel: Panel,
    n_steps: int,
    values: Sequence[Array],
    dashes: Sequence[tuple[float, ...] | None],
) -> list[float]:
    """Draw a line per trace from its heights at steps 0 to T; return where the lines end."""
    steps = np.arange(n_steps, -1, -1, dtype=np.float64)
    ends = []
    for i, (heights, pattern) in enumerate(zip(values, dashes, strict=True)):
        # Zero is drawn at the end of a logarithmic axis.
        xs, ys = panel.to_canvas(steps, np.maximum(heights[::-1], panel.y.low))
        canvas.line(xs, ys, _line_look(canvas, i, pattern, n_steps))
        ends.append(float(ys[-1]))
    return ends


def _line_look(canvas: Canvas, i: int, dashes: tuple[float, ...] | None, n_steps: int) -> Look:
    """Return the look of line i, with dots if it has few steps."""
    color = canvas.colors.series[i % len(canvas.colors.series)]
    look = stroke(color, _LINE * canvas.font, dashes)
    if n_steps <= _MAX_DOTTED_STEPS:
        look |= {"marker": "o", "markersize": 0.36 * canvas.font, "markeredgewidth": 0}
    return look


def _symlog(trace: Trace, origin: int) -> Array:
    """Return a trace (T + 1,), linear to 1 at 10**origin, then one more per power of ten."""
    powers = trace.log10_magnitude - origin
    return np.sign(trace.sign) * np.where(
        powers <= 0, 10.0 ** np.minimum(powers, 0.0), 1.0 + np.maximum(powers, 0.0)
    )


def _symlog_axis(values: Array, origin: int, caption: str, max_ticks: int) -> Axis:
    """Return an axis with ticks at zero and at every n-th power of ten.

    Matplotlib's ``SymmetricalLogLocator`` takes the numbers themselves, which may underflow.
    """
    margin = 0.05 * np.ptp(values)
    low, high = float(values.min() - margin), float(values.max() + margin)
    stride = max(1, int(np.ceil((high - low) / max_ticks)))
    # Near zero, ticks would touch its label unless every power has one.
    first = 0 if stride == 1 else stride
    ups, downs = (range(1 + first, 1 + int(end), stride) for end in (high, -low))
    values = np.array([*(-k for k in reversed(downs)), 0, *ups])
    labels = [
        ("" if v > 0 else MINUS) + format_power_of_ten(origin + abs(v) - 1) if v else "0"
        for v in values.tolist()
    ]
    return Axis(low, high, (values - low) / (high - low), labels, caption)


def _sign(trace: Trace) -> str:
    """Return the signs in a trace, a key of ``_DASHES``."""
    if (trace.sign < 0).any():
        return "both signs" if (trace.sign > 0).any() else "negative"
    return "positive"


def _names(canvas: Canvas, traces: Sequence[PointTrace], area: Bbox) -> list[str]:
    """Return the names of the lines; names without space are counted in a last one."""
    room = max(1, int((area.height / canvas.font - 3.2) / _NAME_HEIGHT))
    names = []
    for point, trace in traces:
        growth = trace.growth_per_step
        factor = "" if np.isnan(growth) else f"{TIMES}{format_number(growth, 3)}"
        names.append(" ".join(filter(None, (format_weights(*point), factor, trace.regime))))
    if len(names) > room:
        names = [*names[: room - 1], f"+{len(names) - room + 1} more"]
    return [shorten(name, canvas.small, 0.42 * area.width) for name in names]


def _draw_names(canvas: Canvas, rect: Bbox, names: Sequence[str], ends: Sequence[float]) -> None:
    """Write each name next to the end of its line, moved so that none touch, with a connector."""
    font, series = canvas.font, canvas.colors.series
    heights = _separate(np.array(ends[: len(names)]), _NAME_HEIGHT * canvas.small, rect)
    xs = rect.x1 + np.array([0.2, 0.35 + 0.1 * font, 1.1 + 0.5 * font, 1.6 * font])
    for i, (name, end, height) in enumerate(zip(names, ends, heights.tolist(), strict=False)):
        if not name.startswith("+"):
            ys = np.array([end, end, height, height])
            canvas.line(xs, ys, stroke(series[i % len(series)], 0.13 * font))
        canvas.text(rect.x1 + 1.9 * font, height, name, va="center_baseline")


def _separate(wanted: Array, distance: float, rect: Bbox) -> Array:
    """Return heights near the requested ones, at least ``distance`` apart, inside the panel."""
    order = np.argsort(-wanted, kind="stable")
    steps = distance * np.arange(len(wanted))
    # Without the distances, the heights must descend between the top and the bottom.
    falling = np.minimum.accumulate(np.minimum(wanted[order] + steps, rect.y1))
    lowest = rect.y0 + distance * max(len(wanted) - 1, 0)
    heights = np.empty(len(wanted))
    heights[order] = np.maximum(falling, lowest) - steps
    return heights
