"""Predictions from a fit, compared with the recurrence step by step."""

from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import t as student

from service.engine.data import Series
from service.engine.fit import FitOptions, FitProblem, Result, Solution, fit, predict
from service.engine.types import Array
from tests.engine.fit.conftest import cost_at, simulate, split
from tests.engine.fit.test_noise import make_noise


def make_series(noise: float = 0.3, delay: int = 0) -> Series:
    """Return two sequences; with a delay, their first targets are missing."""
    rng = np.random.default_rng(1)
    inputs = tuple(rng.standard_normal((n, 2)) for n in (30, 18))
    targets = []
    for x in inputs:
        y = simulate(x, 0.8, [1.0, -0.5], 2.0, 7.0) + noise * rng.standard_normal(len(x))
        targets.append(np.concatenate([np.full(delay, np.nan), y[: len(y) - delay]]))
    return Series.from_sequences(inputs, tuple(targets), ("a", "b"))


def run_model(result: Result, inputs: Array, state: float) -> Array:
    """Return the fitted recurrence from a state, step by step."""
    offset = 0.0 if result.parameters.offset is None else result.parameters.offset[0]
    w_in = result.parameters.w_in[:, 0].tolist()
    return simulate(inputs, result.solution.w_rec, w_in, state, offset)


def start_of(result: Result, sequence: int = 0) -> float:
    """Return the initial state of a sequence of the fit: each, the shared one, or the known 2."""
    states = result.parameters.initial_states
    if states is None:
        return 2.0
    return float(states[min(sequence, len(states) - 1), 0])


@pytest.mark.parametrize("offset", [True, False])
@pytest.mark.parametrize("initial_state", ["each", "shared", 2.0])
@pytest.mark.parametrize("sequence", [0, 1])
def test_a_continued_sequence_follows_the_recurrence(
    initial_state: Any, sequence: int, offset: bool
) -> None:
    series, options = make_series(), FitOptions(initial_state=initial_state, offset=offset)
    result = fit(series, options)
    future = np.random.default_rng(2).standard_normal((6, 2))
    (prediction,) = predict(result.solution, [future], sequence=sequence)
    whole = np.concatenate([series.inputs[series.rows(sequence)], future])
    expected = run_model(result, whole, start_of(result, sequence))[-6:]
    np.testing.assert_allclose(prediction.outputs, expected, rtol=1e-8)
    stored = Solution(
        FitProblem(series, options), ([result.solution.w_rec], [result.solution.intervals])
    )
    np.testing.assert_array_equal(predict(stored, [future], sequence=sequence)[0], prediction)
    assert (prediction.new_low < prediction.low).all()
    assert (prediction.low < prediction.outputs).all()
    assert (prediction.outputs < prediction.high).all()
    assert (prediction.high < prediction.new_high).all()
    (elsewhere,) = predict(result.solution, [future], initial_state=-3.0)
    np.testing.assert_allclose(elsewhere.outputs, run_model(result, future, -3.0), rtol=1e-8)


@pytest.mark.parametrize("delay", [0, 3])
def test_a_new_sequence_starts_from_the_state_of_the_fit(delay: int) -> None:
    series = make_series(delay=delay)
    result = fit(series, FitOptions(initial_state="shared", delay=(delay, delay)))
    inputs = np.random.default_rng(3).standard_normal((9, 2))
    (prediction,) = predict(result.solution, [inputs])
    assert np.isnan(prediction.outputs[:delay]).all()
    expected = run_model(result, inputs[: 9 - delay], start_of(result))
    np.testing.assert_allclose(prediction.outputs[delay:], expected, rtol=1e-8)


@pytest.mark.parametrize("initial_state", [None, -3.0])
@pytest.mark.parametrize("delay", [0, 3])
def test_inputs_before_a_known_start_are_0(initial_state: float | None, delay: int) -> None:
    result = fit(make_series(delay=delay), FitOptions(initial_state=2.0, delay=(delay, delay)))
    inputs = np.random.default_rng(3).standard_normal((9, 2))
    (prediction,) = predict(result.solution, [inputs], initial_state=initial_state)
    acting = np.concatenate([np.zeros((delay, 2)), inputs])[:9]
    state = 2.0 if initial_state is None else initial_state
    np.testing.assert_allclose(prediction.outputs, run_model(result, acting, state), rtol=1e-8)


