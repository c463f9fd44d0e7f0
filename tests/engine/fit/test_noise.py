"""Autoregressive noise, compared with explicit covariance matrices."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from service.engine.data import Series
from service.engine.fit import FitOptions, FitProblem, Solution, fit
from service.engine.types import Array
from tests.engine.fit.conftest import design, simulate, split


def make_noise(rng: np.random.Generator, n_steps: int, rho: float) -> Array:
    """Return stationary noise with a variance of 1."""
    innovations = np.sqrt(1.0 - rho**2) * rng.standard_normal((n_steps, 1))
    innovations[0] /= np.sqrt(1.0 - rho**2)
    return simulate(innovations, rho, [1.0])


def make_series(
    n_sequences: int = 1, n_steps: int = 40, *, has_gaps: bool = False, seed: int = 1
) -> Series:
    """Return sequences with a w_rec of 0.8 and noise with an autocorrelation of 0.6."""
    rng, inputs, targets = np.random.default_rng(seed), [], []
    for i in range(n_sequences):
        x = rng.standard_normal((n_steps + i, 1))
        y = simulate(x, 0.8, [1.0], 3.0, 2.0) + 0.5 * make_noise(rng, n_steps + i, 0.6)
        if has_gaps:
            y[rng.random(len(y)) < 0.4] = np.nan
        inputs.append(x)
        targets.append(y)
    return Series.from_sequences(inputs, targets)


def covariance(series: Series, rho: float) -> Array:
    """Return the covariance of all targets, for innovations with a variance of 1."""
    targets = split(series)[1]
    steps = np.concatenate([np.flatnonzero(~np.isnan(y)) for y in targets])
    owner = np.repeat(np.arange(len(targets)), [int(np.sum(~np.isnan(y))) for y in targets])
    distance = np.abs(steps[:, None] - steps)
    return np.where(owner[:, None] == owner, rho**distance, 0.0) / (1.0 - rho**2)


def criterion(series: Series, options: FitOptions, w: float, rho: float) -> tuple[float, float]:
    """Return -2 ln of the restricted likelihood, and the mean squared residual."""
    columns, y = design(series, options, 0, w)
    precision = np.linalg.inv(covariance(series, rho))
    normal = columns.T @ precision @ columns
    residuals = y - columns @ np.linalg.solve(normal, columns.T @ precision @ y)
    determinants = [covariance(series, rho), normal]
    logs = sum(float(np.linalg.slogdet(matrix)[1]) for matrix in determinants)
    logs -= float(np.linalg.slogdet(columns.T @ columns)[1])
    n_free = len(y) - columns.shape[1] - 1  # w_rec and rho count, and the criterion has nu + 1
    squares = float(residuals @ precision @ residuals)
    return n_free * np.log(squares) + logs, float(np.mean(residuals**2))


CASES = [
    (1, False, "each"),
    (1, True, "each"),
    (4, False, "each"),
    (4, True, "each"),
    (3, True, "shared"),
    (3, True, 3.0),
]


@pytest.mark.parametrize(("n_sequences", "has_gaps", "start"), CASES)
def test_the_criterion_is_that_of_explicit_matrices(
    n_sequences: int, has_gaps: bool, start: Any
) -> None:
    series = make_series(n_sequences, has_gaps=has_gaps)
    options = FitOptions(initial_state=start, noise="ar1")
    solution = Solution(FitProblem(series, options))
    points = solution.criterion.evaluate(np.array([0.3, 0.75, 0.8, 0.95]))
    rows = [criterion(series, options, w, rho) for w, rho in zip(points.w, points.rho, strict=True)]
    expected, squares = np.array(rows).T
    np.testing.assert_allclose(np.diff(points.cost), np.diff(expected), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(points.mean_square, squares, rtol=1e-9)
    for w, rho, own in zip(points.w, points.rho, expected, strict=True):
        best = minimize_scalar(
            lambda r, w=w: criterion(series, options, w, r)[0],
            bounds=(max(rho - 0.1, -0.6), min(rho + 0.1, 0.998)),
            method="bounded",
            options={"xatol": 1e-8},
        )
        assert own <= best.fun + 1e-5
    low, high = (
        solution.criterion.evaluate(points.w - 1e-5),
        solution.criterion.evaluate(points.w + 1e-5),
    )
    slopes = (high.cost - low.cost) / 2e-5
    np.testing.assert_allclose(points.slope, slopes, rtol=1e-2, atol=0.05)


@pytest.mark.parametrize("has_gaps", [False, True])
def test_the_interval_is_a_level_set_of_the_criterion(has_gaps: bool) -> None:
    from scipy.stats import t as student  # noqa: PLC0415

    series = make_series(has_gaps=has_gaps, n_steps=60)
    options = FitOptions(noise="ar1")
    result = fit(series, options)
    n_free = result.solution.degrees_of_freedom
    assert n_free == series.n_targets - 5  # w_rec, w_in, offset, initial state and rho
    quantile = float(student.ppf(0.975, n_free))
    height = (n_free + 1) * np.log1p(quantile**2 / n_free)
    lowest = criterion(series, options, result.solution.w_rec, float(result.solution.rho))[0]
    for w in result.solution.intervals[0]:
        rho = float(result.solution.criterion.evaluate(np.array([w])).rho[0])
        assert criterion(series, options, w, rho)[0] - lowest == pytest.approx(height, abs=1e-5)
    for minimum in result.solution.minima:
        assert minimum.criterion >= 0.0
    assert result.solution.minima[0].criterion == 0.0


def test_likelihoods_of_both_kinds_of_noise_compare() -> None:
    series, options = make_series(has_gaps=True), FitOptions(noise="ar1")
    result = fit(series, options)
    y = series.targets[~np.isnan(series.targets)]
    mean = result.table["prediction"][~np.isnan(result.table["target"])]
    n, v = len(y), covariance(series, float(result.solution.rho))
    squares = float((y - mean) @ np.linalg.solve(v, y - mean))
    assert result.solution.innovation_sd == pytest.approx(
        np.sqrt(squares / result.solution.degrees_of_freedom)
    )
    likelihood = n * np.log(2 * np.pi * squares / n) + n + np.linalg.slogdet(v)[1]
    assert result.solution.aic == pytest.approx(
        likelihood + 2 * 6
    )  # five unknowns and the variance
    assert result.solution.bic == pytest.approx(likelihood + np.log(n) * 6)
    assert result.solution.cost == pytest.approx(np.mean((y - mean) ** 2))
    longer = make_series(n_steps=200)
    white, colored = (fit(longer, replace(options, noise=kind)) for kind in ("white", "ar1"))
    assert white.solution.aic > colored.solution.aic + 20.0


@pytest.mark.parametrize("start", ["each", "shared"])
def test_many_equal_patterns_are_fitted_as_few(start: Any) -> None:
    """Sequences that are replaced by a factor give what every one of them gives."""
    rng = np.random.default_rng(7)
    inputs = [rng.standard_normal((5, 1)) for _ in range(60)]
    targets = [simulate(x, 0.7, [1.0], 2.0, 1.0) + make_noise(rng, 5, 0.5) for x in inputs]
    for y in targets[::2]:
        y[2] = np.nan
    series = Series.from_sequences(inputs, targets)
    options, w = FitOptions(initial_state=start, noise="ar1"), np.array([0.4, 0.7])
    solution = Solution(FitProblem(series, options))
    assert len(solution.problem.compressed.targets) < 60
    points, low, high = (solution.criterion.evaluate(w + step) for step in (0.0, -1e-5, 1e-5))
    rows = [criterion(series, options, *pair) for pair in zip(w, points.rho, strict=True)]
    expected, squares = np.array(rows).T
    np.testing.assert_allclose(np.diff(points.cost), np.diff(expected), rtol=1e-8)
    np.testing.assert_allclose(points.mean_square, squares, rtol=1e-9)
    np.testing.assert_allclose(points.slope, (high.cost - low.cost) / 2e-5, rtol=1e-3)


def test_targets_whose_starts_explain_every_pair_have_white_noise() -> None:
    """A sequence with a separate start and two targets, four steps apart, has no pair left."""
    series = make_series(8, 10, seed=4)
    step = np.concatenate([np.arange(length) for length in series.lengths])
    sparse = replace(series, targets=np.where(np.isin(step, [3, 7]), series.targets, np.nan))
    white, colored = (fit(sparse, FitOptions(noise=kind)) for kind in ("white", "ar1"))
    assert colored.solution.rho == 0.0
    assert colored.solution.w_rec == pytest.approx(white.solution.w_rec, rel=1e-12)
    assert (
        white.verdict.trust.cautious == colored.verdict.trust.cautious == colored.solution.intervals
    )
    assert "not_tested" in colored.verdict.trust.cautions


def test_noise_that_drifts_is_at_the_limit() -> None:
    rng = np.random.default_rng(2)
    x = rng.standard_normal((300, 1))
    y = simulate(x, 0.6, [3.0], 0.0, 1.0) + np.cumsum(np.cumsum(rng.standard_normal(300)))
    result = fit(Series.from_sequences((x,), (y,)), FitOptions(noise="ar1"))
    assert result.solution.rho == pytest.approx(0.998, abs=1e-9)
    assert "rho_at_limit" in result.verdict.trust.cautions


def test_data_without_noise_have_an_exact_fit_with_any_noise() -> None:
    x = np.random.default_rng(2).standard_normal((30, 1))
    series = Series.from_sequences((x,), (simulate(x, 0.6, [3.0], 1.0, 1.0),))
    result = fit(series, FitOptions(noise="ar1"))
    assert result.solution.w_rec == pytest.approx(0.6, abs=1e-9)
    assert result.verdict.trust.interval
    assert result.verdict.trust.cautions == ["too_few_to_tell"]


@pytest.mark.parametrize("noise", ["white", "ar1"])
def test_innovations_are_residuals_with_the_covariance_removed(noise: Any) -> None:
    series = make_series(2, has_gaps=True)
    result = fit(series, FitOptions(noise=noise))
    table = result.table
    known = ~np.isnan(table["residual"])
    factor = np.linalg.cholesky(covariance(series, result.solution.rho))
    expected = np.linalg.solve(factor, table["residual"][known])
    np.testing.assert_allclose(table["innovation"][known], expected, atol=1e-12)
    assert np.isnan(table["innovation"][~known]).all()
