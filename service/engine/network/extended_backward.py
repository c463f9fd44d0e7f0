"""The network run forward and back where float64 has no numbers left."""

from typing import NamedTuple

import numpy as np

from service.engine.arithmetic import SMALL, ExtendedArray, SignedLog, running_products
from service.engine.network.extended_forward import extended_states
from service.engine.network.forward import Network
from service.engine.types import Array, Weights

CHUNK = 300_000  # states held at once; samples are taken in parts of about so many


class ExtendedPass(NamedTuple):
    """One pass forward and one back.

    outputs : (N,) -- the last states.
    cost : scalar.
    output_gradient : (N,) -- derivatives of the cost by the outputs.
    state_gradients : (T + 1,) -- derivatives by S_0 ... S_T, summed over the samples.
    weight_gradient : two scalars, the derivatives by w_in and w_rec.
    """

    outputs: ExtendedArray
    cost: ExtendedArray
    output_gradient: ExtendedArray
    state_gradients: ExtendedArray
    weight_gradient: tuple[ExtendedArray, ExtendedArray]


class ScaledPass(NamedTuple):
    """A ``ExtendedPass`` as signs and natural logarithms; the shapes are the same."""

    outputs: SignedLog
    cost: SignedLog
    output_gradient: SignedLog
    state_gradients: SignedLog
    weight_gradient: tuple[SignedLog, SignedLog]


def scaled_pass(inputs: Array, targets: Array, weights: Weights, network: Network) -> ScaledPass:
    """Run forward and back as ``extended_pass`` does; take the logarithms of what it finds."""
    found = extended_pass(inputs, targets, weights, network)
    of = SignedLog.from_wide
    by_w_in, by_w_rec = found.weight_gradient
    return ScaledPass(
        of(found.outputs),
        of(found.cost),
        of(found.output_gradient),
        of(found.state_gradients),
        (of(by_w_in), of(by_w_rec)),
    )


def scaled_cost(inputs: Array, targets: Array, weights: Weights, network: Network) -> SignedLog:
    """Return the cost alone: half the work of ``scaled_pass``."""
    parts = [
        _residuals(extended_states(inputs[part].T, weights, network)[0].at(-1), targets[part])
        for part in _parts(*inputs.shape)
    ]
    return SignedLog.from_wide(_mean_square(_joined(parts)))


def extended_pass(
    inputs: Array, targets: Array, weights: Weights, network: Network
) -> ExtendedPass:
    """Backpropagate through time with exponents of any size.

    A slope counts as 0 where even its logarithm is beyond float64.

    Parameters
    ----------
    inputs : (N, T)
    targets : (N,)
    weights
        Finite, as inputs and targets are.
    """
    outputs, residuals, traces, by_w_in, by_w_rec = [], [], [], [], []
    for part in _parts(*inputs.shape):
        x = np.ascontiguousarray(inputs[part].T)
        states, z = extended_states(x, weights, network)
        outputs.append(states.at(-1))
        residuals.append(_residuals(outputs[-1], targets[part]))
        # Residuals go back as they are and meet their factor 2 / N at the end: so sums that
        # vanish exactly, as sums of whole numbers do, come out as 0.
        slopes = _slopes(z, network)
        gradients = _backward(residuals[-1], slopes, weights.w_rec)
        at_z = gradients.at(slice(1, None)).scaled(slopes)
        traces.append(gradients.sum(axis=1))
        by_w_in.append(at_z.times(ExtendedArray.of(x)).sum())
        by_w_rec.append(at_z.times(states.at(slice(-1))).sum())
    residual = _joined(residuals)
    factor = ExtendedArray.of(2.0 / len(targets))
    return ExtendedPass(
        _joined(outputs),
        _mean_square(residual),
        residual.times(factor),
        _total(traces).times(factor),
        (_total(by_w_in).times(factor), _total(by_w_rec).times(factor)),
    )


def sensitivities(inputs: Array, weights: Weights, network: Network) -> ExtendedArray:
    """Return the derivatives of S_T by S_0 ... S_T, summed over the samples: (T + 1,)."""
    traces = []
    for part in _parts(*inputs.shape):
        x = np.ascontiguousarray(inputs[part].T)
        slopes = _slopes(extended_states(x, weights, network)[1], network)
        ones = ExtendedArray.of(np.ones(x.shape[1]))
        traces.append(_backward(ones, slopes, weights.w_rec).sum(axis=1))
    return _total(traces)


def _parts(n_samples: int, n_steps: int) -> list[slice]:
    size = max(1, CHUNK // (n_steps + 1))
    return [slice(start, start + size) for start in range(0, n_samples, size)]


def _joined(parts: list[ExtendedArray]) -> ExtendedArray:
    return ExtendedArray(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _total(parts: list[ExtendedArray]) -> ExtendedArray:
    return ExtendedArray(*(np.stack(columns) for columns in zip(*parts, strict=True))).sum(axis=0)


def _residuals(outputs: ExtendedArray, targets: Array) -> ExtendedArray:
    return outputs.plus(ExtendedArray.of(-targets))


def _mean_square(residuals: ExtendedArray) -> ExtendedArray:
    # Divided, not multiplied by 1 / N, which would round twice.
    total = residuals.times(residuals).sum()
    return ExtendedArray.of(total.mantissa / len(residuals.mantissa), total.exponent)


def _backward(last: ExtendedArray, slopes: ExtendedArray, w_rec: float) -> ExtendedArray:
    """Carry gradients (N,) by the last states back through slopes (T, N): (T + 1, N)."""
    w = ExtendedArray.of(w_rec)
    factors = ExtendedArray(slopes.mantissa[::-1] * w.mantissa, slopes.exponent[::-1] + w.exponent)
    return running_products(last, factors).at(slice(None, None, -1))


def _slopes(z: Array, network: Network) -> ExtendedArray:
    """Return f'(z); its logarithm steps in where it underflows."""
    plain = network.f.derivative(z)
    slopes = ExtendedArray.of(plain)
    small = np.nonzero(plain < SMALL)
    if small[0].size:
        exact = ExtendedArray.exp(network.f.log_derivative(z[small]))
        slopes.mantissa[small], slopes.exponent[small] = exact
    return slopes
