"""Gradient traces."""

from typing import Any

import mpmath
import numpy as np
import pytest

from service.engine.data import count_ones, remember
from service.engine.network import Aggregation, Network, Regime, Trace, trace_gradient
from service.engine.types import Weights
from tests.engine.conftest import exact_pass, sign_and_log10


def assert_consistent(trace: Trace) -> None:
    """Compare the gradients of a trace with its signs and logarithms."""
    ordinary = np.isfinite(trace.gradient) & (np.abs(trace.gradient) > 1e-300)
    np.testing.assert_allclose(
        trace.log10_magnitude[ordinary],
        np.log10(np.abs(trace.gradient[ordinary])),
        rtol=1e-14,
        atol=1e-14,
    )
    nonzero = trace.gradient != 0.0
    np.testing.assert_array_equal(np.sign(trace.gradient[nonzero]), trace.sign[nonzero])
    np.testing.assert_array_equal(trace.sign == 0.0, trace.log10_magnitude == -np.inf)


@pytest.mark.parametrize("aggregation", Aggregation)
def test_traces_of_the_tutorial(tutorial: dict[str, Any], aggregation: Aggregation) -> None:
    inputs, targets = np.array(tutorial["X"], dtype=float), np.array(tutorial["t"], dtype=float)
    key = {"sum": "true", "tutorial": "seed"}[aggregation]
    for point in tutorial["points"]:
        trace = trace_gradient(
            inputs, targets, Weights(point["wx"], point["wRec"]), Network(), aggregation
        )
        expected = np.array(point[f"gradient_over_time_{key}"])
        np.testing.assert_allclose(trace.gradient, expected, rtol=3e-15, atol=0.0)
        # At these points all numbers are exact in float64.
        exact = np.array(point["exact"]["gradient_over_time_true"])
        if key == "true":
            np.testing.assert_allclose(trace.gradient, exact, rtol=4e-16, atol=0.0)
        np.testing.assert_array_equal(trace.sign, np.sign(exact))
        np.testing.assert_allclose(
            trace.weight_gradient, [point["grad_wx"], point["grad_wRec"]], rtol=1e-14, atol=1e-300
        )
        assert_consistent(trace)


@pytest.mark.parametrize("w_rec", [2, -2, 3])
def test_ten_thousand_steps_match_whole_numbers(w_rec: int) -> None:
    inputs, targets = count_ones(20, 10_000)
    trace = trace_gradient(inputs, targets, Weights(1.0, float(w_rec)), Network())
    total = 0
    for row, target in zip(inputs.astype(int).tolist(), targets.astype(int).tolist(), strict=True):
        output = 0
        for bit in row:
            output = w_rec * output + bit
        total += output - target
    with mpmath.workdps(50):
        last = mpmath.log10(mpmath.mpf(abs(total)) / 10)
        step = mpmath.log10(abs(w_rec))
        expected = np.array([float(last + k * step) for k in range(10_001)][::-1])
    np.testing.assert_allclose(trace.log10_magnitude, expected, rtol=0.0, atol=1e-11)
    signs = np.sign(total) * float(np.sign(w_rec)) ** np.arange(10_001)[::-1]
    np.testing.assert_array_equal(trace.sign, signs)
    np.testing.assert_array_equal(trace.gradient, signs * np.inf)
    np.testing.assert_array_equal(np.abs(trace.weight_gradient), np.inf)
    assert trace.growth_per_step == abs(w_rec)
    assert trace.regime is Regime.EXPLODING


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "relu"])
def test_ten_thousand_steps_match_fifty_digits(name: str) -> None:
    inputs, targets = count_ones(1, 10_000)
    # The initial state keeps the relu active until the first 1 in the input.
    trace = trace_gradient(inputs, targets, Weights(1.0, 2.0), Network(name, 0.5))
    exact = exact_pass(inputs, targets, (1.0, 2.0), name, 0.5)
    signs, logs = np.array([sign_and_log10(number) for number in exact.trace]).T
    np.testing.assert_array_equal(trace.sign, signs)
    np.testing.assert_allclose(trace.log10_magnitude, logs, rtol=0.0, atol=1e-10)
    growth = 10.0 ** ((logs[0] - logs[-1]) / 10_000)
    assert trace.growth_per_step == pytest.approx(growth, rel=1e-12)
    assert trace.regime is (Regime.EXPLODING if name == "relu" else Regime.VANISHING)
    assert_consistent(trace)


