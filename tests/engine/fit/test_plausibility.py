"""Fits with doubtful parameters: parabolas that turn, and states that are drifts of the level."""

from typing import Any

import numpy as np
import pytest

from benchmarks.verdict_cases import respond, two_states
from service.engine.data import Series
from service.engine.fit import FitOptions, Solution, find_change_at_once, fit, is_drift

SLOW = "slow_as_drift"


@pytest.mark.parametrize(("largest", "turns"), [(100.0, True), (45.0, False)])
def test_a_parabola_that_turns_inside_the_data_is_a_caution(largest: float, turns: bool) -> None:
    draws = np.random.default_rng(71)
    x = draws.uniform(0.0, largest, 150)
    y = respond(0.6, x - 0.01 * x**2) + 20.0 + draws.normal(size=150)  # the vertex is at 50
    trust = fit(
        Series.from_sequences([x[:, None]], [y], ("x",)), FitOptions(curves=("x",))
    ).verdict.trust
    found = [each for each in trust.findings if each.slug == "curve_turns"]
    assert ("curve_turns" in trust.cautions) == bool(found) == turns
    assert all(each.value == pytest.approx(50.0, rel=0.05) for each in found)
    assert all(each.input == "x" for each in found)


def fit_two(n_steps: int, **options: Any) -> Any:
    series = two_states(n_steps, noise=0.2)(np.random.default_rng([72, n_steps]))
    return fit(series, FitOptions(time_constants=2, **options)).verdict.trust


def test_a_slow_state_of_a_short_record_may_be_a_drift() -> None:
    assert SLOW in fit_two(100).cautions  # a time constant of 19.5 steps
    assert SLOW not in fit_two(100, initial_state=0.0).cautions
    assert SLOW not in fit_two(300).cautions
    few = fit_two(15)
    assert SLOW in few.reasons
    assert SLOW not in few.cautions


@pytest.mark.parametrize(("n_steps", "is_refused"), [(80, True), (150, False)])
def test_equal_poles_need_many_targets(n_steps: int, is_refused: bool) -> None:
    draws = np.random.default_rng([73, n_steps])
    x = draws.normal(size=n_steps)
    y = respond(0.7, respond(0.7, x)) + 1.0
    series = Series.from_sequences([x[:, None]], [y + 0.3 * draws.normal(size=n_steps)], ("x",))
    several, single = (
        Solution(fit(series, FitOptions(time_constants=n)).problem, is_coarse=True) for n in (2, 1)
    )
    assert is_drift(single, several) == is_refused


def test_a_detected_effect_does_not_change_its_sign() -> None:
    """The input drifts with a level that opposes its effect, which a slow state describes."""
    draws = np.random.default_rng(74)
    x = np.cumsum(draws.normal(size=120))
    y = respond(0.5, np.diff(x, prepend=0.0)) - 0.002 * np.cumsum(x) + 0.1 * draws.normal(size=120)
    series = Series.from_sequences([x[:, None]], [y], ("x",))
    several = fit(series, FitOptions(time_constants=2, noise="ar1"))
    single = fit(series, FitOptions(noise="ar1"))
    assert is_drift(single.solution, several.solution)


@pytest.mark.parametrize(
    ("direct", "noise", "is_reason"), [(0.0, 1.5, False), (0.6, 0.5, True)], ids=["late", "direct"]
)
def test_a_correlation_in_the_same_step_invalidates_a_w_rec_that_it_changes(
    direct: float, noise: float, is_reason: bool
) -> None:
    """The input arrives half a step later, which hardly matters, or also acts without memory."""
    draws = np.random.default_rng(1)
    x = respond(0.5, draws.normal(size=600))
    w_rec = np.exp(-1.0 / 157.0)
    arriving = x if direct else 0.5 * (x + np.append(0.0, x[:-1]))
    drift = respond(0.98, draws.normal(size=600))
    y = respond(w_rec, arriving) + direct * x + noise * drift + 5.0
    result = fit(Series.from_sequences([x[:, None]], [y], ("x",)), FitOptions(noise="ar1"))
    found = result.verdict.fit.checked.findings
    (finding,) = (each for each in found if each.slug == "follow_inputs")
    assert finding.lag == 0
    assert result.verdict.fit.is_reason(finding) == is_reason
    (piece,) = result.solution.intervals
    assert (piece.low < w_rec < piece.high) != is_reason
    both = Series.from_sequences([np.column_stack([x, x])], [y], ("x", "direct"))
    refit = fit(both, FitOptions(noise="ar1", direct=("direct",))).solution
    change = abs(refit.w_rec - result.solution.w_rec) / result.solution.standard_error
    assert find_change_at_once(result.solution, "x") == pytest.approx(change, rel=0.2)


def test_a_parabola_without_degrees_of_freedom_can_turn() -> None:
    x = np.array([0.5, 1.0, 2.0])
    series = Series.from_sequences([x[:, None]], [3.0 * x - x**2], ("x",))
    trust = fit(series, FitOptions(0.0, offset=False, curves=("x",))).verdict.trust
    assert "no_degrees_of_freedom" in trust.reasons
    assert "curve_turns" in trust.cautions
