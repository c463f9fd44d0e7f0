"""Gradient traces: the vanishing or exploding gradient of backpropagation through time."""

from dataclasses import dataclass
from enum import StrEnum
from math import inf, isnan, log, nan
from typing import Final

import numpy as np

from service.engine.arithmetic import ExtendedArray
from service.engine.network.extended_backward import extended_gradients
from service.engine.network.forward import Network
from service.engine.types import Array, Weights

# The factors over the whole sequence between which a gradient counts as steady.
STEADY: Final = (0.9, 1.1)


class Aggregation(StrEnum):
    """The combination of the sequences in a trace.

    `sum` adds the gradients of all sequences. `tutorial` reproduces the tutorial's figure: it sums
    the output gradients, backpropagates that sum through every sequence, and adds the results.
    For the identity the result is N times that of `sum`.
    """

    SUM = "sum"
    TUTORIAL = "tutorial"


class Regime(StrEnum):
    """The change of a gradient over the whole sequence, backward in time.

    It is `vanishing`, `steady` or `exploding` by the size of the mean factor per step to the power
    of the number of steps. It is `zero` if the gradients of both weights and of all states except
    the last are exactly 0, for example if no relu is active.
    """

    ZERO = "zero"
    VANISHING = "vanishing"
    STEADY = "steady"
    EXPLODING = "exploding"


@dataclass(frozen=True)
class Trace:
    """The gradient of the cost with respect to the states S_0 ... S_T, combined over the sequences.

    ``growth_per_step`` is the mean factor from the gradient of one state to that of the previous
    state: |w_rec| for the identity, otherwise the geometric mean; nan if the gradient of S_T is 0.
    ``regime`` is zero, or the classification by growth_per_step ** T; None if that is nan.
    """

    gradient: Array  # (T + 1,), inf with its sign where it overflows, 0 where it underflows
    log10_magnitude: Array  # (T + 1,), right outside float64; -inf only where it is exactly 0
    sign: Array  # (T + 1,): -1.0 or 1.0; 0.0 only where the gradient is exactly 0
    weight_gradient: Array  # (2,), by w_in and w_rec, for every aggregation
    growth_per_step: float
    regime: Regime | None


def trace_gradient(
    inputs: Array,
    targets: Array,
    weights: Weights,
    network: Network,
    aggregation: Aggregation | str = Aggregation.SUM,
) -> Trace:
    """Compute the gradient of the cost with respect to every state.

    Each number has a separate exponent, so sequences may have any length.

    Parameters
    ----------
    inputs : (N, T)
        The sequences.
    targets : (N,)
        The target of each sequence.
    weights
        Finite.
    network
        Activation and initial state.
    aggregation
        The combination of the sequences.

    Returns
    -------
    Trace
        Gradients (T + 1,) by S_0 ... S_T.

    Raises
    ------
    ValueError
        If the aggregation is unknown.

    References
    ----------
    R. Pascanu, T. Mikolov and Y. Bengio, On the difficulty of training recurrent neural networks,
    ICML 2013, section 2, on products of Jacobians that vanish or explode.
    P. Roelants, How to implement a recurrent neural network, part 1, peterroelants.github.io, for
    the figure that ``Aggregation.TUTORIAL`` reproduces.
    """
    aggregation = Aggregation(aggregation)
    w_in, w_rec = np.array(weights)[:, None]
    (by_w_in, by_w_rec), state_gradients = extended_gradients(inputs, targets, w_in, w_rec, network)
    if aggregation is Aggregation.TUTORIAL:
        of_outputs = extended_gradients(inputs, None, w_in, w_rec, network).state_gradients
        state_gradients = of_outputs * state_gradients[-1]
    state_gradients = state_gradients[:, 0]
    growth = _growth_per_step(state_gradients, weights, network)
    sign = state_gradients.sign()
    is_zero = not (sign[:-1].any() or by_w_in.sign() or by_w_rec.sign())
    return Trace(
        gradient=state_gradients.value(),
        log10_magnitude=state_gradients.log10(),
        sign=sign,
        weight_gradient=np.concatenate([by_w_in.value(), by_w_rec.value()]),
        growth_per_step=growth,
        regime=Regime.ZERO if is_zero else _classify(growth, inputs.shape[1]),
    )


def _growth_per_step(state_gradients: ExtendedArray, weights: Weights, network: Network) -> float:
    if network.is_linear:
        return abs(weights.w_rec)
    log = state_gradients.log()
    n_steps = len(state_gradients.mantissa) - 1
    if n_steps == 0 or log[-1] == -inf:
        return nan
    return float(ExtendedArray.exp((log[0] - log[-1]) / n_steps).value())


def _classify(growth: float, n_steps: int) -> Regime | None:
    """Return the regime; logarithms, because the power may overflow."""
    if isnan(growth):
        return None
    log_change = n_steps * log(growth) if growth > 0.0 else -inf
    low, high = map(log, STEADY)
    if log_change < low:
        return Regime.VANISHING
    return Regime.STEADY if log_change <= high else Regime.EXPLODING