@pytest.mark.parametrize("delay", [0, 3])
def test_a_sequence_with_a_known_start_is_continued(delay: int) -> None:
    series = make_series(delay=delay)
    result = fit(series, FitOptions(initial_state=2.0, delay=(delay, delay)))
    future = np.random.default_rng(2).standard_normal((6, 2))
    (prediction,) = predict(result.solution, [future], sequence=1)
    own = series.inputs[series.rows(1)]
    acting = np.concatenate([np.zeros((delay, 2)), own, future])[: len(own) + 6]
    expected = run_model(result, acting, 2.0)[-6:]
    np.testing.assert_allclose(prediction.outputs, expected, rtol=1e-8)


def test_a_continued_sequence_uses_the_last_inputs_after_a_delay() -> None:
    series, options = make_series(delay=2), FitOptions(delay=(1, 4))
    result = fit(series, options)
    delay = result.problem.delay
    assert delay == 2
    future = np.random.default_rng(2).standard_normal((6, 2))
    (prediction,) = predict(result.solution, [future], sequence=1)
    own = series.inputs[series.rows(1)]
    whole = np.concatenate([own, future])[4 - delay : len(own) + 6 - delay]
    expected = run_model(result, whole, start_of(result, 1))[-6:]
    np.testing.assert_allclose(prediction.outputs, expected, rtol=1e-7)


def test_a_shared_state_belongs_to_the_first_step() -> None:
    series = make_series(noise=0.0)
    inputs, targets = split(series)
    targets = [np.where(np.arange(len(y)) < 5, np.nan, y) for y in targets]
    late = Series.from_sequences(inputs, targets, ("a", "b"))
    result = fit(late, FitOptions(initial_state="shared"))
    assert result.parameters.initial_states is not None
    assert start_of(result) == pytest.approx(2.0)
    (prediction,) = predict(result.solution, [series.inputs[:8]])
    np.testing.assert_allclose(prediction.outputs, series.targets[:8], rtol=1e-7)


def test_predictions_extend_the_table_of_the_fit() -> None:
    """Missing targets at the end are predicted alike by the table and by continuing."""
    series, options = make_series(), FitOptions()
    inputs, targets = split(series)
    blank = Series.from_sequences(
        inputs, (np.where(np.arange(30) < 24, targets[0], np.nan), targets[1]), ("a", "b")
    )
    cut = Series.from_sequences(
        (inputs[0][:24], inputs[1]), (targets[0][:24], targets[1]), ("a", "b")
    )
    result, other = fit(blank, options), fit(cut, options)
    (prediction,) = predict(other.solution, [inputs[0][24:]], sequence=0)
    last = (result.table["sequence"] == 0.0) & (result.table["step"] > 24.0)
    np.testing.assert_allclose(result.table["prediction"][last], prediction.outputs, rtol=1e-6)
    np.testing.assert_allclose(result.table["low"][last], prediction.low, rtol=1e-4)
    np.testing.assert_allclose(result.table["high"][last], prediction.high, rtol=1e-4)


def test_an_unknown_state_is_refused() -> None:
    series, options = make_series(), FitOptions()
    result = fit(series, options)
    future = np.zeros((3, 2))
    with pytest.raises(ValueError, match="its own initial state"):
        predict(result.solution, [future])
    inputs, targets = split(series)
    blank = Series.from_sequences(
        (*inputs, np.zeros((4, 2))), (*targets, np.full(4, np.nan)), ("a", "b")
    )
    with pytest.raises(ValueError, match="unknown"):
        predict(fit(blank, options).solution, [future], sequence=2)


@pytest.mark.slow
def test_bands_of_new_observations_cover_them() -> None:
    rng = np.random.default_rng(12)
    hits = 0
    for _ in range(400):
        x = rng.standard_normal((45, 1))
        y = simulate(x, 0.7, [1.0], 1.0, 3.0) + 0.5 * rng.standard_normal(45)
        series, options = Series.from_sequences((x[:40],), (y[:40],)), FitOptions()
        (band,) = predict(fit(series, options).solution, [x[40:]], sequence=0)
        hits += int(np.sum((band.new_low <= y[40:]) & (y[40:] <= band.new_high)))
    assert 0.92 <= hits / 2000 <= 0.98


