"""Gradient traces: how the gradient vanishes or explodes on its way back through time."""

from dataclasses import dataclass
from enum import StrEnum
from math import exp, inf, nan

import numpy as np

from service.engine.arithmetic import ExtendedArray, SignedLog
from service.engine.network.extended_backward import extended_pass, sensitivities
from service.engine.network.forward import Network
from service.engine.types import Array, Weights

STEADY = 1e-9  # a factor a step so near 1 counts as 1


class Aggregation(StrEnum):
    """How a trace puts the samples together.

    SUM adds each sample's own gradient. NOTE hands the sum of all output gradients to every
    sample and then adds, which for the identity gives N times the sum.
    """

    SUM = "sum"
    NOTE = "note"


class Regime(StrEnum):
    """What becomes of a gradient on its way back."""

    VANISHING = "vanishing"
    STEADY = "steady"
    EXPLODING = "exploding"


@dataclass(frozen=True)
class Trace:
    """The gradient of the cost by the states S_0 ... S_T, put together over the samples.

    gradient : (T + 1,) -- inf with its sign beyond float64, 0 where it underflows.
    log10_magnitude : (T + 1,) -- right where ``gradient`` is not; -inf for a true zero only.
    sign : (T + 1,) -- -1.0, 1.0, or 0.0 for a true zero.
    weight_gradient : (2,) -- derivatives by w_in and w_rec, whatever the aggregation.
    weight_gradient_scaled : the same two as signs and logarithms.
    growth_per_step : the mean factor from one state to the one before: |w_rec| for the
    identity, else the geometric mean; nan where the gradient is 0 from the start, at S_T.
    regime : None where ``growth_per_step`` is nan.
    """

    gradient: Array
    log10_magnitude: Array
    sign: Array
    weight_gradient: Array
    weight_gradient_scaled: tuple[SignedLog, SignedLog]
    growth_per_step: float
    regime: Regime | None


def trace_gradient(
    inputs: Array,
    targets: Array,
    weights: Weights,
    network: Network,
    aggregation: Aggregation | str = Aggregation.SUM,
) -> Trace:
    """Follow the gradient from the outputs back to the initial state.

    Every number is computed with an exponent of its own, so that no length is too long.

    Parameters
    ----------
    inputs : (N, T)
    targets : (N,)
    weights
        Finite.

    Raises
    ------
    ValueError
        For an aggregation of another name.
    """
    aggregation = Aggregation(aggregation)
    found = extended_pass(inputs, targets, weights, network)
    trace = found.state_gradients
    if aggregation is Aggregation.NOTE:
        trace = _handed_to_all(trace, inputs, weights, network)
    growth = _growth(trace, weights, network)
    by_w_in, by_w_rec = found.weight_gradient
    return Trace(
        gradient=trace.value(),
        log10_magnitude=trace.log10(),
        sign=trace.sign(),
        weight_gradient=np.array([by_w_in.value(), by_w_rec.value()]),
        weight_gradient_scaled=(SignedLog.from_wide(by_w_in), SignedLog.from_wide(by_w_rec)),
        growth_per_step=growth,
        regime=_regime(growth),
    )


def _handed_to_all(
    trace: ExtendedArray, inputs: Array, weights: Weights, network: Network
) -> ExtendedArray:
    if network.activation == "identity":  # all samples have the same slopes
        return trace.times(ExtendedArray.of(float(len(inputs))))
    return sensitivities(inputs, weights, network).times(trace.at(-1))


def _growth(trace: ExtendedArray, weights: Weights, network: Network) -> float:
    if network.activation == "identity":
        return abs(weights.w_rec)
    log, n_steps = trace.log(), len(trace.mantissa) - 1
    if n_steps == 0 or log[-1] == -inf:
        return nan
    mean = float(log[0] - log[-1]) / n_steps
    return exp(mean) if mean < 709.0 else inf


def _regime(growth: float) -> Regime | None:
    if growth != growth:  # noqa: PLR0124 -- nan
        return None
    if abs(growth - 1.0) <= STEADY:
        return Regime.STEADY
    return Regime.VANISHING if growth < 1.0 else Regime.EXPLODING
