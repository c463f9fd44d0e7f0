"""The cost of the network without an activation, from the data's second moments."""

import numpy as np
from numpy.polynomial.polynomial import polyder, polyval

from service.engine.moments import Moments
from service.engine.scaled import SignedLog
from service.engine.types import Array


class MomentObjective:
    """Cost and gradient in O(T), however many samples there are."""

    def __init__(
        self,
        inputs: Array,
        targets: Array,
        initial_state: float = 0.0,
        moments: Moments | None = None,
    ) -> None:
        self._inputs, self._targets, self._s0 = inputs, targets, float(initial_state)
        self.moments = moments or Moments.of(inputs, targets)

    def cost(self, w_in: float, w_rec: float) -> float:
        """Return the cost."""
        return float(self.costs(np.array(w_in), np.array(w_rec)))

    def gradient(self, w_in: float, w_rec: float) -> tuple[float, float]:
        """Return both derivatives."""
        g_in, g_rec = self.gradients(np.array(w_in), np.array(w_rec))
        return float(g_in), float(g_rec)

    def scaled_gradient(self, w_in: float, w_rec: float) -> tuple[SignedLog, SignedLog]:
        """Return both derivatives as signs and logarithms."""
        g_in, g_rec = self.gradient(w_in, w_rec)
        with np.errstate(divide="ignore"):
            return tuple(
                SignedLog(float(np.sign(g)), float(np.log(abs(g)))) for g in (g_in, g_rec)
            )  # type: ignore[return-value]

    def costs(self, w_in: Array, w_rec: Array) -> Array:
        """Return many costs."""
        k, n, s0 = self.moments, self.moments.n_steps, self._s0
        with np.errstate(over="ignore", invalid="ignore"):
            z = s0 * w_rec**n
            a, b = polyval(w_rec, k.input_square), polyval(w_rec, k.input_target)
            m = polyval(w_rec, k.input_mean)
            cost = (a * w_in + 2.0 * (z * m - b)) * w_in + (
                z * z - 2.0 * z * k.target_mean + k.target_square
            )
        return np.maximum(cost, 0.0)

    def log10_costs(self, w_in: Array, w_rec: Array) -> Array:
        """Return the logarithms of many costs."""
        with np.errstate(divide="ignore"):
            return np.log10(self.costs(w_in, w_rec))

    def gradients(self, w_in: Array, w_rec: Array) -> tuple[Array, Array]:
        """Return many gradients."""
        k, n, s0 = self.moments, self.moments.n_steps, self._s0
        with np.errstate(over="ignore", invalid="ignore"):
            z, dz = s0 * w_rec**n, s0 * n * w_rec ** (n - 1)
            a, b, m = (
                polyval(w_rec, c) for c in (k.input_square, k.input_target, k.input_mean)
            )
            da, db, dm = (
                polyval(w_rec, polyder(c))
                for c in (k.input_square, k.input_target, k.input_mean)
            )
            by_in = 2.0 * (a * w_in + z * m - b)
            by_rec = w_in * (da * w_in + 2.0 * (dz * m + z * dm - db)) + 2.0 * dz * (
                z - k.target_mean
            )
        return by_in, by_rec
