"""An offset per sequence, compared with dense least squares that have a column per sequence."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from service.engine.data import Series
from service.engine.fit import (
    FitOptions,
    FitProblem,
    Result,
    Solution,
    decompose,
    fit,
    predict,
    scan,
)
from service.engine.types import Array

SEQUENCES, STEPS = 6, 25


def draw_panel(seed: int, *, rho: float = 0.0, n_inputs: int = 1, gaps: bool = False) -> Series:
    """Return sequences with levels that differ; one has a single target, and one has none."""
    draws = np.random.default_rng([51, seed])
    inputs = draws.normal(size=(SEQUENCES, STEPS, n_inputs))
    targets = np.empty((SEQUENCES, STEPS))
    for i in range(SEQUENCES):
        state, noise = draws.normal(size=2)
        level = 3.0 * draws.normal()
        for k in range(STEPS):
            state = 0.8 * state + inputs[i, k].sum()
            noise = rho * noise + 0.5 * draws.normal()
            targets[i, k] = state + level + noise
    if gaps:
        targets[draws.random(targets.shape) < 0.2] = np.nan
        targets[4, 0] = 1.0
        targets[4, 1:] = np.nan
        targets[5] = np.nan
    return Series.from_sequences([*inputs], [*targets], tuple("xyz"[:n_inputs]))


def make_dense(series: Series, poles: list[float], rho: float, *, own_starts: bool) -> Array:
    """Return the whitened columns and the targets: starts, offsets, then inputs."""
    blocks = []
    n_own = len(poles) * own_starts + 1
    for i in range(SEQUENCES):
        rows = series.rows(i)
        steps = np.arange(STEPS)
        responses = []
        for pole in poles:
            states = np.zeros((STEPS, series.inputs.shape[1]))
            for k in range(STEPS):
                states[k] = series.inputs[rows][k] + (pole * states[k - 1] if k else 0.0)
            responses.append(states)
        own = np.zeros((STEPS, SEQUENCES * n_own))
        columns = [pole**steps for pole in poles] if own_starts else []
        own[:, i * n_own : (i + 1) * n_own] = np.column_stack([*columns, np.ones(STEPS)])
        block = np.column_stack([own, *responses, series.targets[rows]])
        kept = np.flatnonzero(~np.isnan(block[:, -1]))
        block = block[kept]
        decay = rho ** np.diff(kept)[:, None]
        spread = np.sqrt((1.0 - decay**2) / (1.0 - rho**2))
        first = block[:1] * np.sqrt(1.0 - rho**2)
        blocks += [first, (block[1:] - decay * block[:-1]) / spread]
    return np.concatenate(blocks)


def solve_dense(rows: Array) -> tuple[float, Array]:
    """Return the sum of squared residuals, and the weights."""
    weights, *_ = np.linalg.lstsq(rows[:, :-1], rows[:, -1], rcond=None)
    residuals = rows[:, -1] - rows[:, :-1] @ weights
    return float(residuals @ residuals), weights


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("initial_state", ["each", 0.0])
def test_an_offset_per_sequence_is_that_of_dense_columns(initial_state: Any, gaps: bool) -> None:
    series = draw_panel(1, gaps=gaps)
    options = FitOptions(initial_state=initial_state, offset="each")
    result = fit(series, options)
    solution = result.solution
    own_starts = initial_state == "each"

    def find_squares(w: float) -> float:
        return solve_dense(make_dense(series, [w], 0.0, own_starts=own_starts))[0]

    best = minimize_scalar(find_squares, (0.6, 0.95), tol=1e-10).x
    assert solution.w_rec == pytest.approx(best, abs=1e-6)
    rows = make_dense(series, [solution.w_rec], 0.0, own_starts=own_starts)
    squares, weights = solve_dense(rows)
    assert solution.cost == pytest.approx(squares / len(rows))
    rank = np.linalg.matrix_rank(rows[:, :-1])
    assert solution.degrees_of_freedom == len(rows) - rank - 1
    offsets = result.parameters.offsets
    assert offsets is not None
    is_known = np.isfinite(offsets[:, 0])
    assert is_known.tolist() == [True] * 5 + [not gaps]
    n_own = 1 + own_starts
    unknown = 4 if gaps and own_starts else 5  # of one target, start and offset are not separate
    expected = weights[n_own - 1 : SEQUENCES * n_own : n_own]
    np.testing.assert_allclose(offsets[:unknown, 0], expected[:unknown], rtol=1e-9)
    for row in offsets[:unknown]:
        assert row[1] < row[0] < row[2]


def test_the_criterion_with_autocorrelated_noise_is_the_restricted_likelihood() -> None:
    series = draw_panel(2, rho=0.6, gaps=True)
    problem = FitProblem(series, FitOptions(offset="each", noise="ar1"))
    solution = Solution(problem)

    def find_criterion(w: float) -> float:
        rows = make_dense(series, [w], solution.rho, own_starts=True)
        plain = make_dense(series, [w], 0.0, own_starts=True)
        parts = []
        for each in (rows, plain):
            sizes = np.linalg.svd(each[:, :-1], compute_uv=False)
            parts.append(2.0 * np.log(sizes[sizes > 1e-10 * sizes[0]]).sum())
        nu = solution.criterion.n_contrasts
        return float(nu * np.log(solve_dense(rows)[0]) + parts[0] - parts[1])

    at = solution.criterion.evaluate(solution.w_rec + np.array([0.0, 0.02]))
    log_v = problem.sequences.log_determinant(at.rho)
    unit = 2.0 * solution.criterion.n_contrasts * np.log(problem.unit)
    criteria = at.cost - log_v + unit
    assert criteria[0] == pytest.approx(find_criterion(solution.w_rec), abs=1e-6)
    assert solution.rho == pytest.approx(0.6, abs=0.2)


@pytest.mark.parametrize(
    "options",
    [
        {"time_constants": 2},
        {"time_constants": "per_input"},
        {"noise": "ar1"},
        {"variance": "free"},
        {"trend": True, "season": (4, 2)},
        {"curves": ("x",)},
        {"direct": ("y",)},
        {"delay": (0, 2)},
        {"w_rec": (0.8, 0.8)},
        {"initial_state": 0.0},
    ],
    ids=str,
)
def test_contributions_add_up_and_predictions_continue(options: dict[str, Any]) -> None:
    series = draw_panel(3, n_inputs=2)
    result = fit(series, FitOptions(offset="each", **options))
    parts = decompose(result.solution)
    total = parts.start + parts.baseline + parts.inputs.sum(axis=0)
    np.testing.assert_allclose(total, result.table["prediction"], atol=1e-9)
    (ahead,) = predict(result.solution, [np.zeros((4000, 2))], sequence=2)
    parameters = result.parameters
    assert parameters.offsets is not None
    if not options.keys() & {"trend", "curves"} and max(result.solution.poles) < 0.99:
        assert ahead.outputs[-1] == pytest.approx(parameters.offsets[2, 0], abs=1e-6)
    with pytest.raises(ValueError, match="own offset"):
        predict(result.solution, [np.zeros((3, 2))], initial_state=0.0)


def test_the_grid_of_two_poles_is_that_of_the_criterion() -> None:
    series = draw_panel(4, n_inputs=2, gaps=True)
    problem = FitProblem(series, FitOptions(offset="each", time_constants="per_input"))
    grid = scan(problem)
    places = grid.grid[grid.indices]
    is_inside = ((places > 0.1) & (places < 0.99)).all(axis=1)
    inside = np.flatnonzero(is_inside & (places[:, 0] != places[:, 1]))[::17]
    exact = Solution(problem).criterion.evaluate(places[inside]).cost
    np.testing.assert_allclose(
        grid.cost[inside] - grid.cost[inside[0]], exact - exact[0], atol=1e-6
    )


def draw_levels(seed: int, n: int, n_steps: int, size: float, rho: float) -> Series:
    """Return sequences whose levels differ by ``size``; the noise has half the signal's size."""
    draws = np.random.default_rng([53, seed])
    inputs = draws.normal(size=(n, n_steps, 1))
    targets = np.empty((n, n_steps))
    for i in range(n):
        state, noise = 1.67 * draws.normal(), 0.0
        level = size * draws.normal()
        for k in range(n_steps):
            state = 0.8 * state + inputs[i, k, 0]
            noise = rho * noise + np.sqrt(1.0 - rho**2) * draws.normal()
            targets[i, k] = state + level + 0.83 * noise
    return Series.from_sequences([*inputs], [*targets], ("x",))


