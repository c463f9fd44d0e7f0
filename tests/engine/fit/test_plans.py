"""Plans, compared with simulations and with dense searches."""

import math
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq, least_squares
from scipy.stats import t as student

from service.engine.data import Series
from service.engine.fit import FitOptions, Goal, Result, find_input, fit, predict, subtract_plans
from service.engine.types import Array
from tests.engine.fit.conftest import simulate

WEIGHTS = [1.0, -0.5]
STEP, LONG, ONCE = Goal(9.0, 0, 5, True), Goal(9.0, 0, None, True), Goal(9.0, 0, 5, False)


def make_series(n: int = 60, noise: float = 0.3, gain: float = 1.0) -> Series:
    """Return a sequence with two inputs."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((n, 2))
    y = simulate(x, 0.8, [gain * w for w in WEIGHTS], 2.0, 7.0)
    return Series.from_sequences((x,), (y + noise * rng.standard_normal(n),), ("a", "b"))


def make_plan(*first: float) -> Array:
    """Return eight steps of the inputs."""
    plan = np.zeros((8, 2))
    plan[: len(first), 0] = first
    plan[:, 1] = 0.2
    return plan


OPTIONS = {
    "default": FitOptions(),
    "known start": FitOptions(initial_state=2.0),
    "delay": FitOptions(delay=(2, 2)),
    "ar1": FitOptions(noise="ar1"),
    "two": FitOptions(time_constants=2, w_rec=(0.0, 0.95)),
    "given gain": FitOptions(gains={"b": -2.5}),
    "curve": FitOptions(curves=("a",)),
    "direct": FitOptions(direct=("b",)),
    "trend and season": FitOptions(trend=True, season=(7, 1)),
    "free": FitOptions(variance="free"),
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_difference_is_that_of_the_predictions(options: FitOptions) -> None:
    solution = fit(make_series(), options).solution
    plans = [make_plan(1.0), make_plan(2.0, 3.0), make_plan(0.0, 0.0, -1.0)]
    expected = [each.outputs for each in predict(solution, plans, sequence=0)]
    for difference, outputs in zip(
        subtract_plans(solution, plans, sequence=0), expected[1:], strict=True
    ):
        np.testing.assert_allclose(difference.outputs, outputs - expected[0], atol=1e-10)
        assert difference.total[0] == pytest.approx(np.sum(outputs - expected[0]))
        assert (difference.low <= difference.outputs).all()
        assert (difference.outputs <= difference.high).all()


def test_a_difference_of_new_sequences_begins_after_the_delay() -> None:
    options = FitOptions(initial_state="shared", delay=(2, 2))
    solution = fit(make_series(), options).solution
    plans = [make_plan(1.0), make_plan(2.0, 3.0)]
    first, second = (each.outputs for each in predict(solution, plans))
    (difference,) = subtract_plans(solution, plans)
    assert difference.outputs[:2].tolist() == [0.0, 0.0]
    np.testing.assert_allclose(difference.outputs[2:], (second - first)[2:], atol=1e-10)


def constrain(series: Series, miss: Any) -> float:
    """Return the least sum of squares with a miss of 0, by a penalty."""
    x, y = series.inputs, series.targets

    def residuals(p: Array) -> Array:
        fitted = simulate(x, p[0], [p[1], p[2]], p[3], p[4])
        return np.append(fitted - y, 1e5 * miss(p))

    found = least_squares(residuals, [0.8, 1.0, -0.5, 2.0, 7.0], xtol=1e-14, ftol=1e-14, gtol=1e-14)
    return 2.0 * float(found.cost)


def level_of(result: Result) -> float:
    """Return the sum of squares at the ends of an exact profile interval."""
    nu = result.solution.degrees_of_freedom
    squares = result.solution.cost * result.solution.n_targets
    return squares * (1.0 + float(student.ppf(0.975, nu)) ** 2 / nu)


def test_the_band_of_a_difference_is_its_profile_interval() -> None:
    """Its ends are the differences at which the constrained least squares reach the level."""
    series = make_series(30)
    result = fit(series, FitOptions())
    (difference,) = subtract_plans(result.solution, [make_plan(), make_plan(1.0, 1.0)], sequence=0)
    for end in (difference.low[4], difference.high[4]):
        squares = constrain(series, lambda p, end=end: p[1] * (p[0] ** 4 + p[0] ** 3) - end)
        assert squares == pytest.approx(level_of(result), rel=2e-3)


@pytest.mark.parametrize("goal", [STEP, ONCE, LONG], ids=["lasting", "once", "long run"])
def test_the_set_of_a_goal_is_its_profile_interval(goal: Goal) -> None:
    series = make_series(30)
    result = fit(series, FitOptions())
    plan = make_plan()
    found = find_input(result.solution, plan, goal, sequence=0)
    (piece,) = found.pieces
    n_steps = goal.step or 400

    def miss(p: Array, value: float) -> float:
        rest = np.tile([value, 0.2], (n_steps, 1))
        rest[0 if goal.is_lasting else 1 :, 0] = value if goal.is_lasting else 0.0
        whole = np.concatenate([series.inputs, rest])
        return float(simulate(whole, p[0], [p[1], p[2]], p[3], p[4])[-1]) - goal.output

    for end in piece:
        squares = constrain(series, lambda p, end=end: miss(p, end))
        assert squares == pytest.approx(level_of(result), rel=2e-3)


@pytest.mark.parametrize("goal", [STEP, ONCE], ids=["lasting", "once"])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_the_input_of_a_goal_reaches_it(options: FitOptions, goal: Goal) -> None:
    solution = fit(make_series(), options).solution
    if options.curves:
        with pytest.raises(ValueError, match="curved"):
            find_input(solution, make_plan(), goal, sequence=0)
        return

    def miss(value: float) -> float:
        plan = make_plan()
        plan[: None if goal.is_lasting else 1, 0] = value
        (prediction,) = predict(solution, [plan], sequence=0)
        return float(prediction.outputs[4]) - goal.output

    found = find_input(solution, make_plan(), goal, sequence=0)
    assert found.value == pytest.approx(brentq(miss, -100.0, 100.0), rel=1e-8)
    assert found.pieces[0].low < found.value < found.pieces[0].high


@pytest.mark.parametrize("name", ["default", "known start", "delay", "two", "given gain", "direct"])
def test_the_lasting_input_of_a_steady_state_reaches_it(name: str) -> None:
    solution = fit(make_series(), OPTIONS[name]).solution
    found = find_input(solution, make_plan(), LONG, sequence=0)
    plan = np.tile([found.value, 0.2], (2000, 1))
    (prediction,) = predict(solution, [plan], sequence=0)
    assert prediction.outputs[-1] == pytest.approx(LONG.output)


def test_a_goal_without_an_effect_has_an_unbounded_set() -> None:
    """An input whose weight may be 0 has no bounded set: Fieller's."""
    solution = fit(
        make_series(20, 5.0, 0.1), FitOptions(w_rec=(0.8, 0.8), gains={"b": 0.0})
    ).solution
    found = find_input(solution, make_plan(), Goal(100.0, 0, 5, True), sequence=0)
    assert math.isfinite(found.value)
    assert [found.pieces[0].low, found.pieces[-1].high] == [-math.inf, math.inf]
    known = fit(make_series(), FitOptions(gains={"a": 0.0})).solution
    assert math.isnan(find_input(known, make_plan(), STEP, sequence=0).value)
    delayed = fit(make_series(), FitOptions(delay=(6, 6))).solution
    assert math.isnan(find_input(delayed, make_plan(), STEP, sequence=0).value)


