"""Results in words."""

import math
from html import escape
from typing import Any

from linear_rnn import _models as m


def to_html(text: str) -> str:
    """Return text for a notebook, with its lines and columns."""
    return f"<pre>{escape(text)}</pre>"


def number(value: float | None) -> str:
    """Return a number with four digits."""
    return "-" if value is None or math.isnan(value) else f"{value:.4g}"


def interval(intervals: list[m.Interval]) -> str:
    """Return a confidence interval as text; an end that is not known is open."""
    return " and ".join(f"{_end(p.low, '-')} to {_end(p.high, '+')}" for p in intervals) or "none"


def summary(fit: m.FitResource) -> str:
    """Return the summary of a fit, then its numbers."""
    if fit.status != "succeeded":
        return f"{fit.id} is {fit.status}"
    lines = [f"{fit.id} was stored by another version of the service; fit again for a summary"]
    if not fit.request.get("verdict", True):
        lines = ["Without a verdict."]
    elif hasattr(fit, "verdict"):
        lines = [fit.verdict.headline, "", *fit.verdict.sentences]
        if fit.verdict.interval.noise == "ar1" and fit.rho is None:
            lines += ["", "The same with white noise:"]
    confidence = fit.request.get("confidence", 0.95)
    lines += ["", f"{'':<24}{'value':>12}   {100 * confidence:g}% interval"]
    unit = fit.request.get("step", {}).get("unit", "step")
    rows: list[tuple[str, Any]] = []
    states: list[Any] = getattr(fit, "states", [fit])
    for k, state in enumerate(states, 1):
        ending = f" {k}" if len(states) > 1 else ""
        rows += [
            (f"w_rec{ending}", state.w_rec),
            (f"time constant{ending} ({unit})", state.time_constant),
            (f"half-life{ending} ({unit})", state.half_life),
        ]
    for item in fit.inputs:
        rows += [(f"w_in {item.name}", item.w_in), (f"gain {item.name}", item.steady_state_gain)]
    rows.append(("offset", fit.offset))
    lines += [_row(name, estimate) for name, estimate in rows if estimate is not None]
    return "\n".join(lines)


def _row(name: str, estimate: Any) -> str:
    is_given = isinstance(estimate, m.Estimate) and estimate.low is estimate.high is None
    range_ = "" if is_given else interval(getattr(estimate, "intervals", [estimate]))
    return f"{name:<24}{number(estimate.value):>12}   {range_}".rstrip()


def _end(value: float | None, sign: str) -> str:
    return f"{sign}∞" if value is None else number(value)
