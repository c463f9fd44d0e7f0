"""Gradient traces, short and long."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from service.figures.render import rasterize
from service.figures.style import Style
from service.figures.traces import TraceLine, gradient_trace_figure
from tests.figures.conftest import check_legible, every_style, words

MINUS = "\N{MINUS SIGN}"
TIMES = "\N{MULTIPLICATION SIGN}"


def trace(w_rec: float, n_steps: int, last: float = 10.0, w_in: float = 1.0) -> TraceLine:
    """Return the closed form for the identity: last * w_rec ** (T - k)."""
    steps = np.arange(n_steps, -1, -1)
    with np.errstate(divide="ignore", invalid="ignore"):
        power = np.where(steps == 0, 0.0, steps * np.log10(np.abs(w_rec)))
        logs = np.log10(np.abs(last)) + power
    sign = np.sign(last) * np.sign(w_rec) ** steps
    regime = "steady" if abs(w_rec) == 1 else "vanishing" if abs(w_rec) < 1 else "exploding"
    return TraceLine(
        (w_in, w_rec), logs, np.where(np.isfinite(logs), sign, 0.0), abs(w_rec), regime
    )


def tutorial_traces(n_steps: int) -> list[TraceLine]:
    rates = [(1, 10.3, 2), (2, 884.3, 1), (-2, -161.5, 1), (0, -9.9, 1), (0.5, -8.7, 1)]
    return [trace(w_rec, n_steps, last, w_in) for w_rec, last, w_in in rates]


@pytest.mark.parametrize("n_steps", [1, 10, 61, 1000, 10_000])
@every_style
def test_nothing_is_cut_off_or_overlaps(style: Style, n_steps: int) -> None:
    check_legible(gradient_trace_figure(tutorial_traces(n_steps), style=style))


def test_short_traces_have_a_symmetric_axis() -> None:
    shown = words(gradient_trace_figure(tutorial_traces(10), style=Style(800, 600)))
    assert {"0", "10⁴", f"{MINUS}10⁴"} <= set(shown)
    assert "negative" not in shown
    assert f"(1, 2) {TIMES}2 exploding" in shown
    assert f"(1, {MINUS}2) {TIMES}2 exploding" in shown
    assert f"(1, 0.5) {TIMES}0.5 vanishing" in shown


def test_long_traces_have_a_logarithmic_axis() -> None:
    shown = words(gradient_trace_figure(tutorial_traces(10_000), style=Style(800, 600)))
    assert "10²⁰⁰⁰" in shown
    assert {"positive", "negative", "both signs"} <= set(shown)


def test_short_traces_above_1e15_have_a_logarithmic_axis() -> None:
    assert "both signs" in words(gradient_trace_figure([trace(-50, 12)]))
    assert "both signs" not in words(gradient_trace_figure([trace(-2, 12)]))


def lines(figure: Figure) -> list[Line2D]:
    """Return the lines with a vertex a step."""
    return [a for a in figure.findobj(Line2D) if len(np.asarray(a.get_xdata())) > 5]


def test_a_constant_factor_is_a_straight_falling_line() -> None:
    (line,) = lines(gradient_trace_figure([trace(0.5, 200)]))
    x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
    assert (np.diff(x) > 0).all()
    assert np.ptp(np.diff(y)) < 1e-9
    assert y[-1] < y[0]


def test_opposite_signs_are_mirrored_on_the_symmetric_axis() -> None:
    up, *_ = lines(gradient_trace_figure([trace(2, 10), trace(2, 10, -10.0)]))
    figure = gradient_trace_figure([trace(2, 10), trace(2, 10, -10.0)])
    drawn = [np.asarray(line.get_ydata()) for line in lines(figure) if line.get_linestyle() == "-"]
    sums = drawn[0] + drawn[1]
    assert np.ptp(sums) < 1e-9
    assert len(np.asarray(up.get_xdata())) == 11


def test_an_exact_zero_falls_to_the_floor() -> None:
    dead, steady = lines(gradient_trace_figure([trace(0, 100), trace(1, 100)]))
    y = np.asarray(dead.get_ydata())
    assert y[0] == np.asarray(steady.get_ydata())[0]
    assert np.unique(y[1:]).size == 1
    assert y[1] < y[0] - 10


@pytest.mark.parametrize("n_steps", [5, 200])
def test_all_zero_or_no_traces_are_drawn(n_steps: int) -> None:
    logs, sign = np.full(n_steps + 1, -np.inf), np.zeros(n_steps + 1)
    nothing = TraceLine((1, 1), logs, sign, np.nan, "zero")
    for traces in ([nothing], []):
        figure = gradient_trace_figure(traces)
        check_legible(figure)
        assert ("(1, 1) zero" in words(figure)) == bool(traces)
        assert np.unique(rasterize(figure).view(np.uint32)).size > 3


def test_tiny_gradients_are_not_all_drawn_at_zero() -> None:
    (line,) = lines(gradient_trace_figure([trace(2, 10, 1e-12)]))[:1]
    assert np.ptp(np.asarray(line.get_ydata())) > 50


def test_names_without_room_are_counted() -> None:
    figure = gradient_trace_figure([trace(1 + i / 100, 10) for i in range(60)])
    check_legible(figure)
    assert any(word.startswith("+") and word.endswith(" more") for word in words(figure))
