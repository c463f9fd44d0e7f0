"""Responses to lasting inputs, and contributions to the fitted values, against simulations."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.optimize import approx_fprime, curve_fit
from scipy.signal import lfilter
from scipy.stats import t as student

from service.engine.data import Series
from service.engine.fit import FitOptions, Result, decompose, fit, tabulate_responses
from service.engine.types import Array

OPTIONS: dict[str, dict[str, Any]] = {
    "own starts": {},
    "shared start": {"initial_state": "shared", "noise": "ar1"},
    "given start": {"initial_state": 3.0, "offset": False, "delay": (2, 2)},
    "delays": {"delay": (0, 3), "noise": "ar1"},
    "two states": {"time_constants": 2, "initial_state": "shared"},
    "one state each": {"time_constants": "per_input", "noise": "ar1"},
    "baseline": {"direct": ("b",), "trend": True, "season": (7, 2)},
    "curve": {"curves": ("b",), "offset": 4.0},
    "known gain": {"gains": {"a": 5.0}},
    "known gain of two states": {"gains": {"a": 5.0}, "time_constants": 2},
    "no decay": {"w_rec": (1.0, 1.0)},
    "no memory": {"w_rec": (0.0, 0.0)},
    "free variance": {"variance": "free"},
}


@pytest.fixture(scope="module")
def series() -> Series:
    """Return three sequences with gaps, two inputs, and a response with two time constants."""
    rng = np.random.default_rng(5)
    inputs, targets = [], []
    for length in (60, 45, 30):
        x = rng.standard_normal((length, 2))
        state = lfilter([1.0], [1.0, -0.9], x[:, 0]) + 2.0 * lfilter([1.0], [1.0, -0.4], x[:, 1])
        y = 5.0 + state + 4.0 * 0.9 ** np.arange(length) + 0.5 * rng.standard_normal(length)
        y[rng.random(length) < 0.2] = np.nan
        inputs.append(x)
        targets.append(y)
    return Series.from_sequences(inputs, targets, ("a", "b"), "y")


def filter_input(result: Result, i: int, x: Array) -> Array:
    """Return the effect of one input (T,), by the weights and poles of the fit."""
    parameters = result.parameters
    if result.problem.unknowns.is_direct[i]:
        return np.asarray(parameters.w_in[i, 0] * x)
    weights = parameters.weights[:, i, 0]
    poles = np.array(result.solution.poles)
    acts = result.problem.unknowns.acts[:, i]
    pairs = zip(weights[acts], poles[acts], strict=True)
    return np.asarray(sum(weight * lfilter([1.0], [1.0, -pole], x) for weight, pole in pairs))


@pytest.mark.parametrize("kind", OPTIONS)
def test_contributions_add_up_and_are_the_filtered_inputs(series: Series, kind: str) -> None:
    result = fit(series, FitOptions(**OPTIONS[kind]))
    parts, table = decompose(result.solution), result.table
    np.testing.assert_array_equal(parts.sequence, table["sequence"])
    np.testing.assert_array_equal(parts.step, table["step"])
    total = parts.start + parts.baseline + parts.inputs.sum(axis=0)
    np.testing.assert_allclose(total, table["prediction"], rtol=1e-9, atol=1e-9)
    if kind == "known gain of two states":  # whose weights have no intervals
        return
    problem = result.problem
    names = problem.series.input_names
    for i, name in enumerate(series.input_names):
        columns = [k for k, each in enumerate(names) if each in {name, f"{name}²"}]
        for k in range(3):
            x = problem.padded.inputs[k]
            expected = np.sum([filter_input(result, j, x[:, j]) for j in columns], axis=0)
            rows = parts.sequence == k
            steps = parts.step[rows] - 1 - problem.skip
            np.testing.assert_allclose(parts.inputs[i, rows], expected[steps], atol=1e-9)
    if problem.options.offset is True and kind not in {"baseline", "no decay"}:
        assert result.parameters.offset is not None
        np.testing.assert_allclose(parts.baseline, result.parameters.offset[0])
    starts = result.parameters.initial_states
    if starts is not None and kind != "no decay":
        states = starts[parts.sequence if len(starts) > 1 else 0, 0]
        decay = result.solution.w_rec ** (parts.step - problem.skip)
        np.testing.assert_allclose(parts.start, states * decay, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("kind", OPTIONS)
def test_responses_are_those_of_lasting_inputs(series: Series, kind: str) -> None:
    result = fit(series, FitOptions(**OPTIONS[kind]))
    table, gains = tabulate_responses(result.solution), result.parameters.steady_state_gains
    delay = result.problem.delay
    for i in range(len(result.problem.series.input_names)):
        rows = table.input == i
        steps, response = table.step[rows], table.response[rows]
        assert not response[: delay + 1].any()
        if kind != "known gain of two states":
            expected = filter_input(result, i, np.ones(steps[-1]))
            np.testing.assert_allclose(
                response[delay + 1 :], expected[steps[delay + 1 :] - delay - 1]
            )
        if np.isfinite(gains[i, 0]):
            assert response[-1] == pytest.approx(gains[i, 0], rel=0.02)
    assert (table.low <= table.response + 1e-9).all()
    assert (table.response <= table.high + 1e-9).all()


def simulate_states(n_states: int) -> Callable[..., Array]:
    """Return the model of states with an input, and starts, as a function for SciPy."""

    def simulate(x: Array, offset: float, *others: float) -> Array:
        powers = np.arange(1.0, len(x) + 1.0)
        poles, weights, starts = np.reshape(others, (3, n_states)).tolist()
        outputs = np.full(len(x), offset)
        for pole, weight, start in zip(poles, weights, starts, strict=True):
            outputs += weight * lfilter([1.0], [1.0, -pole], x) + start * pole**powers
        return outputs

    return simulate


@pytest.mark.parametrize(
    ("poles", "weights", "rtol"), [((0.8,), (1.0,), 0.02), ((0.93, 0.5), (0.3, 0.8), 0.03)]
)
def test_bands_of_many_targets_are_those_of_the_delta_method(
    poles: tuple[float, ...], weights: tuple[float, ...], rtol: float
) -> None:
    rng = np.random.default_rng(1)
    simulate, n = simulate_states(len(poles)), 1500
    x = rng.standard_normal(n)
    truth = [5.0, *poles, *weights, *[0.1] * len(poles)]
    y = simulate(x, *truth) + rng.standard_normal(n)
    found, covariance = curve_fit(simulate, x, y, p0=truth)
    steps = np.array([1, 2, 3, 5, 10, 20])

    def respond(parameters: Array) -> Array:
        of_input = parameters[1 : 1 + 2 * len(poles)]
        response = simulate(np.ones(steps[-1]), 0.0, *of_input, *[0.0] * len(poles))
        return np.asarray(response[steps - 1])

    slopes = approx_fprime(found, respond, 1e-7)
    errors = np.sqrt(np.einsum("ij,jk,ik->i", slopes, covariance, slopes))
    half_widths = errors * student.ppf(0.975, n - len(truth))
    options = FitOptions(time_constants=len(poles))
    table = tabulate_responses(fit(Series.from_sequences([x[:, None]], [y]), options).solution)
    response, low, high = (np.interp(steps, table.step, each) for each in table[2:])
    np.testing.assert_allclose(response, respond(found), rtol=1e-3)
    np.testing.assert_allclose((high - low) / 2.0, half_widths, rtol=rtol)


@pytest.mark.slow
@pytest.mark.parametrize("noise", ["white", "ar1"])
def test_bands_of_few_targets_have_their_coverage(noise: Any) -> None:
    rng = np.random.default_rng(2)
    steps = np.array([1, 3, 8, 20])
    truth = (1.0 - 0.8**steps) / 0.2
    covered = np.zeros(4)
    n_problems = 150
    for _ in range(n_problems):
        x, e = rng.standard_normal((2, 60))
        errors = lfilter([0.8], [1.0, -0.6], e) if noise == "ar1" else e
        y = 5.0 + lfilter([1.0], [1.0, -0.8], x) + errors
        solution = fit(Series.from_sequences([x[:, None]], [y]), FitOptions(noise=noise)).solution
        table = tabulate_responses(solution)
        low, high = (np.interp(steps, table.step, each) for each in (table.low, table.high))
        covered += (low <= truth) & (truth <= high)
    shares = covered / n_problems
    assert (shares > 0.95 - 3.0 * 0.018).all()
    assert shares.mean() < 0.99


@pytest.mark.parametrize("w_rec", [0.99, 0.9999, 0.999998, 0.99999899, 0.99999999, 1.0])
def test_contributions_add_up_close_to_a_w_rec_of_one(w_rec: float) -> None:
    draws = np.random.default_rng(61)
    x = draws.normal(size=(100, 1))
    steps = np.arange(100)
    y = 0.3 * np.cumsum(x) + np.sin(2.0 * np.pi * steps / 12.0) + 0.05 * steps
    series = Series.from_sequences([x], [y + 0.1 * draws.normal(size=100)], ("x",))
    result = fit(series, FitOptions(w_rec=(w_rec, w_rec), trend=True, season=(12, 3)))
    parts = decompose(result.solution)
    total = parts.start + parts.baseline + parts.inputs.sum(axis=0)
    np.testing.assert_allclose(total, result.table["prediction"], rtol=0.0, atol=1e-10)