@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_an_offset_per_sequence_is_recommended_where_levels_differ(rho: float) -> None:
    for seed in range(3):
        series = draw_levels(seed, 8, 20, 2.0, rho)
        result = fit(series, FitOptions())
        assert result.trust.reasons[0] == "levels_advised"
        (other,) = result.alternatives
        assert other.options == {"offset": "each"}
        again = fit(series, FitOptions(offset="each"))
        assert "levels_advised" not in again.trust.reasons
        (interval,) = again.trust.cautious or []
        assert interval.low < 0.8 < interval.high


def test_sequences_that_differ_first_get_an_offset_each() -> None:
    result = fit(draw_levels(5, 10, 10, 1.0, 0.8), FitOptions())
    assert result.trust.reasons == ["levels_advised", "sequences_differ"]
    assert 0.001 < result.trust.findings[0].p < 0.2
    (other,) = result.alternatives
    assert other.options == {"offset": "each"}


@pytest.mark.parametrize("options", [{}, {"initial_state": 0.0}, {"offset": 0.0}], ids=str)
def test_an_offset_per_sequence_is_not_recommended_for_equal_levels(
    options: dict[str, Any],
) -> None:
    for seed in range(3):
        result = fit(draw_levels(seed, 6, 20, 0.0, 0.0), FitOptions(**options))
        assert "levels_advised" not in result.trust.reasons