@pytest.mark.parametrize("aggregation", Aggregation)
@pytest.mark.parametrize("name", ["identity", "relu"])
def test_the_gradient_at_the_optimum_is_exactly_zero(name: str, aggregation: Aggregation) -> None:
    inputs, targets = count_ones(20, 700)
    trace = trace_gradient(inputs, targets, Weights(1.0, 1.0), Network(name), aggregation)
    np.testing.assert_array_equal(trace.gradient, 0.0)
    np.testing.assert_array_equal(trace.sign, 0.0)
    np.testing.assert_array_equal(trace.log10_magnitude, -np.inf)
    np.testing.assert_array_equal(trace.weight_gradient, 0.0)
    assert trace.regime is Regime.ZERO
    np.testing.assert_equal(trace.growth_per_step, 1.0 if name == "identity" else np.nan)


def test_a_zero_gradient_at_the_first_state_alone_vanishes() -> None:
    # Without recurrence the last input still teaches w_in, unless it is 0.
    for data, regime in ((count_ones(), Regime.VANISHING), (remember(), Regime.ZERO)):
        trace = trace_gradient(*data, Weights(1.0, 0.0), Network())
        np.testing.assert_array_equal(trace.gradient[:-1], 0.0)
        assert trace.regime is regime


def test_residuals_that_cancel_give_exactly_zero() -> None:
    # 1, 2 and -3: the sum of their thirds, each rounded, would not be 0.
    inputs, targets = np.array([[1.0], [2.0], [-3.0]]), np.zeros(3)
    for aggregation in Aggregation:
        for name in ("identity", "tanh"):
            trace = trace_gradient(inputs, targets, Weights(1.0, 0.7), Network(name), aggregation)
            if name == "identity":
                np.testing.assert_array_equal(trace.sign, 0.0)
                assert trace.growth_per_step == 0.7
            else:
                assert trace.sign[-1] == np.sign(np.tanh(1) + np.tanh(2) - np.tanh(3))


@pytest.mark.parametrize(
    ("w_rec", "n_steps", "regime"),
    [
        (1.0, 10, Regime.STEADY),
        (0.9997, 10, Regime.STEADY),
        (-1.009, 10, Regime.STEADY),
        (1.01, 10, Regime.EXPLODING),
        (-1.01, 9, Regime.STEADY),
        (0.99, 10, Regime.STEADY),
        (-0.989, 10, Regime.VANISHING),
        (0.9997, 1000, Regime.VANISHING),
        (1.0001, 1000, Regime.EXPLODING),
        (0.91, 1, Regime.STEADY),
        (-1.5, 10, Regime.EXPLODING),
        (0.0, 10, Regime.VANISHING),
        (5e-324, 10, Regime.VANISHING),
        (1e300, 1000, Regime.EXPLODING),
    ],
)
def test_regime_of_the_identity(w_rec: float, n_steps: int, regime: Regime) -> None:
    trace = trace_gradient(*count_ones(5, n_steps), Weights(2.0, w_rec), Network())
    assert trace.growth_per_step == abs(w_rec)
    assert trace.regime is regime


def test_the_regime_of_an_activation_is_that_of_the_whole_sequence() -> None:
    inputs, targets = count_ones(5, 40)
    regimes = set()
    for w_rec in np.linspace(0.9, 1.1, 21):
        trace = trace_gradient(inputs, targets, Weights(1.0, w_rec), Network("relu", 1.0))
        change = 10.0 ** (trace.log10_magnitude[0] - trace.log10_magnitude[-1])
        expected = "vanishing" if change < 0.9 else "steady" if change <= 1.1 else "exploding"
        assert trace.regime == expected
        regimes.add(trace.regime)
    assert regimes == set(Regime) - {Regime.ZERO}
