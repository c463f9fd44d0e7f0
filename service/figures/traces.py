"""Gradient traces: the vanishing or exploding gradient of backpropagation through time."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from service.engine.network import Trace
from service.engine.numbers import MINUS, TIMES, format_number, format_power_of_ten, format_weights
from service.engine.types import Array
from service.figures.page import Look, Page, sample, stroke
from service.figures.scales import finite_range, use_integers, use_powers, widen
from service.figures.style import DEFAULT, Style
from service.figures.text import shorten

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
    traces: Sequence[PointTrace], *, caption: str = CAPTION, style: Style = DEFAULT
) -> Figure:
    """Draw the gradient at each point by time step, from T on the left back to 0.

    Up to 60 steps and a magnitude of 1e15 the vertical scale is symmetric-logarithmic, as in the
    tutorial: linear around zero, with both signs. Longer or larger traces show log10 of the
    magnitude, and their sign by the style of the line. Each line is labeled at its right end. All
    traces have the same length T + 1, at least 2. There may be none.
    """
    font, muted = style.font_size, style.colors.muted
    n_steps = max((len(trace.sign) - 1 for _, trace in traces), default=1)
    everything = np.concatenate([[], *(trace.log10_magnitude for _, trace in traces)])
    _, top = finite_range(everything)
    is_log = n_steps > _MAX_SYMLOG_STEPS or abs(top) > _MAX_SYMLOG_EXPONENT
    entries = []
    if is_log:
        entries = [sample(name, stroke(muted, _LINE * font, d)) for name, d in _DASHES.items()]
    page = Page(style, "The gradient on its way back through time", entries, headline=_REGIMES)
    (axes,) = page.add_panels(1, grid=True)
    axes.set_xlim(n_steps, 0)
    text = page.fit_caption(_STEP_CAPTION, 0.95 * page.width)
    page.body.supxlabel(text, size=font, color=style.colors.foreground)
    axes.set_ylabel(f"|{caption}|" if is_log else caption)
    use_integers(axes.xaxis)
    if is_log:
        use_powers(axes.yaxis)
        axes.set_ylim(*widen(*finite_range(everything), 0.06))
    else:
        _use_symlog(page, axes, traces, top)
    ends = _draw_lines(page, axes, traces, is_log=is_log)
    _draw_names(page, axes, _find_names(page, traces), ends)
    return page.figure


def _use_symlog(page: Page, axes: Axes, traces: Sequence[PointTrace], top: float) -> None:
    """Make the vertical axis linear around zero, with ticks there and at every n-th power."""
    origin = 0 if top >= 1 else int(np.floor(top)) - 2
    axes.set_yscale("symlog", linthresh=10.0**origin)
    signs = {sign for _, trace in traces for sign in np.unique(trace.sign[trace.sign != 0])}
    n_powers = (top - origin + 1) * max(len(signs), 1)
    stride = max(1, int(np.ceil(n_powers / page.n_bar_ticks)))
    # Near zero, ticks would touch its label unless every power has one.
    first = origin if stride == 1 else origin + stride
    powers = 10.0 ** np.arange(first, top + 1, stride)
    axes.yaxis.set_major_locator(FixedLocator([*-powers[::-1], 0.0, *powers]))
    axes.yaxis.set_major_formatter(FuncFormatter(_label_power))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.axhline(0, color=page.colors.muted, linewidth=0.72)


def _label_power(value: float, _: int | None = None) -> str:
    sign = MINUS if value < 0 else ""
    return sign + format_power_of_ten(round(math.log10(abs(value)))) if value else "0"


def _draw_lines(
    page: Page, axes: Axes, traces: Sequence[PointTrace], *, is_log: bool
) -> list[float]:
    """Draw a line per trace, with dots if it has few steps, and return where they end."""
    font, series, ends = page.font, page.colors.series, []
    for i, (_, trace) in enumerate(traces):
        n_steps = len(trace.sign) - 1
        values = trace.sign * 10.0 ** np.minimum(trace.log10_magnitude, _MAX_SYMLOG_EXPONENT)
        if is_log:  # zero is drawn at the end of the axis
            values = np.maximum(trace.log10_magnitude, axes.get_ylim()[0])
        dashes = _DASHES[_sign(trace)] if is_log else None
        look = stroke(series[i % len(series)], _LINE * font, dashes)
        if n_steps <= _MAX_DOTTED_STEPS:
            look |= {"marker": "o", "markersize": 0.36 * font, "markeredgewidth": 0}
        axes.plot(np.arange(n_steps, -1, -1), values[::-1], **look)
        ends.append(float(values[0]))
    return ends


def _sign(trace: Trace) -> str:
    """Return the signs in a trace, a key of ``_DASHES``."""
    if (trace.sign < 0).any():
        return "both signs" if (trace.sign > 0).any() else "negative"
    return "positive"


def _find_names(page: Page, traces: Sequence[PointTrace]) -> list[str]:
    """Return the names of the lines; names without space are counted in a last one."""
    room = max(1, int((0.7 * page.height / page.font - 3.2) / _NAME_HEIGHT))
    names = []
    for point, trace in traces:
        growth = trace.growth_per_step
        factor = "" if np.isnan(growth) else f"{TIMES}{format_number(growth, 3)}"
        names.append(" ".join(filter(None, (format_weights(*point), factor, trace.regime))))
    if len(names) > room:
        names = [*names[: room - 1], f"+{len(names) - room + 1} more"]
    return [shorten(name, page.small, 0.4 * page.width) for name in names]


def _draw_names(page: Page, axes: Axes, names: Sequence[str], ends: Sequence[float]) -> None:
    """Write each name next to the end of its line, moved so that none touch, with a connector."""
    font, series, gap = page.font, page.colors.series, (1.9 * page.font, 0.0)
    options: Look = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
    options |= {"size": page.small, "va": "center_baseline", "annotation_clip": False}
    notes = []
    for i, (name, end) in enumerate(zip(names, ends, strict=False)):
        look: Look = {"color": series[i % len(series)], "linewidth": 0.13 * font}
        look |= {"arrowstyle": "-", "shrinkA": 0, "shrinkB": 0, "relpos": (0, 0.5)}
        leader = None if name.startswith("+") else look
        notes.append(axes.annotate(name, (1, end), gap, arrowprops=leader, **options))
        notes[-1].set_color(page.colors.foreground)
    page.lay_out()
    scale = 72 / page.style.dpi
    places = np.reshape([(0.0, end) for end in ends[: len(names)]], (-1, 2))
    wanted = scale * axes.transData.transform(places)[:, 1]
    limits = scale * axes.bbox.intervaly
    heights = _separate(wanted, _NAME_HEIGHT * page.small, *limits)
    for note, shift in zip(notes, heights - wanted, strict=True):
        note.xyann = (gap[0], shift)


def _separate(wanted: Array, distance: float, low: float, high: float) -> Array:
    """Return heights near the requested ones, at least ``distance`` apart, inside the limits."""
    order = np.argsort(-wanted, kind="stable")
    steps = distance * np.arange(len(wanted))
    # Without the distances, the heights must descend between the top and the bottom.
    falling = np.minimum.accumulate(np.minimum(wanted[order] + steps, high))
    lowest = low + distance * max(len(wanted) - 1, 0)
    heights = np.empty(len(wanted))
    heights[order] = np.maximum(falling, lowest) - steps
    return heights
