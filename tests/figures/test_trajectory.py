"""The picture of a training run."""

import numpy as np
import pytest

from service.engine.types import Array
from service.figures.formats import PICTURE_FORMATS
from service.figures.style import Style
from service.figures.trajectory import Run, trajectory_figure, window_around
from tests.figures.conftest import check_legible, every_style, tutorial_cost, words


@pytest.fixture
def run(tutorial_path: Array) -> Run:
    costs = tutorial_cost(tutorial_path[:, 0], tutorial_path[:, 1])
    return Run("rprop", "iterations_exhausted", np.arange(60.0), tutorial_path, costs, 0.01)


@every_style
def test_nothing_is_cut_off_or_overlaps(run: Run, style: Style) -> None:
    check_legible(trajectory_figure(run, tutorial_cost, optimum=(1, 1), style=style))


def test_title_and_headline_state_how_the_run_ended(run: Run) -> None:
    shown = words(trajectory_figure(run, tutorial_cost, optimum=(1, 1)))
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
    odd = Run(run.optimizer, "diverged", run.iterations, run.weights, costs)
    check_legible(trajectory_figure(odd, tutorial_cost))
    assert len(PICTURE_FORMATS["png"].write(trajectory_figure(odd, tutorial_cost), {})) > 5000


def test_a_run_of_no_iterations_is_a_point() -> None:
    still = Run("adam", "target_reached", np.zeros(1), np.ones((1, 2)), np.array([-np.inf]))
    check_legible(trajectory_figure(still, tutorial_cost))


def test_missing_weights_are_drawn(run: Run) -> None:
    for lost in (np.s_[-3:], np.s_[:]):
        weights = run.weights.copy()
        weights[lost] = np.nan
        weights[-1] = [np.inf, np.nan]
        odd = Run("adam", "diverged", run.iterations, weights, run.log10_costs)
        assert PICTURE_FORMATS["svg"].write(trajectory_figure(odd, tutorial_cost), {})


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


@pytest.mark.parametrize("weights", [[[0.0, 0.0]], [[1e150, -1e150]], [[np.nan, 1.0]]])
def test_a_single_point_has_a_window(weights: list[list[float]]) -> None:
    window = window_around(np.array(weights), None)
    assert window.w_in[0] < window.w_in[1]
    assert window.w_rec[0] < window.w_rec[1]
    assert np.isfinite([*window.w_in, *window.w_rec]).all()
