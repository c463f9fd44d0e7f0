"""Figures of traces, of trajectories and of basins."""

from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from service.engine.network import Regime, Trace
from service.engine.training import Outcome
from service.engine.types import Array
from service.figures.basins import DIVERGED, basin_map_figure
from service.figures.formats import PICTURE_FORMATS
from service.figures.page import rasterize
from service.figures.style import COLOR_MAP, Style
from service.figures.traces import PointTrace, gradient_trace_figure
from service.figures.trajectory import trajectory_figure, window_around
from tests.figures.conftest import check_legible, every_style, rgba, tutorial_cost, words

MINUS = "\N{MINUS SIGN}"
TIMES = "\N{MULTIPLICATION SIGN}"


def trace(w_rec: float, n_steps: int, last: float = 10.0, w_in: float = 1.0) -> PointTrace:
    """Return the closed form for the identity: last * w_rec ** (T - k)."""
    steps = np.arange(n_steps, -1, -1)
    with np.errstate(divide="ignore", invalid="ignore"):
        power = np.where(steps == 0, 0.0, steps * np.log10(np.abs(w_rec)))
        logs = np.log10(np.abs(last)) + power
    sign = np.sign(last) * np.sign(w_rec) ** steps
    regimes = {-1: Regime.VANISHING, 0: Regime.STEADY, 1: Regime.EXPLODING}
    regime = regimes[int(np.sign(abs(w_rec) - 1))]
    sign = np.where(np.isfinite(logs), sign, 0.0)
    return (w_in, w_rec), Trace(np.zeros(0), logs, sign, np.zeros(2), abs(w_rec), regime)


def tutorial_traces(n_steps: int) -> list[PointTrace]:
    rates = [(1, 10.3, 2), (2, 884.3, 1), (-2, -161.5, 1), (0, -9.9, 1), (0.5, -8.7, 1)]
    return [trace(w_rec, n_steps, last, w_in) for w_rec, last, w_in in rates]


@pytest.mark.parametrize("n_steps", [1, 10, 61, 1000, 10_000])
@every_style
def test_nothing_is_cut_off_or_overlaps_in_traces(style: Style, n_steps: int) -> None:
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
    assert line.axes is not None
    assert line.axes.xaxis_inverted()
    np.testing.assert_array_equal(x, np.arange(200, -1, -1))
    np.testing.assert_allclose(y, 1 + np.log10(0.5) * np.arange(201))


def test_an_exact_zero_falls_to_the_floor() -> None:
    dead, steady = lines(gradient_trace_figure([trace(0, 100), trace(1, 100)]))
    y = np.asarray(dead.get_ydata())
    assert y[0] == np.asarray(steady.get_ydata())[0]
    assert dead.axes is not None
    assert np.unique(y[1:]).tolist() == [dead.axes.get_ylim()[0]]


@pytest.mark.parametrize("n_steps", [5, 200])
def test_all_zero_or_no_traces_are_drawn(n_steps: int) -> None:
    logs, sign = np.full(n_steps + 1, -np.inf), np.zeros(n_steps + 1)
    nothing = (1.0, 1.0), Trace(sign, logs, sign, np.zeros(2), np.nan, Regime.ZERO)
    for traces in ([nothing], []):
        figure = gradient_trace_figure(traces)
        check_legible(figure)
        assert ("(1, 1) zero" in words(figure)) == bool(traces)
        assert np.unique(rasterize(figure).view(np.uint32)).size > 3


def test_names_without_room_are_counted() -> None:
    figure = gradient_trace_figure([trace(1 + i / 100, 10) for i in range(60)])
    check_legible(figure)
    assert any(word.startswith("+") and word.endswith(" more") for word in words(figure))


Run = dict[str, Array]


def make_run(iterations: Array, weights: Array, log10_costs: Array) -> Run:
    w_in, w_rec = weights.T
    return {"iteration": iterations, "w_in": w_in, "w_rec": w_rec, "log10_cost": log10_costs}


def draw_run(run: Run, outcome: str = "diverged", **options: Any) -> Figure:
    return trajectory_figure(run, tutorial_cost, optimizer="rprop", outcome=outcome, **options)


@pytest.fixture
def run(tutorial_path: Array) -> Run:
    costs = tutorial_cost(tutorial_path[:, 0], tutorial_path[:, 1])
    return make_run(np.arange(60.0), tutorial_path, costs)


@every_style
def test_nothing_is_cut_off_or_overlaps_in_a_trajectory(run: Run, style: Style) -> None:
    check_legible(draw_run(run, optimum=(1, 1), target_cost=0.01, style=style))


def test_title_and_headline_state_how_the_run_ended(run: Run) -> None:
    shown = words(draw_run(run, "iterations_exhausted", optimum=(1, 1), target_cost=0.01))
    assert "rprop: iterations exhausted" in shown
    assert any(text.startswith("after 59 iterations: w_in 1, w_rec 1, cost") for text in shown)
    assert {"start", "end", "optimum", "target cost", "iteration", "cost"} <= set(shown)


