"""Arithmetic with exponents of any size, and the network run in it.

Mantissas are multiplied and added as float64 does it, exponents apart; so results are those
of float64, to the last bit, wherever float64 has no overflow or underflow.
"""

from typing import Any, NamedTuple

import numpy as np

from service.engine.network import Network
from service.engine.types import Array, Weights

LN2 = float(np.log(2.0))
LOG10_2 = float(np.log10(2.0))
FAR = 2200  # more than the binary orders of magnitude of float64, subnormal ones included
BLOCK = 512  # mantissas above 1/2 multiplied with each other before they could underflow


class Wide(NamedTuple):
    """The numbers mantissa * 2**exponent, elementwise.

    Both float64. A mantissa's magnitude is in [1/2, 1) and its exponent whole (beyond 2**53
    only about); a zero has mantissa 0 and exponent -inf.
    """

    mantissa: Any
    exponent: Any

    @classmethod
    def of(cls, values: Any, exponent: Any = 0.0) -> "Wide":
        """Normalise values * 2**exponent; the values must be finite."""
        mantissa, shift = np.frexp(values)
        return cls(mantissa, np.where(mantissa == 0.0, -np.inf, exponent + shift))

    @classmethod
    def exp(cls, log: Any) -> "Wide":
        """Return e**log for logarithms of any size; -inf gives 0."""
        exponent = np.maximum(np.floor(log / LN2), -1.7e308)
        with np.errstate(invalid="ignore"):
            rest = np.clip(log - exponent * LN2, -1.0, 1.0)
        near = cls.of(np.exp(np.maximum(log, -700.0)))
        far = cls.of(np.where(log == -np.inf, 0.0, np.exp(rest)), exponent)
        plain = log > -700.0
        return cls(
            np.where(plain, near.mantissa, far.mantissa),
            np.where(plain, near.exponent, far.exponent),
        )

    def times(self, other: "Wide") -> "Wide":
        """Multiply elementwise, broadcasting."""
        return Wide.of(self.mantissa * other.mantissa, self.exponent + other.exponent)

    def plus(self, other: "Wide") -> "Wide":
        """Add elementwise, broadcasting."""
        scale = np.maximum(np.maximum(self.exponent, other.exponent), -1.7e308)
        return Wide.of(_shifted(self, scale) + _shifted(other, scale), scale)

    def sum(self, axis: int | None = None) -> "Wide":
        """Add along an axis, or all."""
        scale = np.maximum(np.max(self.exponent, axis=axis, keepdims=True), -1.7e308)
        total = np.sum(_shifted(self, scale), axis=axis)
        return Wide.of(total, np.squeeze(scale, axis))

    def value(self) -> Any:
        """Return float64: inf or 0 beyond its range, with the right sign."""
        with np.errstate(over="ignore", under="ignore"):
            return np.ldexp(self.mantissa, np.clip(self.exponent, -FAR, FAR).astype(int))

    def log(self) -> Any:
        """Return the natural logarithms of the magnitudes."""
        with np.errstate(divide="ignore"):
            return np.log(np.abs(self.mantissa)) + self.exponent * LN2

    def log10(self) -> Any:
        """Return the decimal logarithms of the magnitudes."""
        with np.errstate(divide="ignore"):
            return np.log10(np.abs(self.mantissa)) + self.exponent * LOG10_2


def _shifted(number: Wide, scale: Any) -> Any:
    """Return number / 2**scale as float64, where scale is not below its exponent."""
    shift = np.maximum(number.exponent - scale, -FAR).astype(int)
    with np.errstate(under="ignore"):
        return np.ldexp(number.mantissa, shift)


class WidePass(NamedTuple):
    """What ``wide_pass`` finds; the shapes are those of ``ScaledPass``."""

    outputs: Wide
    cost: Wide
    output_gradient: Wide
    state_gradients: Wide
    weight_gradient: tuple[Wide, Wide]


def _function(z: Wide, network: Network) -> Wide:
    name = network.activation
    if name == "identity":
        return z
    if name == "relu":
        return Wide(np.maximum(z.mantissa, 0.0), np.where(z.mantissa > 0.0, z.exponent, -np.inf))
    if name == "tanh":
        # tanh z = z (1 - z²/3 + ...)
        tiny = z.exponent < -30
        plain = Wide.of(np.tanh(z.value()))
        return Wide(
            np.where(tiny, z.mantissa, plain.mantissa), np.where(tiny, z.exponent, plain.exponent)
        )
    value = z.value()
    return Wide.exp(np.minimum(value, 0.0) - np.log1p(np.exp(-np.abs(value))))


def wide_pass(inputs: Array, targets: Array, weights: Weights, network: Network) -> WidePass:
    """Run the network forward and back."""
    n_samples, n_steps = inputs.shape
    w_in, w_rec = Wide.of(weights.w_in), Wide.of(weights.w_rec)
    x = Wide.of(inputs.T)
    driven = w_in.times(x)
    states = [Wide.of(np.full(n_samples, network.initial_state))]
    slopes = []
    with np.errstate(under="ignore"):
        for k in range(n_steps):
            z = w_rec.times(states[-1]).plus(Wide(driven.mantissa[k], driven.exponent[k]))
            states.append(_function(z, network))
            at = np.where(z.value() == 0.0, np.sign(z.mantissa) * 1e-300, z.value())
            slopes.append(Wide.exp(network.f.log_derivative(at)))
        residual = states[-1].plus(Wide.of(-targets))
        two_nth = Wide.of(2.0 / n_samples)
        gradient = residual
        traces = [gradient.sum()]
        by_in, by_rec = Wide.of(0.0), Wide.of(0.0)
        for k in range(n_steps - 1, -1, -1):
            at_z = gradient.times(slopes[k])
            by_in = by_in.plus(at_z.times(Wide(x.mantissa[k], x.exponent[k])).sum())
            by_rec = by_rec.plus(at_z.times(states[k]).sum())
            gradient = at_z.times(w_rec)
            traces.append(gradient.sum())
    trace = Wide(
        np.array([float(t.mantissa) for t in traces[::-1]]),
        np.array([float(t.exponent) for t in traces[::-1]]),
    )
    cost = residual.times(residual).sum().times(Wide.of(1.0 / n_samples))
    return WidePass(
        states[-1],
        cost,
        residual.times(two_nth),
        trace.times(two_nth),
        (by_in.times(two_nth), by_rec.times(two_nth)),
    )