@pytest.mark.parametrize("initial_state", ["each", "shared", 2.0])
@pytest.mark.parametrize("n_missing", [0, 2])
def test_a_continuation_with_ar1_noise_starts_from_the_last_residual(
    initial_state: Any, n_missing: int
) -> None:
    series, options = make_series(), FitOptions(initial_state=initial_state, noise="ar1")
    targets = split(series)[1]
    targets[1][len(targets[1]) - n_missing :] = np.nan
    series = Series.from_sequences(split(series)[0], targets, ("a", "b"))
    result = fit(series, options)
    assert result.solution.rho is not None
    future = np.random.default_rng(2).standard_normal((6, 2))
    (prediction,) = predict(result.solution, [future], sequence=1)
    whole = np.concatenate([split(series)[0][1], future])
    mean = run_model(result, whole, start_of(result, 1))
    last = len(whole) - 7 - n_missing
    residual = targets[1][last] - mean[last]
    ahead = n_missing + np.arange(1.0, 7.0)
    expected = mean[-6:] + residual * result.solution.rho**ahead
    np.testing.assert_allclose(prediction.outputs, expected, rtol=1e-7)
    # The noise of a new observation grows from that of one innovation to that of all noise.
    variance = (1.0 - result.solution.rho ** (2 * ahead)) / (1.0 - result.solution.rho**2)
    quantile = float(student.ppf(0.975, result.solution.degrees_of_freedom))
    noise = quantile * result.solution.innovation_sd * np.sqrt(variance)
    np.testing.assert_allclose(
        prediction.new_high - prediction.outputs,
        np.hypot(noise, prediction.high - prediction.outputs),
        rtol=1e-6,
    )


@pytest.mark.slow
@pytest.mark.parametrize("ahead", [1, 5])
def test_bands_of_new_observations_with_ar1_noise_cover_them(ahead: int) -> None:
    rng = np.random.default_rng(13)
    hits, n = 0, 300
    for _ in range(n):
        x = rng.standard_normal((80, 1))
        y = simulate(x, 0.7, [1.0], 1.0, 3.0) + make_noise(rng, 80, 0.8)
        options = FitOptions(noise="ar1")
        series = Series.from_sequences((x[:75],), (y[:75],))
        (band,) = predict(fit(series, options).solution, [x[75:]], sequence=0)
        hits += bool(band.new_low[ahead - 1] <= y[74 + ahead] <= band.new_high[ahead - 1])
    assert 0.91 <= hits / n <= 0.98


def test_known_parameters_are_not_fitted() -> None:
    """The fit is that of the targets less what is known."""
    series = make_series()
    known = FitOptions(offset=7.0, gains={"b": -2.5}, w_rec=(0.05, 0.95))
    result = fit(series, known)
    inputs, targets = split(series)

    def cost(w: float) -> float:
        rest = [
            y - 7.0 + 2.5 * (1.0 - w) * simulate(x[:, 1:], w, [1.0])
            for x, y in zip(inputs, targets, strict=True)
        ]
        other = Series.from_sequences([x[:, :1] for x in inputs], rest, ("a",))
        return cost_at(other, FitOptions(offset=False), w)

    best = minimize_scalar(cost, bounds=(0.5, 0.95), method="bounded", options={"xatol": 1e-9})
    assert result.solution.w_rec == pytest.approx(best.x, abs=1e-6)
    assert result.solution.cost == pytest.approx(best.fun, rel=1e-9)
    assert result.solution.degrees_of_freedom == series.n_targets - 4  # w_rec, w_in, two states
    np.testing.assert_allclose(result.parameters.steady_state_gains[1, 0], -2.5)
    np.testing.assert_allclose(result.parameters.w_in[1, 0], -2.5 * (1.0 - result.solution.w_rec))
    assert result.parameters.offset is not None
    assert result.parameters.offset[0] == 7.0
    (low, high), effects = result.solution.intervals[0], result.verdict.fit.input_effects
    np.testing.assert_allclose(result.parameters.w_in[1, 1:], [-2.5 * (1 - low), -2.5 * (1 - high)])
    assert effects[0] is not None
    assert effects[1] is None
    future = np.random.default_rng(2).standard_normal((6, 2))
    (prediction,) = predict(result.solution, [future], initial_state=3.0)
    expected = run_model(result, future, 3.0)
    np.testing.assert_allclose(prediction.outputs, expected, rtol=1e-8)
    assert fit(series, FitOptions(gains={"a": 5.0, "b": -2.5})).verdict.fit.effect is not None
