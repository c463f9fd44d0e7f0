"""An offset per sequence, compared with dense least squares that have a column per sequence."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.signal import lfilter
from scipy.stats import t as student

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
    tabulate_responses,
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


@pytest.mark.parametrize("rho", [pytest.param(0.0, marks=pytest.mark.slow), 0.6])
def test_an_offset_per_sequence_is_recommended_where_levels_differ(rho: float) -> None:
    for seed in range(3):
        series = draw_levels(seed, 8, 20, 2.0, rho)
        result = fit(series, FitOptions())
        assert result.verdict.trust.reasons[0] == "levels_advised"
        (other,) = result.verdict.alternatives
        assert other.options == {"offset": "each"}
        again = fit(series, FitOptions(offset="each"))
        assert "levels_advised" not in again.verdict.trust.reasons
        (interval,) = again.verdict.trust.cautious or []
        assert interval.low < 0.8 < interval.high


def test_sequences_that_differ_first_get_an_offset_each() -> None:
    result = fit(draw_levels(5, 10, 10, 1.0, 0.8), FitOptions())
    assert result.verdict.trust.reasons == ["levels_advised", "sequences_differ"]
    assert 0.001 < result.verdict.trust.findings[0].p < 0.2
    (other,) = result.verdict.alternatives
    assert other.options == {"offset": "each"}


@pytest.mark.parametrize("options", [{}, {"initial_state": 0.0}, {"offset": 0.0}], ids=str)
def test_an_offset_per_sequence_is_not_recommended_for_equal_levels(
    options: dict[str, Any],
) -> None:
    for seed in range(3):
        result = fit(draw_levels(seed, 6, 20, 0.0, 0.0), FitOptions(**options))
        assert "levels_advised" not in result.verdict.trust.reasons


def draw_states(seed: int, effect: float, spread: float) -> Series:
    """Return 48 sequences of 7 targets with levels of 16 times the noise, and gains that differ."""
    draws = np.random.default_rng([58, seed])
    sequences = []
    for _ in range(48):
        x = draws.normal(size=7)
        gain = effect + spread * draws.normal()
        response = lfilter([1.0], [1.0, -0.6], gain * x, zi=[draws.normal()])[0]
        sequences.append((x[:, None], response + 8.0 * draws.normal() + 0.5 * draws.normal(size=7)))
    inputs, targets = zip(*sequences, strict=True)
    return Series.from_sequences(inputs, targets, ("x",))


def test_the_effect_is_judged_with_levels_and_gains_of_sequences() -> None:
    """Levels hide it in the fit with one offset, and gains that differ in that with levels."""
    for seed in range(2):
        series = draw_states(seed, 0.2, 1.0)
        options = FitOptions(offset=True)
        advised = []
        result = fit(series, options)
        while result.verdict.alternatives:
            (other,) = result.verdict.alternatives
            advised.append(other.reason)
            assert result.verdict.fit.effect is not None
            assert result.verdict.fit.effect.visible
            options = replace(options, **other.options)
            result = fit(series, options)
        assert advised[:2] == ["levels_advised", "gains_differ"]
        assert not {"no_visible_effect", "levels_advised"} & {*result.verdict.trust.reasons}
        assert any(low < 0.6 < high for low, high in result.solution.intervals)


@pytest.mark.parametrize("options", [{}, {"direct": ("x",), "w_rec": (0.0, 0.0)}], ids=str)
def test_levels_are_offered_where_no_effect_is_detected(options: dict[str, Any]) -> None:
    for seed in (1, 2):
        result = fit(draw_states(seed, 0.0, 0.0), FitOptions(**options))
        assert result.verdict.trust.reasons[:2] == ["levels_advised", "no_visible_effect"]
        (other,) = result.verdict.alternatives
        assert other.options == {"offset": "each"}


def draw_walks(seed: int, n: int, n_steps: int, spread: float) -> Series:
    """Return sequences whose levels and gains differ, and whose inputs and noise are walks."""
    draws = np.random.default_rng([59, seed])
    sequences = []
    for _ in range(n):
        x = np.cumsum(draws.normal(size=n_steps))
        gain = 1.0 + spread * draws.normal()
        noise = np.cumsum(0.3 * draws.normal(size=n_steps))
        response = lfilter([1.0], [1.0, -0.6], gain * x)
        sequences.append((x[:, None], response + 8.0 * draws.normal() + noise))
    inputs, targets = zip(*sequences, strict=True)
    return Series.from_sequences(inputs, targets, ("x",))


@pytest.mark.parametrize(("n", "n_steps", "seed"), [(18, 19, 1), (18, 19, 2), (140, 7, 0)])
def test_noise_that_lasts_longer_than_a_sequence_does_not_hide_levels(
    n: int, n_steps: int, seed: int
) -> None:
    series = draw_walks(seed, n, n_steps, 0.6)
    options = FitOptions(offset=True)
    result = fit(series, options)
    assert result.verdict.trust.reasons[:2] == ["levels_advised", "sequences_differ"]
    for reason in ("levels_advised", "gains_differ"):
        (other,) = result.verdict.alternatives
        assert other.reason == reason
        options = replace(options, **other.options)
        result = fit(series, options)
    assert result.solution.w_rec == pytest.approx(0.6, abs=0.05)


def test_noise_that_alternates_hides_no_levels() -> None:
    """Between sequences of 24 and 25 targets, the median is no integer."""
    numbers = [np.arange(1.0, 25.0), np.arange(3.0, 28.0)]
    inputs = [np.remainder(n, 5.0)[:, None] for n in numbers]
    series = Series.from_sequences(inputs, [np.remainder(3.0 * n, 7.0) for n in numbers], ("x",))
    result = fit(series, FitOptions(delay=(2, 2)))
    assert result.verdict.fit.colored.rho < 0.0
    assert "levels_advised" not in result.verdict.trust.reasons


@pytest.mark.parametrize("n_steps", [3, 4, 6])
def test_levels_are_tested_from_three_targets_per_sequence_on(n_steps: int) -> None:
    options = FitOptions()
    result = fit(draw_levels(1, 100, n_steps, 5.0, 0.0), options)
    assert result.verdict.trust.reasons[0] == "levels_advised"
    equal = fit(draw_levels(1, 100, n_steps, 0.0, 0.0), options)
    assert "levels_advised" not in equal.verdict.trust.reasons


def test_two_targets_per_sequence_do_not_suffice_for_levels() -> None:
    result = fit(draw_levels(1, 100, 2, 5.0, 0.0), FitOptions())
    assert "levels_advised" not in result.verdict.trust.reasons


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
        is_alike = not result.verdict.trust.reasons and result.verdict.fit.level_p > 0.2
        assert ("levels_alike" in result.verdict.trust.cautions) == is_alike
        assert bool(result.verdict.alternatives) == is_alike
        n_alike += is_alike
    assert n_alike > 1
    (other,) = result.verdict.alternatives
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


def make_own_gains(series: Series, w: float, rho: float) -> Array:
    """Return the whitened columns of each sequence alone, start, offset and inputs; targets."""
    rows = make_dense(series, [w], rho, own_starts=True)
    n_inputs = series.inputs.shape[1]
    n_own = 2 * SEQUENCES
    owner = np.argmax(rows[:, 1:n_own:2] != 0.0, axis=1)  # whose offset has an effect
    inputs = rows[:, n_own : n_own + n_inputs]
    own = [inputs * (owner == i)[:, None] for i in range(SEQUENCES)]
    return np.column_stack([rows[:, :n_own], *own, rows[:, -1]])


@pytest.mark.parametrize("noise", ["white", "ar1"])
def test_gains_per_sequence_are_those_of_dense_columns(noise: Any) -> None:
    series = draw_panel(6, n_inputs=2, rho=0.5)
    options = FitOptions(offset="each", own_gains=True, noise=noise)
    result = fit(series, options)
    solution = result.solution
    w, rho = solution.w_rec, solution.rho
    rows = make_own_gains(series, w, rho)
    assert rows.shape[1] == 4 * SEQUENCES + 1
    squares, weights = solve_dense(rows)
    nu = len(rows) - 4 * SEQUENCES - 1 - (noise == "ar1")
    assert solution.degrees_of_freedom == nu
    assert solution.innovation_sd == pytest.approx(np.sqrt(squares / nu))
    own = result.parameters.own_gains
    assert own is not None
    w_in = weights[2 * SEQUENCES :].reshape(SEQUENCES, 2)
    np.testing.assert_allclose(own[..., 0], w_in.T / (1.0 - w), rtol=1e-8)
    assert (own[..., 1] < own[..., 0]).all()
    assert (own[..., 0] < own[..., 2]).all()
    means = result.parameters.steady_state_gains
    np.testing.assert_allclose(means[:, 0], own[..., 0].mean(axis=1))
    np.testing.assert_allclose(result.parameters.w_in[:, 0], w_in.mean(axis=0))
    # The interval of a mean is narrower than theirs.
    assert (means[:, 2] - means[:, 1] < (own[..., 2] - own[..., 1]).min(axis=1)).all()
    if noise == "white":
        places = np.linspace(w - 0.05, w + 0.05, 101)
        assert squares <= min(solve_dense(make_own_gains(series, at, 0.0))[0] for at in places)


def test_the_interval_of_a_mean_gain_is_that_of_one_w_rec() -> None:
    series = draw_panel(6)
    options = FitOptions(offset="each", own_gains=True, w_rec=(0.8, 0.8))
    result = fit(series, options)
    rows = make_own_gains(series, 0.8, 0.0)
    squares, weights = solve_dense(rows)
    nu = len(rows) - 3 * SEQUENCES
    covariance = np.linalg.inv(rows[:, :-1].T @ rows[:, :-1]) * squares / nu
    factors = np.zeros(len(weights))
    factors[2 * SEQUENCES :] = 1.0 / SEQUENCES / 0.2
    width = student.ppf(0.975, nu) * np.sqrt(factors @ covariance @ factors)
    (mean,) = result.parameters.steady_state_gains
    value = factors @ weights
    np.testing.assert_allclose(mean, [value, value - width, value + width])


@pytest.mark.parametrize(
    "options",
    [
        {"noise": "ar1"},
        {"variance": "free"},
        {"variance": "proportional"},
        {"trend": True, "season": (4, 2)},
        {"curves": ("x",)},
        {"direct": ("y",)},
        {"direct": ("x", "y"), "w_rec": (0.0, 0.0)},
        {"delay": (0, 2)},
        {"gains": {"x": 2.0}},
        {"initial_state": 0.0},
    ],
    ids=str,
)
def test_contributions_of_own_gains_add_up(options: dict[str, Any]) -> None:
    series = draw_panel(3, n_inputs=2, gaps="season" not in options)
    series = replace(series, targets=series.targets + 50.0)
    result = fit(series, FitOptions(offset="each", own_gains=True, **options))
    parts = decompose(result.solution)
    total = parts.start + parts.baseline + parts.inputs.sum(axis=0)
    np.testing.assert_allclose(total, result.table["prediction"], atol=1e-9)
    inputs = np.zeros((4000, 2))
    inputs[:, 1] = 1.0
    (ahead,) = predict(result.solution, [inputs], sequence=2)
    parameters = result.parameters
    assert parameters.offsets is not None
    assert parameters.own_gains is not None
    if not options.keys() & {"trend", "curves"}:
        settled = parameters.offsets[2, 0] + parameters.own_gains[1, 2, 0]
        assert ahead.outputs[-1] == pytest.approx(settled, abs=1e-6)
    assert np.isnan(parameters.own_gains[1, 4, 0]) == ("season" not in options)
    assert result.verdict.trust is not None
    groups = result.compare_groups(has_verdict=True)
    assert groups is not None
    assert set(groups.gains) == set(result.problem.series.input_names)
    assert len(tabulate_responses(result.solution).response) > 0


def draw_gains(seed: int, n: int, n_steps: int, size: float, rho: float = 0.0) -> Series:
    """Return sequences with levels, and with gains of 5 plus or minus up to a share."""
    draws = np.random.default_rng([55, seed])
    inputs = draws.normal(size=(n, n_steps, 1))
    targets = np.empty((n, n_steps))
    for i in range(n):
        state, noise = 1.67 * draws.normal(), 0.0
        level = 2.0 * draws.normal()
        gain = 1.0 + size * (2.0 * i / (n - 1.0) - 1.0)
        for k in range(n_steps):
            state = 0.8 * state + gain * inputs[i, k, 0]
            noise = rho * noise + np.sqrt(1.0 - rho**2) * draws.normal()
            targets[i, k] = state + level + 0.83 * noise
    return Series.from_sequences([*inputs], [*targets], ("x",))


@pytest.mark.parametrize("size", [0.0, 0.7])
def test_gains_per_sequence_are_recommended_where_gains_differ(size: float) -> None:
    for seed in range(3):
        series = draw_gains(seed, 8, 25, size)
        result = fit(series, FitOptions(offset="each"))
        assert ("gains_differ" in result.verdict.trust.reasons) == (size > 0.0)
    again = fit(series, FitOptions(offset="each", own_gains=True))
    assert "gains_differ" not in again.verdict.trust.reasons
    if size == 0.0:
        assert again.verdict.fit.gain_p > 0.001
        return
    (other,) = result.verdict.alternatives
    assert other.options == {"own_gains": True}
    groups = again.compare_groups(has_verdict=True)
    assert groups is not None
    gains = groups.gains["x"]
    assert gains.p < 1e-3
    assert gains.lowest < gains.median < gains.highest
    true = 5.0 * (1.0 + size * np.linspace(-1.0, 1.0, 8))
    assert gains.sd == pytest.approx(true.std(ddof=1), rel=0.2)
    assert gains.mean[1] < 5.0 < gains.mean[2]
    assert again.verdict.fit.effect is not None
    assert again.verdict.fit.effect.visible
    (effect,) = again.verdict.fit.input_effects
    assert effect is not None
    assert effect.visible


def test_sequences_whose_time_constants_differ_still_differ_with_own_gains() -> None:
    draws = np.random.default_rng(56)
    inputs = draws.normal(size=(4, 100, 1))
    targets = np.empty((4, 100))
    for i, w in enumerate([0.5, 0.6, 0.85, 0.9]):
        targets[i] = lfilter([1.0 - w], [1.0, -w], inputs[i, :, 0])
    targets += 0.1 * draws.normal(size=targets.shape)
    series = Series.from_sequences([*inputs], [*targets], ("x",))
    result = fit(series, FitOptions(offset="each", own_gains=True))
    assert "sequences_differ" in result.verdict.trust.reasons


def test_a_single_input_of_several_without_an_effect_is_not_detected() -> None:
    n_detected = np.zeros(2)
    for seed in range(6):
        series = draw_gains(seed, 6, 30, 0.4)
        draws = np.random.default_rng([57, seed])
        inputs = np.column_stack([series.inputs, draws.normal(size=len(series.inputs))])
        series = replace(series, inputs=inputs, input_names=("x", "z"))
        result = fit(series, FitOptions(offset="each", own_gains=True))
        n_detected += [
            effect is not None and effect.visible for effect in result.verdict.fit.input_effects
        ]
    assert n_detected[0] == 6
    assert n_detected[1] <= 2
