"""Larger models that are recommended: own time constants, a second one, and those beside them."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import f as f_distribution

from benchmarks.verdict_cases import (
    Design,
    drifting,
    one_sequence,
    panel,
    respond,
    seasonal,
    two_states,
    unlike_inputs,
)
from service.engine.data import Series, Step
from service.engine.fit import (
    FitOptions,
    FitProblem,
    Result,
    Solution,
    find_season,
    fit,
)
from service.engine.types import Array
from tests.engine.fit.conftest import design_of

SECOND = "second_time_constant_advised"
OWN = "own_time_constants_advised"


def fit_case(design: Design, seed: int = 1, **options: Any) -> Result:
    """Return the fit of a simulated series."""
    return fit(design(np.random.default_rng([41, seed])), FitOptions(**options))


def list_advice(result: Result) -> list[tuple[str, dict[str, Any]]]:
    """Return the reasons and the options of the alternatives."""
    return [(other.reason, dict(other.options)) for other in result.verdict.alternatives]


@pytest.mark.parametrize(
    ("design", "reason", "options"),
    [
        (two_states(200, noise=0.2), SECOND, {"time_constants": 2}),
        (two_states(200, noise=0.2, rho=0.6), SECOND, {"time_constants": 2}),
        (unlike_inputs(150, 0.95, 0.5), OWN, {"time_constants": "per_input"}),
        (unlike_inputs(200, 0.95, 0.3, 0.8, rho=0.6), OWN, {"time_constants": "per_input"}),
    ],
)
def test_more_time_constants_are_recommended_and_then_trusted(
    design: Design, reason: str, options: dict[str, Any]
) -> None:
    result = fit_case(design, noise="ar1")
    assert result.verdict.trust.reasons[0] == reason
    assert list_advice(result) == [(reason, options)]
    followed = fit(result.problem.record, replace(result.problem.options, **options))
    assert not followed.verdict.fit.structures
    assert not followed.verdict.trust.reasons
    assert followed.solution.lowest <= result.verdict.alternatives[0].solution.lowest + 1e-2


def test_the_gain_is_an_f_test_of_explicit_regressions() -> None:
    result = fit_case(two_states(100, noise=0.3), noise="independent")
    (other,) = result.verdict.alternatives
    squares = []
    for solution in (Solution(result.problem), other.solution):
        columns, y = design_of(solution.problem, solution.poles)
        squares.append(float(np.linalg.lstsq(columns, y, rcond=None)[1][0]))
    n = result.problem.n_targets
    assert other.finding.value == pytest.approx(n * math.log(squares[0] / squares[1]), rel=1e-6)
    nu = n - columns.shape[1] - 2  # of the larger fit, whose weights, start and pole are three more
    ratio = (squares[0] / squares[1] - 1.0) * nu / 3
    assert other.finding.p == pytest.approx(f_distribution.sf(ratio, 3, nu), rel=1e-4)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "design",
    [
        one_sequence(100, 0.8),
        one_sequence(60, 0.9, rho=0.6),
        unlike_inputs(100, 0.8, 0.8),
        panel(6, 20, 0.6),
    ],
)
def test_correct_models_need_no_more_time_constants(design: Design, seed: int) -> None:
    advice = {reason for reason, _ in list_advice(fit_case(design, seed))}
    assert not advice & {SECOND, OWN}


def test_a_dead_time_is_no_second_time_constant() -> None:
    for dead_time in (1, 2):
        few = fit_case(one_sequence(30, 0.8, dead_time=dead_time), dead_time)
        assert SECOND not in few.verdict.trust.reasons
        result = fit_case(one_sequence(100, 0.8, dead_time=dead_time), dead_time)
        assert list_advice(result) == [("delay_advised", {"delay": (dead_time, dead_time)})]


@pytest.mark.slow
def test_a_season_is_no_second_time_constant() -> None:
    for seed in range(3):
        (reason, options), *_ = list_advice(fit_case(seasonal(12, in_input=True), seed))
        assert (reason, options["season"][0]) == ("season_advised", 12)


@pytest.mark.parametrize(
    ("unit", "period"),
    [
        ("h", 24),
        ("Hrs", 168),
        ("days", 7),
        ("business day", 5),
        ("mo", 12),
        ("Qtr.", 4),
        ("step", 12),
    ],
)
def test_the_usual_periods_are_those_of_the_unit_by_any_name(unit: str, period: int) -> None:
    draws = np.random.default_rng([43, period])
    n_steps = max(110, 3 * period)
    x = draws.normal(size=n_steps)
    pattern = 3.0 * np.sin(2.0 * np.pi * np.arange(n_steps) / period)
    y = respond(0.6, x) + pattern + 0.5 * draws.normal(size=n_steps)
    series = replace(Series.from_sequences([x[:, None]], [y], ("x",)), step=Step(1.0, unit))
    other = find_season(FitProblem(series, FitOptions()))
    assert other is not None
    assert other.options["season"][0] == period


def draw_hours(n_steps: int, rho: float, *, has_days: bool) -> Series:
    """Return hours with weekends, ar1 noise, and a pattern of the day or none."""
    draws = np.random.default_rng([47, n_steps])
    hours = np.arange(n_steps)
    weekends = 0.6 * (hours // 24 % 7 >= 5)
    days = 0.6 * np.sin(2.0 * np.pi * hours / 24.0)
    x = draws.normal(size=n_steps)
    noise = respond(rho, 0.3 * draws.normal(size=n_steps))
    y = respond(0.8, x) + weekends + has_days * days + noise
    return replace(Series.from_sequences([x[:, None]], [y], ("x",)), step=Step(1.0, "hour"))


@pytest.mark.parametrize(("has_days", "season"), [(False, (168, 3)), (True, (168, 21))])
def test_weeks_of_hours_are_recommended_with_their_days(
    has_days: bool, season: tuple[int, int]
) -> None:
    """No lag of the checks is as long as a week, and ar1 noise takes its place in them."""
    series = draw_hours(1000, 0.6, has_days=has_days)
    result = fit(series, FitOptions(noise="ar1"))
    assert list_advice(result) == [("season_advised", {"season": season})]


def test_a_week_has_as_many_harmonics_as_its_targets_determine() -> None:
    """Three weeks with a target every nine hours have no two targets for 42 unknowns."""
    series = draw_hours(504, 0.0, has_days=True)
    is_read = np.arange(504) % 9 == 0
    sparse = replace(series, targets=np.where(is_read, series.targets, np.nan))
    other = find_season(FitProblem(sparse, FitOptions(noise="independent")))
    assert other is not None
    assert other.options["season"] == (24, 3)
    full = find_season(FitProblem(series, FitOptions(noise="independent")))
    assert full is not None
    assert full.options["season"] == (168, 21)


def draw_seasonal_panel(
    inputs: list[Array], seed: int, is_seen: NDArray[np.bool_] | None = None
) -> Series:
    """Return sequences with a season of 4 steps, in which not every step may have a target."""
    draws = np.random.default_rng([44, seed])
    targets = []
    for x in inputs:
        pattern = 2.0 * np.sin(0.5 * np.pi * np.arange(len(x)))
        y = respond(0.6, x.sum(axis=1), 2.0) + pattern + 0.3 * draws.normal(size=len(x))
        targets.append(y if is_seen is None else np.where(is_seen[: len(x)], y, np.nan))
    return Series.from_sequences(inputs, targets, ("x",) * inputs[0].shape[1])


def test_a_season_is_not_that_of_sequences_that_begin_with_an_event() -> None:
    draws = np.random.default_rng(45)
    calendar = [draws.normal(size=(24, 1)) for _ in range(8)]
    assert find_season(FitProblem(draw_seasonal_panel(calendar, 1), FitOptions()))
    dose = np.zeros((24, 1))
    dose[[0, 12]] = 3.0
    steady = np.ones((24, 1))
    cases: list[tuple[list[Array], dict[str, Any]]] = [
        ([dose * size for size in (1.0, 2.0, 3.0)] * 3, {}),
        ([steady] * 8, {}),
        ([np.zeros((24, 0))] * 8, {}),
        (calendar, {"initial_state": 2.0}),
    ]
    for inputs, options in cases:
        problem = FitProblem(draw_seasonal_panel(inputs, 2), FitOptions(**options))
        assert find_season(problem) is None


def test_a_season_needs_two_recorded_periods_in_every_sequence() -> None:
    draws = np.random.default_rng(46)
    inputs = [draws.normal(size=(40, 1)) for _ in range(8)]
    everywhere = draw_seasonal_panel(inputs, 3)
    assert find_season(FitProblem(everywhere, FitOptions()))
    short = draw_seasonal_panel([*inputs, draws.normal(size=(7, 1))], 3)
    assert find_season(FitProblem(short, FitOptions())) is None
    at_ages = np.isin(np.arange(40), (3, 5, 10, 15, 38))
    few = draw_seasonal_panel(inputs, 3, at_ages)
    assert find_season(FitProblem(few, FitOptions())) is None


def draw_states(
    seed: int, *, dead_time: int = 0, period: int = 0, w_rec: float = 0.5, offset: float = 0.0
) -> Series:
    """Return a series of two states, 0.95 and a faster one."""
    draws = np.random.default_rng([42, seed])
    x = draws.normal(size=150)
    later = np.concatenate([np.zeros(dead_time), x[: 150 - dead_time]])
    y = 0.4 * respond(0.95, later) + 0.6 * respond(w_rec, later) + offset
    if period:
        y += y.std() * np.sin(2.0 * np.pi * np.arange(150) / period)
    return Series.from_sequences([x[:, None]], [y + 0.2 * draws.normal(size=150)], ("x",))


@pytest.mark.parametrize(
    ("data", "options", "expected"),
    [
        ({"dead_time": 3}, {}, {"delay": (3, 3)}),
        ({"period": 12}, {}, {"season": (12, 3)}),
        ({"w_rec": -0.6}, {}, {"w_rec": (-1.0, 1.0)}),
        ({"offset": 2.0}, {"offset": 1.0, "initial_state": 0.0}, {"offset": True}),
        ({}, {"gains": {"x": 25.0}}, {"gains": {}}),
    ],
)
def test_two_time_constants_have_alternatives_of_their_own(
    data: dict[str, Any], options: dict[str, Any], expected: dict[str, Any]
) -> None:
    result = fit(draw_states(1, **data), FitOptions(time_constants=2, **options))
    ((_, advised),) = list_advice(result)
    assert advised == expected


def test_two_time_constants_of_a_drug_without_inputs_are_found() -> None:
    draws = np.random.default_rng(3)
    times = np.arange(40)
    values = 2.0 * np.exp(-times / 2.0) + 0.5 * np.exp(-times / 15.0)
    targets = [each * values + 0.01 * draws.normal(size=40) for each in (1.0, 0.7, 1.3)]
    series = Series.from_sequences([np.zeros((40, 0))] * 3, targets, ())
    result = fit(series, FitOptions(offset=False))
    assert list_advice(result) == [(SECOND, {"time_constants": 2})]
    times_found = [-1.0 / math.log(w) for w in result.verdict.alternatives[0].solution.poles]
    assert times_found == pytest.approx([15.0, 2.0], rel=0.1)


def test_given_values_exclude_a_second_time_constant() -> None:
    series = draw_states(2)
    for options in (
        {"initial_state": 1.0, "offset": 0.0},
        {"w_rec": (0.9, 0.9)},
        {"w_rec": (0.0, 1.2)},
    ):
        assert SECOND not in fit(series, FitOptions(**options)).verdict.trust.reasons
    known = fit(series, FitOptions(initial_state=0.0, offset=0.0))
    assert list_advice(known) == [(SECOND, {"time_constants": 2})]


@pytest.mark.parametrize("seed", [4, 5, 12])
def test_errors_that_drift_are_no_second_time_constant(seed: int) -> None:
    result = fit_case(drifting(200), seed, noise="ar1")
    assert SECOND not in result.verdict.trust.reasons