@pytest.mark.parametrize(
    "costs",
    [
        np.linspace(1204, -3, 60),
        np.full(60, 2.0),
        np.full(60, -np.inf),
        np.full(60, np.nan),
        np.where(np.arange(60) > 50, -np.inf, 3.0),
    ],
)
def test_extreme_costs_are_drawn(run: Run, costs: Array) -> None:
    odd = run | {"log10_cost": costs}
    check_legible(draw_run(odd))
    assert len(PICTURE_FORMATS["png"].write(draw_run(odd), {})) > 5000


def test_a_run_of_no_iterations_is_a_point() -> None:
    still = make_run(np.zeros(1), np.ones((1, 2)), np.array([-np.inf]))
    check_legible(draw_run(still, "target_reached"))


def test_the_window_includes_path_and_optimum_with_a_margin(tutorial_path: Array) -> None:
    window = window_around(tutorial_path, (5.0, -1.0))
    for i, (low, high) in enumerate((window.w_in, window.w_rec)):
        values = [*tutorial_path[:, i], (5.0, -1.0)[i]]
        margin = 0.1 * (max(values) - min(values))
        assert low < min(values) - margin
        assert high > max(values) + margin


def test_a_few_distant_steps_do_not_widen_the_window(tutorial_path: Array) -> None:
    far = tutorial_path.copy()
    far[30] = [1e200, -1e300]
    window = window_around(far, (1.0, 1.0))
    assert window.w_in[1] - window.w_in[0] < 20
    assert window.w_in[0] < -1.5 < window.w_in[1]


Arrays = dict[str, NDArray[Any]]


def make_map(w_in: Any, w_rec: Any, iterations: Any, reached: Any, diverged: Any) -> Arrays:
    outcome = np.where(diverged, Outcome.DIVERGED.code, Outcome.ITERATIONS_EXHAUSTED.code)
    outcome = np.where(reached, Outcome.TARGET_REACHED.code, outcome)
    return {"w_in": w_in, "w_rec": w_rec, "iterations": iterations, "outcome": outcome}


def quarters() -> Arrays:
    """Return 20 by 20 starts: left reached (below soon, above late), right above diverged."""
    w = np.linspace(-3, 3, 20)
    w_in, w_rec = np.meshgrid(w, w)
    iterations = np.where(w_rec < 0, 10, 400)
    return make_map(w, w, iterations, w_in < 0, (w_in > 0) & (w_rec > 0))


@every_style
def test_nothing_is_cut_off_or_overlaps_in_a_basin_map(style: Style) -> None:
    name = "gradient descent with momentum, clipped"
    check_legible(basin_map_figure(quarters(), optimizer=name, optimum=(1, 1), style=style))


def test_the_legend_states_the_shares() -> None:
    shown = words(basin_map_figure(quarters(), optimizer="rprop", optimum=(1, 1)))
    assert {"target reached 50.0 %", "iterations exhausted 25.0 %", "diverged 25.0 %"} <= set(shown)
    assert {"iterations", "initial w_in", "initial w_rec", "optimum"} <= set(shown)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_cells_have_the_color_of_their_outcome(theme: str) -> None:
    style = Style(700, 500, theme=theme)  # type: ignore[arg-type]
    pixels = rasterize(basin_map_figure(quarters(), optimizer="rprop", style=style))
    soon, late = (mpl.colormaps[COLOR_MAP](end, bytes=True) for end in (1.0, 0.0))
    below, above = pixels[350, 100], pixels[100, 100]
    assert below.tolist() == list(soon)
    assert above.tolist() == list(late)
    hatched = pixels[320:400, 450:550].reshape(-1, 4).tolist()
    for color in (style.colors.missing, style.colors.foreground):
        assert hatched.count(rgba(color)) > 50
    stripes = pixels[80:140, 450:550].reshape(-1, 4).tolist()
    assert stripes.count(rgba(DIVERGED["facecolor"])) > 1000
    assert any(min(pixel) > 240 for pixel in stripes)  # the white lines


@pytest.mark.parametrize("most", [0, 1, 12, 500, 123_456])
def test_the_color_bar_covers_all_iterations(most: int) -> None:
    w = np.linspace(0, 1, 2)
    iterations = np.array([[0, most], [most, most // 2]])
    basins = make_map(w, w, iterations, np.ones((2, 2), bool), np.zeros((2, 2), bool))
    figure = basin_map_figure(basins, optimizer="adam")
    check_legible(figure)
    counts = [int(word) for word in words(figure) if word.isdigit()]
    assert max(counts) >= most
    assert max(counts) <= max(2, 1.25 * most)
