"""Effects, checks, slopes and intervals, compared with explicit matrices and closed forms."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from service.engine.data import Series
from service.engine.fit import FitOptions, FitProblem, Solution, fit, predict
from service.engine.profile import make_grid
from service.engine.types import Array
from tests.engine.fit.conftest import design, simulate, split
from tests.engine.fit.test_noise import covariance, make_noise, make_series
from tests.engine.fit.test_verdict import AR1, WHITE, draw, season, two_time_constants


def lowest_criteria(series: Series, options: FitOptions, grid: Any, n: int, ys: Array) -> Array:
    """Return the lowest criteria (B,) of targets (M, B) on a grid of w_rec and rho."""
    lowest = np.full(ys.shape[1], np.inf)
    for w in grid[0]:
        columns, _ = design(series, options, 0, w)
        for rho in grid[1]:
            v = covariance(series, rho)
            p = np.linalg.inv(v)
            normal = columns.T @ p @ columns
            rest = ys - columns @ np.linalg.solve(normal, columns.T @ p @ ys)
            logs = [float(np.linalg.slogdet(x)[1]) for x in (v, normal, columns.T @ columns)]
            squares = np.einsum("ib,ij,jb->b", rest, p, rest)
            lowest = np.minimum(lowest, n * np.log(squares) + logs[0] + logs[1] - logs[2])
    return lowest


@pytest.mark.parametrize("start", ["each", "shared"])
def test_the_effect_is_that_of_explicit_matrices(start: Any) -> None:
    rng, inputs, targets = np.random.default_rng(3), [], []
    for _ in range(3):
        x = rng.standard_normal((14, 1))
        y = simulate(x, 0.6, [0.05], 2.0, 1.0) + 0.5 * make_noise(rng, 14, 0.5)
        y[[5, 9]] = np.nan
        inputs.append(x)
        targets.append(y)
    series = Series.from_sequences(inputs, targets)
    options = FitOptions(initial_state=start, w_rec=(0.05, 0.95))
    problem = FitProblem(series, options)
    grid = make_grid(14, 0.05, 0.95, 13), problem.correlations[1:-2]
    null = replace(series, inputs=series.inputs[:, :0], input_names=())
    at = Solution(FitProblem(null, replace(options, noise="ar1"))).criterion.evaluate(grid[0])
    w, rho = (float(each[np.argmin(at.cost)]) for each in (at.w, at.rho))
    columns, y = design(null, options, 0, w)
    half = np.linalg.cholesky(covariance(series, rho))
    white, y_white = np.linalg.solve(half, columns), np.linalg.solve(half, y)
    residuals = y_white - white @ np.linalg.lstsq(white, y_white, rcond=None)[0]
    n = problem.n_targets - problem.n_unknowns
    drawn = np.random.default_rng(1).standard_normal((len(y), 199))
    drawn *= np.linalg.norm(residuals) / np.sqrt(n)
    ys = np.column_stack([y, y[:, None] + half @ (drawn - residuals[:, None])])
    gains = lowest_criteria(null, options, grid, n, ys) - lowest_criteria(
        series, options, grid, n, ys
    )
    effect = fit(series, options).verdict.fit.effect
    assert effect is not None
    assert 0.02 < effect.p < 0.9
    assert effect.p == pytest.approx(np.mean(gains >= gains[0] - 1e-9), abs=1e-12)


def test_slopes_keep_their_digits_where_starts_explode() -> None:
    problem = FitProblem(make_series(3, 40), FitOptions(noise="ar1", w_rec=(0.0, 2.0)))
    solution, w = Solution(problem, ([0.8], [[]])), np.array([1.3, 1.5, 2.0])
    low, high = solution.criterion.evaluate(w - 1e-3), solution.criterion.evaluate(w + 1e-3)
    slopes = (high.cost - low.cost) / 2e-3
    np.testing.assert_allclose(solution.criterion.evaluate(w).slope, slopes, rtol=0.1)


def test_sequences_of_one_target_do_not_hide_the_pairs_of_others() -> None:
    series = make_series(3, 30)
    inputs, targets = split(series)
    rng = np.random.default_rng(9)
    more = [rng.standard_normal((3, 1)) for _ in range(90)]
    late = [np.array([np.nan, rng.standard_normal(), np.nan]) for _ in more]
    options = FitOptions(noise="ar1")
    result = fit(Series.from_sequences([*inputs, *more], [*targets, *late]), options)
    alone = fit(series, options)
    assert result.problem.n_pairs == alone.problem.n_pairs == 30 + 31 + 32 - 6
    assert result.solution.rho == pytest.approx(alone.solution.rho, rel=1e-6)


def test_new_steps_before_the_delay_has_passed_are_unknown() -> None:
    series = make_series(2, 30)
    result = fit(series, FitOptions(delay=(3, 3)))
    (prediction,) = predict(result.solution, [np.ones((2, 1))], initial_state=0.5)
    assert np.isnan(prediction.outputs).all()


def test_ar1_noise_is_advised_only_where_it_leaves_no_reason() -> None:
    result = fit(season(1, 12, in_input=False), WHITE)
    assert result.verdict.trust.reasons == ["season_advised", "neighbors"]
    assert [each.options for each in result.verdict.alternatives] == [{"season": (12, 3)}]


def test_neighbors_are_those_of_white_noise_and_effects_those_of_ar1_noise() -> None:
    series = draw(1, rho=0.7, n_inputs=2, n_steps=150)
    white, colored = fit(series, WHITE), fit(series, AR1)
    (finding,) = white.verdict.trust.findings
    assert finding.value == pytest.approx(white.verdict.fit.residuals.autocorrelation, abs=0.05)
    assert finding.p == pytest.approx(1.0 / 400.0 / 3.0)
    assert white.verdict.fit.input_effects == colored.verdict.fit.input_effects


def test_the_difference_between_noise_models_is_that_of_least_squares() -> None:
    series, h = two_time_constants(1), 1e-6
    result = fit(series, AR1)
    (finding,) = [
        each for each in result.verdict.trust.findings if each.slug == "noise_model_matters"
    ]
    (low, y), (columns, _), (high, _) = (
        design(series, AR1, 0, result.solution.w_rec + step) for step in (-h, 0.0, h)
    )
    half = np.linalg.cholesky(covariance(series, result.solution.rho))
    steps, rest = list[float](), y
    for whiten in (partial(np.linalg.solve, half), np.array):
        weights = np.linalg.lstsq(whiten(columns), whiten(y))[0]
        rest = rest if steps else y - columns @ weights
        tangent = np.column_stack([columns, (high - low) / (2.0 * h) @ weights])
        steps.append(float(np.linalg.lstsq(whiten(tangent), whiten(rest))[0][-1]))
    assert finding.value == pytest.approx(abs(steps[0] - steps[1]), rel=1e-4)


@pytest.mark.parametrize("initial_state", [1.0, "shared"])
def test_delays_are_compared_on_the_same_targets(initial_state: Any) -> None:
    """After the steps that are left out, an unknown state is one of its own for each sequence."""
    series = draw(1, dead=2)
    alternative = fit(series, replace(WHITE, initial_state=initial_state)).verdict.alternatives[0]
    assert alternative.options == {"delay": (2, 2)}
    state: Any = "each" if initial_state == "shared" else initial_state
    same = replace(AR1, initial_state=state, delay=(0, 10))
    without, best = (Solution(FitProblem(series, same, delay)).lowest for delay in (0, 2))
    assert alternative.finding.value == pytest.approx(without - best, rel=1e-9)
