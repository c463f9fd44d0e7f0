"""Errors proportional to the fitted values, compared with regressions at the fixed weights."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.optimize import curve_fit

from benchmarks.verdict_cases import uneven_pulses
from service.engine.data import Series
from service.engine.fit import (
    FitOptions,
    FitProblem,
    Result,
    Solution,
    decompose,
    fit,
    predict,
    settle,
)
from service.engine.types import Array
from tests.engine.fit import test_models, test_several
from tests.engine.fit.conftest import design_of, simulate
from tests.engine.fit.test_noise import covariance

PROPORTIONAL = FitOptions(variance="proportional")
AT_REST = replace(PROPORTIONAL, initial_state=0.0, offset=False)


def find_sizes(fitted: Array) -> Array:
    """Return the sizes of errors, relative to their geometric mean."""
    sizes = np.maximum(np.abs(fitted), 0.02 * np.max(np.abs(fitted)))
    return np.asarray(sizes / np.exp(np.mean(np.log(sizes))))


def draw_pulses(seed: int) -> Series:
    return uneven_pulses(0.3)(np.random.default_rng(seed))


def test_a_fit_is_the_nonlinear_regression_with_its_weights() -> None:
    rng = np.random.default_rng(4)
    x = rng.exponential(1.0, (60, 1))
    y = simulate(x, 0.8, [1.0], 3.0, 2.0) * (1.0 + 0.1 * rng.standard_normal(60))
    y[rng.random(60) < 0.2] = np.nan
    result = fit(Series.from_sequences([x], [y]), PROPORTIONAL)
    values = result.parameters
    assert values.offset is not None
    assert values.initial_states is not None
    is_used = ~np.isnan(y)
    sizes = find_sizes(result.table["prediction"][is_used])

    def predict_targets(_: Array, w_rec: float, w_in: float, state: float, offset: float) -> Array:
        return simulate(x, w_rec, [w_in], state, offset)[is_used]

    start = (0.7, 1.0, 2.0, 1.0)
    found, covariances = curve_fit(
        predict_targets, np.arange(len(sizes)), y[is_used], start, sizes, xtol=1e-12, ftol=1e-12
    )
    ours = [result.solution.w_rec, values.w_in[0, 0], values.initial_states[0, 0], values.offset[0]]
    assert ours == pytest.approx(found, rel=1e-5)
    assert result.solution.standard_error == pytest.approx(np.sqrt(covariances[0, 0]), rel=1e-4)
    relative = (y[is_used] / predict_targets(x, *found) - 1.0) ** 2
    expected = np.sqrt(np.sum(relative) / (len(sizes) - 4))
    assert result.solution.innovation_sd == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("model", "noise"),
    [
        *((model, "white") for model in (*test_models.MODELS, *test_several.MODELS)),
        *((model, "ar1") for model in (*test_models.MODELS[:1], *test_several.MODELS[:1])),
    ],
)
def test_weights_are_those_of_the_fitted_values(model: dict[str, Any], noise: Any) -> None:
    """A regression with an explicit covariance has the residuals and the likelihood of the fit."""
    series = test_models.make_data(1)
    if "time_constants" in model:
        weights = {0.95: [1.0, 0.5], 0.5: [2.0, 1.0]}
        series = test_several.make_data(4, weights, n_sequences=2, n_steps=45, gaps=0.2)
        series = replace(series, targets=series.targets + 10.0)
    first, last = model.get("delay", (0, 0))
    model = model | {"offset": True, "noise": noise, "w_rec": (0.0, 0.99)}
    model |= {"delay": (0, last - first)}
    result = fit(series, replace(PROPORTIONAL, **model))
    problem = result.problem
    columns, y = design_of(problem, result.solution.poles)
    contributions = decompose(result.solution)
    total = contributions.start + contributions.baseline + contributions.inputs.sum(axis=0)
    steps = contributions.step - 1 - problem.skip
    fitted = total[~np.isnan(problem.targets[contributions.sequence, steps])]
    used = replace(series, targets=np.where(np.isin(series.targets, y), series.targets, np.nan))
    sizes = find_sizes(fitted)
    v = covariance(used, result.solution.rho) * np.outer(sizes, sizes)
    half = np.linalg.cholesky(v)
    white = np.linalg.solve(half, columns)
    target = np.linalg.solve(half, y)
    theta = np.linalg.lstsq(white, target, rcond=1e-12)[0]
    np.testing.assert_allclose(columns @ theta, fitted, rtol=1e-5)
    squares = float(np.sum((target - white @ theta) ** 2))
    n = len(y)
    log_v = float(np.linalg.slogdet(v)[1])
    expected = n * (np.log(2.0 * np.pi * squares / n) + 1.0) + log_v
    assert result.solution.minus_two_log_likelihood == pytest.approx(expected, rel=1e-7)
    assert result.solution.cost == pytest.approx(np.mean((y - fitted) ** 2), rel=1e-9)


def test_a_stored_fit_has_the_same_predictions() -> None:
    for options in (AT_REST, replace(AT_REST, noise="ar1"), replace(AT_REST, time_constants=2)):
        result = fit(draw_pulses(1), options)
        solution = result.solution
        given = solution.poles, solution.intervals_of_states
        restored = settle(Solution(FitProblem(result.problem.record, options), given))
        assert restored is not None
        inputs = [np.ones((5, 1))]
        for old, new in zip(predict(solution, inputs), predict(restored, inputs), strict=True):
            np.testing.assert_allclose(new.outputs, old.outputs, rtol=1e-6)


def continue_fit(result: Result) -> tuple[Array, Array]:
    """Return the predictions after the last target, and the half-widths of the noise."""
    (bands,) = predict(result.solution, [np.zeros((12, 1))], sequence=0)
    widths = np.square(bands.new_high - bands.outputs) - np.square(bands.high - bands.outputs)
    return bands.outputs, np.sqrt(widths)


def test_the_noise_of_new_observations_grows_with_the_prediction() -> None:
    result = fit(draw_pulses(2), AT_REST)
    outputs, widths = continue_fit(result)
    largest = float(np.max(result.table["prediction"]))
    sizes = np.maximum(outputs, 0.02 * largest)
    assert sizes[0] / sizes[-1] > 3.0
    np.testing.assert_allclose(widths / sizes, np.full(12, widths[0] / sizes[0]), rtol=1e-9)
    assert 0.4 < widths[0] / sizes[0] < 0.8  # about twice 30 %


def test_a_continued_residual_shrinks_with_the_prediction() -> None:
    result = fit(draw_pulses(2), replace(AT_REST, noise="ar1"))
    series = result.problem.record
    outputs, _ = continue_fit(result)
    extended = Series.from_sequences(
        [np.concatenate([series.inputs, np.zeros((12, 1))])],
        [np.concatenate([series.targets, np.full(12, np.nan)])],
    )
    weights = [result.parameters.w_in[0, 0]]
    means = simulate(extended.inputs, result.solution.w_rec, weights)
    sizes = np.maximum(means, 0.02 * np.max(means[:100]))
    relative = (series.targets[-1] - means[99]) / sizes[99]
    shares = result.solution.rho ** np.arange(1.0, 13.0)
    np.testing.assert_allclose(outputs, means[100:] + relative * shares * sizes[100:], rtol=1e-6)


def test_the_checks_are_those_of_relative_residuals() -> None:
    n_found = 0
    for seed in range(3):
        series = draw_pulses(seed)
        assert "spread" in fit(series, replace(AT_REST, variance="constant")).verdict.trust.reasons
        n_found += "spread" in fit(series, AT_REST).verdict.trust.reasons
    assert n_found <= 1


def test_errors_that_do_not_grow_are_found_and_never_weighted_by_advice() -> None:
    rng = np.random.default_rng(5)
    x = np.where(rng.random((100, 1)) < 0.1, 1.0, 0.0)
    y = simulate(x, 0.8, [1.0], 0.0, 2.0) + 0.1 * rng.standard_normal(100)
    series = Series.from_sequences([x], [np.maximum(y - 1.9, 0.01)])
    result = fit(series, AT_REST)
    assert "spread" in result.verdict.trust.reasons
    for other in result.verdict.alternatives:
        assert other.solution.problem.fitted is None or "variance" not in other.options


@pytest.mark.slow
def test_an_alternative_is_the_fit_that_it_leads_to() -> None:
    """Its errors are proportional to its own predictions, not to those of the present fit."""
    rng = np.random.default_rng(6)
    x = np.where(rng.random((120, 1)) < 0.1, 1.0, 0.0)
    later = np.concatenate([np.zeros((3, 1)), x])[:120]
    y = (2.0 + simulate(later, 0.8, [3.0])) * (1.0 + 0.1 * rng.standard_normal(120))
    series = Series.from_sequences([x], [y])
    result = fit(series, PROPORTIONAL)
    (other,) = result.verdict.alternatives
    assert other.options["delay"] == (3, 3)
    changed = fit(series, replace(PROPORTIONAL, delay=(3, 3)))
    assert other.solution.w_rec == pytest.approx(changed.solution.w_rec, rel=1e-7)
    assert changed.verdict.trust.interval
    searched = fit(series, replace(PROPORTIONAL, delay=(0, 5)))
    assert searched.problem.delay == 3
    criteria = [each.criterion for each in searched.delays]
    assert int(np.argmin(criteria)) == 3
    assert min(criteria) == 0.0