def test_two_targets_per_sequence_do_not_suffice_for_levels() -> None:
    result = fit(draw_levels(1, 40, 3, 5.0, 0.0), FitOptions())
    assert "levels_advised" not in result.trust.reasons


def test_many_sequences_take_no_more_than_their_rows() -> None:
    draws = np.random.default_rng(52)
    inputs = draws.normal(size=(2000, 6, 1))
    targets = np.cumsum(inputs[..., 0], axis=1) * 0.5 + draws.normal(size=(2000, 1))
    targets += 0.1 * draws.normal(size=targets.shape)
    series = Series.from_sequences([*inputs], [*targets], ("x",))
    problem = FitProblem(series, FitOptions(offset="each"))
    assert len(problem.compressed.targets) <= 6 + 6 + 1
    solution: Solution = Solution(problem)
    assert solution.degrees_of_freedom == 2000 * 6 - 2 * 2000 - 2
    result: Result = fit(series, FitOptions(offset="each"))
    assert result.parameters.offsets is not None
    assert len(result.parameters.offsets) == 2000


def test_equal_levels_lead_to_a_shared_offset() -> None:
    n_alike = 0
    for seed in range(4):
        result = fit(draw_levels(seed, 6, 20, 0.0, 0.0), FitOptions(offset="each"))
        is_alike = not result.trust.reasons and result.level_p > 0.2
        assert ("levels_alike" in result.trust.cautions) == is_alike
        assert bool(result.alternatives) == is_alike
        n_alike += is_alike
    assert n_alike > 1
    (other,) = result.alternatives
    assert other.options == {"offset": True}
    shared = fit(draw_levels(3, 6, 20, 0.0, 0.0), FitOptions())
    assert other.solution.w_rec == pytest.approx(shared.solution.w_rec)


@pytest.mark.parametrize("size", [0.0, 2.0])
def test_the_spread_of_levels_is_without_that_of_their_errors(size: float) -> None:
    variances = []
    for seed in range(20):
        draws = np.random.default_rng([54, seed])
        series = draw_levels(seed, 30, 8, 0.0, 0.0)
        levels = np.repeat(size * draws.normal(size=30), 8)
        series = replace(series, targets=series.targets + levels)
        groups = fit(series, FitOptions(offset="each")).compare_groups(has_verdict=False)
        assert groups is not None
        assert np.isnan(groups.level_p)
        variances.append(groups.level_sd**2)
    # The errors alone have a standard deviation of about 0.9.
    assert np.mean(variances) == pytest.approx(size**2, abs=0.25 if size == 0.0 else 0.6)
