"""The gradient through time: how it vanishes or explodes on its way back."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from service.engine.types import Array
from service.figures.axis import Axis, integer_ticks, log_axis
from service.figures.geometry import Placed, Rect, snapped
from service.figures.marks import LegendEntry, draw_legend, legend_row_height, legend_rows
from service.figures.sheet import Sheet, Stroke
from service.figures.style import Style
from service.figures.text import MINUS, pair, power_of_ten, printable, shorten, text_width

CAPTION = "gradient ∂ξ/∂Sₖ"
_LONG = 60
_HIGH = 15.0
_DOTTED_STEPS = 25
_SOLID, _DASHED, _DOTTED = None, (7.0, 3.0), (1.5, 2.0)


@dataclass(frozen=True, eq=False)
class TraceLine:
    """The gradient at k = 0 … T for one pair of weights, each array (T + 1,).

    ``log10_magnitude`` is finite where the gradient is beyond float64, and -inf where it is truly
    zero; ``sign`` is -1, 0 or 1.  Nothing else is drawn, so values need no float64 of their own.
    """

    point: tuple[float, float]
    log10_magnitude: Array
    sign: Array
    regime: str | None = None


@dataclass(frozen=True)
class _Scale:
    """Where gradients stand: symmetric-logarithmic around ``origin``, or log10 if that is None."""

    origin: int | None
    axis: Axis

    def heights(self, trace: TraceLine) -> Array:
        """Place one trace on the axis; nan for a true zero on a logarithmic one."""
        if self.origin is None:
            return np.where(np.isfinite(trace.log10_magnitude), trace.log10_magnitude, np.nan)
        return _symlog(trace, self.origin)


def gradient_trace_figure(
    traces: Sequence[TraceLine], *, caption: str = CAPTION, style: Style | None = None
) -> Figure:
    """Draw the gradient of each point against the time step, from T on the left back to 0.

    Up to 60 steps and 1e15 the axis is symmetric-logarithmic, as in the note: linear about zero,
    signs up and down.  Longer or larger traces show log10 of the magnitude, and their sign as the
    style of the line.  Each line is named at its right end.

    Parameters
    ----------
    traces
        One for each point, all of one length T + 1 (at least 2); may be empty.
    caption
        What the vertical axis says.
    """
    style = style or Style()
    sheet, font = Sheet(style), style.font
    n_steps = max((len(trace.sign) - 1 for trace in traces), default=1)
    logarithmic = n_steps > _LONG or _top(traces) > _HIGH
    top = sheet.title("The gradient on its way back through time") - 0.3 * font
    legend = legend_rows(sheet, _sign_entries(sheet), sheet.page.width - 2 * font, 3)
    bottom = 0.4 * font + (len(legend) * legend_row_height(sheet) if logarithmic else 0.0)
    area = Rect(0.3 * font, bottom + sheet.bottom_room, sheet.page.right - 0.5 * font, top)
    scale = _scale(traces, caption, area.height, font, logarithmic=logarithmic)
    names = _names(sheet, traces, area)
    right = area.right - 2.2 * font - max((text_width(n, 0.9 * font) for n in names), default=0)
    left = area.left + sheet.left_room(scale.axis)
    rect = snapped(Rect(left, area.bottom, right, area.top), style)
    panel = Placed(rect, _step_axis(n_steps, rect.width, font), scale.axis)
    sheet.frame(panel, grid=True, caption_room=sheet.page.width - font)
    if scale.origin is not None:
        level = np.array(panel.place(np.array([n_steps, 0.0]), np.zeros(2)))
        sheet.line(level[0], level[1], Stroke(sheet.colours.muted, 1))
    ends = [_draw_trace(sheet, panel, scale, trace, i) for i, trace in enumerate(traces)]
    _draw_names(sheet, rect, names, ends)
    if logarithmic:
        draw_legend(sheet, legend, bottom)
    return sheet.figure


def _top(traces: Sequence[TraceLine]) -> float:
    finite = [t.log10_magnitude[np.isfinite(t.log10_magnitude)] for t in traces]
    return max((float(f.max()) for f in finite if f.size), default=0.0)


def _symlog(trace: TraceLine, origin: int) -> Array:
    """Linear to 1 at 10**origin, then one more for each power of ten."""
    powers = trace.log10_magnitude - origin
    return np.sign(trace.sign) * np.where(
        powers <= 0, 10.0 ** np.minimum(powers, 0.0), 1.0 + np.maximum(powers, 0.0)
    )


def _scale(
    traces: Sequence[TraceLine], caption: str, height: float, font: float, *, logarithmic: bool
) -> _Scale:
    ticks = max(2, int(height / (2.0 * font)))
    if not logarithmic:
        top = _top(traces)
        origin = 0 if top >= 1 else int(np.floor(top)) - 2
        values = np.concatenate([[-0.5, 0.5], *(_symlog(t, origin) for t in traces)])
        margin = 0.05 * np.ptp(values)
        low, high = float(values.min() - margin), float(values.max() + margin)
        return _Scale(origin, _symlog_axis(low, high, ticks, origin, caption))
    values = np.concatenate([[0.0], *(t.log10_magnitude for t in traces)])[1:]
    values = values[np.isfinite(values)]
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    margin = max(0.06 * (high - low), 0.5)
    axis = log_axis(low - margin, high + margin, min(ticks, 9), f"|{caption}|")
    return _Scale(None, axis)


def _symlog_axis(low: float, high: float, ticks: int, origin: int, caption: str) -> Axis:
    stride = max(1, int(np.ceil((high - low) / max(ticks, 2))))
    ups = [float(1 + k) for k in range(0, int(high), stride)]
    downs = [-float(1 + k) for k in range(0, int(-low), stride)] if low <= -1 else []
    values = [*reversed(downs), 0.0, *ups]
    labels = [
        ("" if v > 0 else MINUS) + power_of_ten(origin + round(abs(v)) - 1) if v else "0"
        for v in values
    ]
    if stride > 1:  # leave out the two beside zero, which would touch it
        kept = [i for i, v in enumerate(values) if abs(v) != 1]
        values, labels = [values[i] for i in kept], [labels[i] for i in kept]
    units = tuple((v - low) / (high - low) for v in values)
    return Axis(low, high, units, tuple(labels), caption)


def _step_axis(n_steps: int, width: float, font: float) -> Axis:
    widest = 0.62 * font * len(str(n_steps)) + 1.5 * font
    ticks = integer_ticks(0, n_steps, max(2, min(int(width / widest), 12)))
    units = tuple(1 - k / n_steps for k in ticks)
    caption = "time step k  (backpropagation runs from left to right)"
    return Axis(float(n_steps), 0.0, units, tuple(map(str, ticks)), caption)


def _draw_trace(sheet: Sheet, panel: Placed, scale: _Scale, trace: TraceLine, index: int) -> float:
    """Draw one line, right to left in k; return the height at which it ends."""
    series = sheet.colours.series
    colour = series[index % len(series)]
    steps = np.arange(len(trace.sign) - 1, -1, -1, dtype=np.float64)
    heights = scale.heights(trace)[::-1]
    across, up = panel.place(steps, heights)
    dashes = _SOLID if scale.origin is not None else _sign_dashes(trace.sign)
    sheet.line(across, up, Stroke(colour, 0.15 * sheet.style.font, dashes), panel.rect)
    if len(steps) <= _DOTTED_STEPS:
        dot = 0.36 * sheet.style.font
        sheet.marks(across, up, shape="o", size=dot, face=colour, edge="none", edge_width=0)
    lost = np.flatnonzero(np.isnan(heights))
    if not lost.size:
        return float(up[-1])
    floor, first = panel.rect.bottom + 0.4 * sheet.style.font, int(lost[0])
    before = max(first - 1, 0)
    fall_x = np.array([across[before] if first else panel.rect.left] * 2)
    fall_y = np.array([up[before] if first else floor, floor])
    sheet.line(fall_x, fall_y, Stroke(colour, 0.1 * sheet.style.font, (1.5, 2.5)))
    sheet.marks(
        fall_x[1:], fall_y[1:], shape="v", size=0.6 * sheet.style.font, face=colour, edge="none"
    )
    return floor


def _sign_dashes(sign: Array) -> tuple[float, ...] | None:
    signs = set(np.unique(np.sign(sign)).tolist()) - {0.0}
    if len(signs) == 2:
        return _DOTTED
    return _DASHED if signs == {-1.0} else _SOLID


def _sign_entries(sheet: Sheet) -> list[LegendEntry]:
    ink, width = sheet.colours.muted, 0.15 * sheet.style.font
    return [
        LegendEntry("positive", Stroke(ink, width, _SOLID)),
        LegendEntry("negative", Stroke(ink, width, _DASHED)),
        LegendEntry("both signs", Stroke(ink, width, _DOTTED)),
        LegendEntry("exactly 0 from here", None, "v", ink, "none"),
    ]


def _names(sheet: Sheet, traces: Sequence[TraceLine], area: Rect) -> list[str]:
    """Name the lines; those that have no room are counted in a last name."""
    size = 0.9 * sheet.style.font
    room = max(1, int(area.height / (1.35 * size)))
    names = [f"{pair(*t.point)} {printable(t.regime or '')}".strip() for t in traces]
    if len(names) > room:
        names = [*names[: room - 1], f"+{len(names) - room + 1} more"]
    return [shorten(name, size, 0.42 * area.width) for name in names]


def _draw_names(sheet: Sheet, rect: Rect, names: Sequence[str], ends: Sequence[float]) -> None:
    """Write each name beside its line's end, moved up or down so that none touch."""
    size = 0.9 * sheet.style.font
    apart, series = 1.35 * size, sheet.colours.series
    order = sorted(range(len(names)), key=lambda i: -ends[i])
    heights = dict(zip(order, _apart([ends[i] for i in order], apart, rect), strict=True))
    for i, name in enumerate(names):
        y = heights[i]
        x = (
            np.array([rect.right + 0.25, rect.right + 0.5, rect.right + 1.5])
            + np.array([0, 0.1, 0.5]) * sheet.style.font
        )
        if not name.startswith("+"):
            colour = series[i % len(series)]
            sheet.line(x, np.array([ends[i], ends[i], y]), Stroke(colour, 1.2))
            sheet.line(
                np.array([x[2], rect.right + 1.6 * sheet.style.font]),
                np.array([y, y]),
                Stroke(colour, 0.18 * sheet.style.font),
            )
        left = rect.right + 1.9 * sheet.style.font
        sheet.text(left, y, name, size=size, vertical="center_baseline")


def _apart(wanted: Sequence[float], apart: float, rect: Rect) -> list[float]:
    """Heights near those wanted (falling), ``apart`` from each other, inside the panel."""
    heights: list[float] = []
    for i, height in enumerate(wanted):
        below = heights[-1] - apart if heights else rect.top
        heights.append(min(height, below, rect.top - i * apart))
    for i in reversed(range(len(heights))):
        lowest = rect.bottom + (len(heights) - 1 - i) * apart
        heights[i] = max(heights[i], lowest)
    return heights