def test_fiellers_set_of_a_linear_fit_is_closed_form() -> None:
    """With a w_rec of 0, it is that of a regression."""
    rng = np.random.default_rng(3)
    x = rng.standard_normal((25, 1))
    for slope in (1.0, 0.1):
        y = 2.0 + slope * x[:, 0] + rng.standard_normal(25)
        options = FitOptions(w_rec=(0.0, 0.0))
        solution = fit(Series.from_sequences((x,), (y,), ("a",)), options).solution
        found = find_input(solution, np.zeros((1, 1)), Goal(4.0, 0, 1, True), sequence=0)
        design = np.column_stack([np.ones(25), x])
        beta, squares, *_ = np.linalg.lstsq(design, y)
        t2 = student.ppf(0.975, 23) ** 2 * squares[0] / 23
        covariance = np.linalg.inv(design.T @ design)
        roots = np.roots(
            [
                beta[1] ** 2 - t2 * covariance[1, 1],
                2.0 * ((beta[0] - 4.0) * beta[1] - t2 * covariance[0, 1]),
                (beta[0] - 4.0) ** 2 - t2 * covariance[0, 0],
            ]
        )
        if slope == 1.0:
            np.testing.assert_allclose(found.pieces[0], np.sort(roots), rtol=1e-8)
        else:
            assert found.pieces[0].low == -math.inf
            ends = [end for piece in found.pieces for end in piece if math.isfinite(end)]
            np.testing.assert_allclose(ends, np.sort(roots[np.isreal(roots)].real), rtol=1e-8)


def test_a_goal_that_does_not_apply_is_refused() -> None:
    solution = fit(make_series(), OPTIONS["trend and season"]).solution
    with pytest.raises(ValueError, match="no long run"):
        find_input(solution, make_plan(), LONG, sequence=0)
    single = LONG._replace(is_lasting=False)
    with pytest.raises(ValueError, match="single input"):
        find_input(fit(make_series(), FitOptions()).solution, make_plan(), single, sequence=0)


def test_plans_of_a_sequence_with_its_own_gains() -> None:
    rng = np.random.default_rng(5)
    inputs = tuple(rng.standard_normal((40, 2)) for _ in range(3))
    targets = tuple(
        simulate(x, 0.7, [gain, -0.5], 1.0, 5.0 + gain) + 0.2 * rng.standard_normal(40)
        for x, gain in zip(inputs, (1.0, 2.0, 3.0), strict=True)
    )
    series = Series.from_sequences(inputs, targets, ("a", "b"))
    solution = fit(series, FitOptions(offset="each", own_gains=True)).solution
    plans = [make_plan(1.0), make_plan(2.0, 3.0)]
    first, second = (each.outputs for each in predict(solution, plans, sequence=2))
    (difference,) = subtract_plans(solution, plans, sequence=2)
    np.testing.assert_allclose(difference.outputs, second - first, atol=1e-10)
    assert difference.low[0] < 3.0 < difference.high[0]
    found = find_input(solution, make_plan(), LONG, sequence=2)
    long = np.tile([found.value, 0.2], (500, 1))
    (prediction,) = predict(solution, [long], sequence=2)
    assert prediction.outputs[-1] == pytest.approx(LONG.output)
