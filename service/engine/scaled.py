"""Numbers beyond the range of float64, as a sign and a natural logarithm."""

from typing import Any, NamedTuple

import numpy as np

from service.engine.network import Network
from service.engine.types import Array, Weights
from service.engine.wide import Wide, wide_pass


class SignedLog(NamedTuple):
    """The numbers sign * exp(log), elementwise: floats or arrays of one shape.

    ``sign`` is -1.0, 0.0 or 1.0; where it is 0 the logarithm is -inf.
    """

    sign: Any
    log: Any

    @classmethod
    def of(cls, values: Any) -> "SignedLog":
        """Take finite floats apart."""
        return cls.from_wide(Wide.of(values))

    @classmethod
    def from_wide(cls, wide: Wide) -> "SignedLog":
        """Take the logarithm of numbers with an exponent of their own."""
        log = wide.log()
        return cls(np.where(log == -np.inf, 0.0, np.sign(wide.mantissa)), log)

    def value(self) -> Any:
        """Return the numbers as float64: inf or 0 beyond its range, with the right sign."""
        with np.errstate(over="ignore", under="ignore"):
            return self.sign * np.exp(self.log)

    def log10(self) -> Any:
        """Return the decimal logarithms of the magnitudes."""
        return self.log / np.log(10.0)

    def times(self, other: "SignedLog") -> "SignedLog":
        """Multiply elementwise, broadcasting."""
        return SignedLog(self.sign * other.sign, self.log + other.log)

    def sum(self, axis: int | None = None) -> "SignedLog":
        """Add along an axis, or all: the largest magnitude sets the scale."""
        largest = np.max(self.log, axis=axis, keepdims=True)
        scale = np.where(largest == -np.inf, 0.0, largest)
        with np.errstate(under="ignore", divide="ignore"):
            total = np.sum(self.sign * np.exp(self.log - scale), axis=axis, keepdims=True)
            log = np.log(np.abs(total)) + scale
        return SignedLog(np.squeeze(np.sign(total), axis), np.squeeze(log, axis))


class ScaledPass(NamedTuple):
    """One pass forward and one back, with nothing lost to overflow or underflow.

    outputs : (N,) -- the last states.
    cost : scalar.
    output_gradient : (N,) -- derivatives of the cost by the outputs.
    state_gradients : (T + 1,) -- derivatives by the states S_0 ... S_T, summed over samples.
    weight_gradient : derivatives by w_in and by w_rec, two scalars.
    """

    outputs: SignedLog
    cost: SignedLog
    output_gradient: SignedLog
    state_gradients: SignedLog
    weight_gradient: tuple[SignedLog, SignedLog]


def scaled_pass(inputs: Array, targets: Array, weights: Weights, network: Network) -> ScaledPass:
    """Backpropagate through time with exponents of any size.

    Parameters
    ----------
    inputs : (N, T)
    targets : (N,)
    weights
        Finite.
    """
    wide = wide_pass(inputs, targets, weights, network)
    of = SignedLog.from_wide
    return ScaledPass(
        of(wide.outputs),
        of(wide.cost),
        of(wide.output_gradient),
        of(wide.state_gradients),
        (of(wide.weight_gradient[0]), of(wide.weight_gradient[1])),
    )
