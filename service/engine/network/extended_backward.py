"""Backpropagation with exponents of any size."""

from collections.abc import Iterator
from functools import reduce
from operator import add
from typing import NamedTuple

import numpy as np

from service.engine.arithmetic import ExtendedArray, running_products
from service.engine.interruption import check_interruption
from service.engine.network.forward import Network
from service.engine.types import BLOCK, Array


class ExtendedGradients(NamedTuple):
    """The gradients of the backward passes of M networks."""

    weight_gradient: tuple[ExtendedArray, ExtendedArray]  # with respect to w_in and w_rec, (M,)
    # (T + 1, M), with respect to S_0 ... S_T, summed over the sequences
    state_gradients: ExtendedArray


def extended_gradients(
    inputs: Array, targets: Array | None, w_in: Array, w_rec: Array, network: Network
) -> ExtendedGradients:
    """Backpropagate through time with exponents of any size.

    A slope f'(z) counts as 0 if even its logarithm overflows.

    Parameters
    ----------
    inputs : (N, T)
        The sequences.
    targets : (N,)
        Or None for the derivatives of the sum of the outputs, instead of those of the cost.
    w_in, w_rec : (M,)
        Finite, as inputs and targets are.
    network
        Activation and initial state.

    Returns
    -------
    ExtendedGradients
        Sums that cancel exactly, as sums of whole numbers can, are exactly 0.

    References
    ----------
    P. J. Werbos, Backpropagation through time: what it does and how to do it, Proceedings of the
    IEEE 78(10), 1990, pages 1550-1560.
    """
    sums = []
    for rows, x, states, z in _run(inputs, w_in, w_rec, network):
        last = ExtendedArray.from_floats(np.ones(z.shape[1:]))
        if targets is not None:
            last = states[-1] - targets[rows]
        # The sums are multiplied by the factor 2 / N of the output gradient. Multiplying the
        # residuals would round each of them, so sums of 0 would not be exactly 0.
        slopes = network.f.slopes(z)
        gradients = running_products(last, slopes[::-1] * w_rec[:, None])[::-1]
        z_gradients = gradients[1:] * slopes
        by_w_in, by_w_rec = map(_sum_by_network, (z_gradients * x, z_gradients * states[:-1]))
        sums.append((by_w_in, by_w_rec, gradients.sum(axis=2)))
    factor = 1.0 if targets is None else 2.0 / len(targets)
    by_w_in, by_w_rec, state_gradients = (
        reduce(add, parts) * factor for parts in zip(*sums, strict=True)
    )
    return ExtendedGradients((by_w_in, by_w_rec), state_gradients)


def _sum_by_network(terms: ExtendedArray) -> ExtendedArray:
    """Return the sums (M,) of terms (T, M, N), in the same order for any number of networks."""
    n_steps, n_networks, n = terms.mantissa.shape
    numbers = (np.moveaxis(x, 1, 0) for x in (terms.mantissa, terms.exponent))
    return ExtendedArray(*(x.reshape(n_networks, n_steps * n) for x in numbers)).sum(axis=1)


def _run(
    inputs: Array, w_in: Array, w_rec: Array, network: Network
) -> Iterator[tuple[slice, Array, ExtendedArray, Array]]:
    """Yield for each chunk its rows, inputs (T, 1, n), states and pre-activations."""
    n_samples, n_steps = inputs.shape
    size = max(1, BLOCK // ((n_steps + 1) * max(len(w_in), 1)))
    for start in range(0, n_samples, size):
        check_interruption()
        rows = slice(start, start + size)
        x = np.ascontiguousarray(inputs[rows].T)
        yield rows, x[:, None], *_run_steps(x, w_in[:, None], w_rec[:, None], network)


@np.errstate(over="ignore", invalid="ignore", under="ignore")
def _run_steps(
    x: Array, w_in: Array, w_rec: Array, network: Network
) -> tuple[ExtendedArray, Array]:
    """Return the states (T + 1, M, N) and pre-activations (T, M, N) for inputs (T, N).

    The weights are (M, 1). The states of piecewise linear activations have exponents of any size.
    Pre-activations are float64: infinite where they overflow, and of the smallest magnitude where
    they underflow.
    """
    f = network.f
    start = np.full((len(w_in), x.shape[1]), network.initial_state)
    z = np.empty((len(x), *start.shape))
    if not f.is_piecewise_linear:
        states = np.concatenate([start[None], z])
        for k, inputs in enumerate(x):
            z[k] = w_rec * states[k] + w_in * inputs
            states[k + 1] = f.function(z[k])
        return ExtendedArray.from_floats(states), z
    state = ExtendedArray.from_floats(start)
    steps = [state]
    input_terms = ExtendedArray.from_floats(x[:, None]) * w_in
    factor = ExtendedArray.from_floats(w_rec)
    for k in range(len(x)):
        sums = state * factor + input_terms[k]
        z[k] = sums.value_keeping_sign()
        state = ExtendedArray.from_floats(f.function(sums.mantissa), sums.exponent)
        steps.append(state)
    mantissa = np.array([step.mantissa for step in steps])
    return ExtendedArray(mantissa, np.array([step.exponent for step in steps])), z
