"""Models of fits compared with explicit matrices: inputs without memory, trends and seasons."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.linalg import toeplitz

from service.engine.data import Series
from service.engine.fit import FitOptions, FitProblem, Result, Solution, fit, predict
from service.engine.types import Array
from tests.engine.fit.conftest import design_of, split
from tests.engine.fit.test_noise import covariance, make_noise

NAMES = ("heat", "rain", "law")


def make_data(seed: int, *, n_sequences: int = 2, n_steps: int = 45) -> Series:
    """Return sequences with a w_rec of 0.8, a law without a memory, a trend, a season and gaps."""
    rng = np.random.default_rng(seed)
    inputs, targets = [], []
    for length in range(n_steps, n_steps + n_sequences):
        steps = np.arange(length)
        x = rng.standard_normal((length, 3))
        x[:, 2] = rng.random(length) < 0.2
        decay = toeplitz(0.8**steps, np.zeros(length))
        y = decay @ x[:, :2] @ [1.0, 0.5] + 3.0 * x[:, 2] + 4.0 * 0.8**steps
        y += 2.0 * np.sin(2.0 * np.pi * steps / 7.0 + 1.0) + 0.05 * steps + 10.0
        y += 0.4 * make_noise(rng, length, 0.5)
        y[rng.random(length) < 0.2] = np.nan
        inputs.append(x)
        targets.append(y)
    return Series.from_sequences(inputs, targets, NAMES)


MODELS: list[dict[str, Any]] = [
    {"direct": ("law",), "trend": True, "season": (7, 3)},
    {"direct": ("law", "heat"), "season": (4, 2), "initial_state": "shared", "delay": (1, 3)},
    {"trend": True, "season": (12, 2), "initial_state": 0.0, "offset": False, "delay": (2, 2)},
]


@pytest.mark.parametrize("model", MODELS)
def test_costs_and_slopes_are_those_of_explicit_matrices(model: dict[str, Any]) -> None:
    series = make_data(1)
    options = FitOptions(**model)
    delay = options.delay[0]
    problem = FitProblem(series, options, delay)
    at = Solution(problem).criterion.evaluate(np.array([0.3, 0.8, 0.95]))
    for w, cost in zip(at.w, at.mean_square, strict=True):
        columns, y = design_of(problem, [w])
        rest = y - columns @ np.linalg.lstsq(columns, y, rcond=None)[0]
        assert cost == pytest.approx(np.mean(rest**2), rel=1e-9)
    assert problem.n_unknowns == columns.shape[1] + 1
    colored = Solution(FitProblem(series, replace(options, noise="ar1"), delay)).criterion
    low, middle, high = (colored.evaluate(np.array([0.7 + h])) for h in (-1e-5, 0.0, 1e-5))
    assert middle.slope[0] == pytest.approx((high.cost - low.cost)[0] / 2e-5, rel=1e-4)


@pytest.mark.parametrize("model", MODELS)
def test_ar1_noise_is_whitened_as_by_explicit_matrices(model: dict[str, Any]) -> None:
    series = make_data(2)
    options = FitOptions(**model, noise="ar1")
    solution = Solution(FitProblem(series, options))
    at = solution.criterion.evaluate(np.array([0.7]))
    skip = solution.problem.skip
    targets = [np.concatenate([np.full(skip, np.nan), y[skip:]]) for y in split(series)[1]]
    v = covariance(Series.from_sequences(split(series)[0], targets, NAMES), float(at.rho[0]))
    half = np.linalg.cholesky(v)

    columns, y = design_of(solution.problem, [0.7])
    white, target = np.linalg.solve(half, columns), np.linalg.solve(half, y)
    rest = target - white @ np.linalg.lstsq(white, target)[0]
    squares = float(at.squares[0]) * solution.problem.unit**2
    assert squares == pytest.approx(float(np.sum(rest**2)), rel=1e-8)
    n_unknowns = columns.shape[1] + 2
    assert solution.degrees_of_freedom == solution.n_targets - n_unknowns


def regress(columns: Array, y: Array) -> NDArray[Any]:
    """Return the weights of a regression and the ends of their 95 % intervals, (n, 3)."""
    from scipy.stats import t  # noqa: PLC0415

    weights, squares, *_ = np.linalg.lstsq(columns, y)
    n_free = len(y) - columns.shape[1]
    variances = squares[0] / n_free * np.diag(np.linalg.inv(columns.T @ columns))
    half = t.ppf(0.975, n_free) * np.sqrt(variances)
    return np.column_stack([weights, weights - half, weights + half])


def list_estimates(result: Result) -> Array:
    """Return all estimates in the order of the columns."""
    parameters = result.parameters
    extra = [parameters.offset, parameters.trend]
    rows = [*parameters.w_in, *(each for each in extra if each is not None)]
    if parameters.initial_states is not None:
        rows.extend(parameters.initial_states)
    return np.array(rows)


@pytest.mark.parametrize("start", ["each", "shared", 0.0])
@pytest.mark.parametrize("w", [0.0, 0.8])
def test_a_given_w_rec_is_a_regression(start: Any, w: float) -> None:
    """At a w_rec of 0, there is no initial state."""
    series = make_data(3)
    options = FitOptions(w_rec=(w, w), direct=("law",), trend=True, initial_state=start)
    columns, y = design_of(FitProblem(series, options), [w])
    result = fit(series, options)
    expected = regress(columns, y)
    np.testing.assert_allclose(list_estimates(result), expected, rtol=1e-7)
    assert result.solution.degrees_of_freedom == len(y) - columns.shape[1]
    assert (result.parameters.initial_states is None) == (w == 0.0 or start == 0.0)
    assert result.solution.is_identifiable
    assert not result.solution.at_limit
    assert "interval_open" not in result.verdict.trust.cautions


def test_an_initial_state_does_not_hide_the_first_target_where_w_rec_is_small() -> None:
    """A dose in the first step acts on the first target, which a free state would explain."""
    rng = np.random.default_rng(1)
    x = np.zeros((60, 1))
    x[0] = 3.0
    y = 3.4 * x[:, 0] + 0.5 * x[:, 0] * rng.standard_normal() + 0.3 * rng.standard_normal(60)
    result = fit(Series.from_sequences([x], [y]), FitOptions())
    assert abs(result.solution.w_rec) < 0.05
    assert result.parameters.initial_states is None
    assert result.parameters.w_in[0, 0] == pytest.approx((y[0] - y[1:].mean()) / 3.0, rel=0.02)


@pytest.mark.parametrize("delay", [0, 2])
def test_predictions_go_on_with_the_trend_and_the_season(delay: int) -> None:
    """Without noise, forecasts and the fit of a longer record agree."""
    steps = np.arange(60)
    rng = np.random.default_rng(4)
    x = rng.standard_normal((60, 2))
    late = np.concatenate([np.zeros((delay, 2)), x])[:60]
    y = toeplitz(0.7**steps, np.zeros(60)) @ late[:, 0] + 2.0 * late[:, 1] + 3.0
    y += 0.1 * steps + np.cos(2.0 * np.pi * steps / 6.0)
    options = FitOptions(direct=("law",), trend=True, season=(6, 1), delay=(delay, 3))
    names = ("heat", "law")
    result = fit(Series.from_sequences([x[:40]], [y[:40]], names), options)
    (later,) = predict(result.solution, [x[40:]], sequence=0)
    np.testing.assert_allclose(later.outputs, y[40:], atol=1e-6)
    (again,) = predict(result.solution, [x], initial_state=0.0)
    np.testing.assert_allclose(again.outputs[delay:], y[delay:], atol=1e-6)
    assert np.isnan(again.outputs[:delay]).all()
