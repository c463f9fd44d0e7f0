"""Cost and gradient by running the network, for any activation."""

from collections.abc import Callable, Iterator
from functools import partial
from math import inf, isfinite, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.engine.arithmetic import UNDERFLOW, ExtendedArray
from service.engine.interruption import check_interruption
from service.engine.network import Network, cost_and_gradient, extended_gradients
from service.engine.objective.normal_equations import NormalEquations, network_normal_equations
from service.engine.types import BLOCK, Array, Weights


class NetworkObjective:
    """Cost and gradient by running the network over every sequence, for weights of any size.

    Overflow is not an error: a cost that overflows is inf.

    Parameters
    ----------
    inputs : (N, T)
        The sequences.
    targets : (N,)
        The target of each sequence.
    """

    def __init__(self, inputs: Array, targets: Array, network: Network) -> None:
        self._inputs = inputs
        self._targets = targets
        self._network = network

    def gradient(self, w_in: float, w_rec: float) -> tuple[float, float]:
        """Return both derivatives at one pair of weights.

        Parameters
        ----------
        w_in, w_rec
            The weights.

        Returns
        -------
        by_w_in, by_w_rec
            inf, nan or 0 where float64 cannot represent them.
        """
        weights = Weights(w_in, w_rec)
        _, gradient = cost_and_gradient(self._inputs, self._targets, weights, self._network)
        return float(gradient[0]), float(gradient[1])

    @property
    def optimum(self) -> None:
        """None: with an activation there is no closed form."""

    def gap_to_optimum(self, w_in: float, w_rec: float, cost: float) -> float:  # noqa: ARG002
        """Return nan: no optimum is known."""
        return nan

    def costs(self, w_in: Array, w_rec: Array) -> Array:
        """Return the cost for each pair of weights, broadcast together.

        Parameters
        ----------
        w_in, w_rec
            Of shapes that broadcast together.

        Returns
        -------
        costs
            Of their common shape; inf where a state overflows, and nan where a weight is not
            finite.
        """
        return self._costs_and_logs(w_in, w_rec)[0]

    def log10_costs(self, w_in: Array, w_rec: Array, costs: Array | None = None) -> Array:
        """Return the decimal logarithm of the cost for each pair of weights, broadcast together.

        Parameters
        ----------
        w_in, w_rec
            Of shapes that broadcast together.
        costs
            The result of ``costs`` for the same weights, if known.

        Returns
        -------
        log10_costs
            Of their common shape; -inf for 0, inf where a state overflows, and nan where a weight
            is not finite.
        """
        if costs is not None and not _is_out_of_range(costs).any():
            return np.asarray(np.log10(costs))
        return self._costs_and_logs(w_in, w_rec)[1]

    def _costs_and_logs(self, w_in: Array, w_rec: Array) -> list[Array]:
        """Return costs, and their logarithms, of the shape to which the weights broadcast."""
        w_in, w_rec = np.broadcast_arrays(w_in, w_rec)
        both = self._in_chunks(self._some_costs, w_in.ravel(), w_rec.ravel(), n_states=2)
        return [numbers.reshape(w_in.shape) for numbers in both]

    @np.errstate(all="ignore")
    def _some_costs(self, w_in: Array, w_rec: Array) -> Array:
        """Return the costs of M networks, and their logarithms also if squares overflow.

        A relu can convert an overflow at any step to a wrong finite number.
        """
        overflowed = np.zeros(w_in.size, np.bool_)
        for state in self._run(w_in, w_rec):
            if not isfinite(state.max(initial=0.0)):
                overflowed |= ~np.isfinite(state).all(axis=1)
        residuals = state - self._targets
        costs = np.mean(residuals**2, axis=-1)
        largest = np.max(np.abs(residuals), axis=-1)
        residuals /= largest[:, None]
        scaled = np.mean(residuals**2, axis=-1)  # no square overflows
        costs = np.where(_is_out_of_range(costs), scaled * largest * largest, costs)
        logs = np.log10(scaled) + 2.0 * np.log10(largest)
        results = np.where(largest == 0.0, [[0.0], [-inf]], [costs, logs])
        results[:, overflowed] = inf
        results[:, ~_are_finite(w_in, w_rec)] = nan
        return results

    def gradients(self, w_in: Array, w_rec: Array) -> Array:
        """Return the derivatives of the cost for each pair of weights.

        Parameters
        ----------
        w_in, w_rec : (M,)
            The pairs of weights.

        Returns
        -------
        gradients : (2, M)
            The derivatives by w_in, then by w_rec. Signs are right everywhere; magnitudes are inf
            on overflow.
        """
        n_states = 2 * self._inputs.shape[1] + 1
        gradient = self._in_chunks(self._backward, w_in, w_rec, n_states)
        lost = _is_out_of_range(gradient).any(axis=0) & _are_finite(w_in, w_rec)
        if self._network.f.is_piecewise_linear:
            # Zeros are common where a relu is inactive. They are underflow only if powers of w_rec
            # underflow.
            large = np.abs(w_rec) > UNDERFLOW ** (1.0 / self._inputs.shape[1])
            lost &= ~(large & (gradient == 0.0).all(axis=0))
        if lost.any():
            exact = self.extended_gradients(w_in[lost], w_rec[lost])
            gradient[:, lost] = [derivative.value_keeping_sign() for derivative in exact]
        return gradient

    def extended_gradients(self, w_in: Array, w_rec: Array) -> tuple[ExtendedArray, ExtendedArray]:
        """Return the derivatives of the cost with exponents of any size.

        Parameters
        ----------
        w_in, w_rec : (M,)
            Finite.

        Returns
        -------
        by_w_in, by_w_rec : (M,)
            The derivatives with respect to each weight.
        """
        n_states = 8 * self._inputs.shape[1]
        by_w_in, by_w_rec = self._in_chunks(self._extended_backward, w_in, w_rec, n_states)
        return ExtendedArray(*by_w_in), ExtendedArray(*by_w_rec)

    def _extended_backward(self, w_in: Array, w_rec: Array) -> Array:
        """Return mantissas and exponents of both derivatives for M weights, (2, 2, M)."""
        both, _ = extended_gradients(self._inputs, self._targets, w_in, w_rec, self._network)
        return np.array([(each.mantissa, each.exponent) for each in both])

    def normal_equations(self, w_in: Array, w_rec: Array) -> NormalEquations:
        """Return the linearized least-squares problem for each pair of weights.

        Parameters
        ----------
        w_in, w_rec : (M,)
            Finite.

        Returns
        -------
        NormalEquations
            Of M problems with two unknowns.
        """
        equations = partial(network_normal_equations, self._inputs, self._targets, self._network)
        return NormalEquations(*self._in_chunks(equations, w_in, w_rec, n_states=8))

    def _in_chunks(
        self, function: Callable[[Array, Array], Any], w_in: Array, w_rec: Array, n_states: int
    ) -> Array:
        """Return the results (..., M) of a function of weights (M,), computed in chunks.

        The function requires ``n_states`` arrays (M, N) at once.
        """
        size = max(1, 4 * BLOCK // (len(self._targets) * n_states))
        results = []
        for start in range(0, max(1, w_in.size), size):
            check_interruption()
            part = slice(start, start + size)
            results.append(function(w_in[part], w_rec[part]))
        return np.concatenate(results, axis=-1)

    def _run(self, w_in: Array, w_rec: Array) -> Iterator[Array]:
        """Yield the states of M networks, each (M, N), starting at the initial one."""
        f = self._network.f.function
        state = np.full((w_in.size, len(self._targets)), self._network.initial_state)
        yield state
        for x in self._inputs.T:
            check_interruption()
            with np.errstate(over="ignore", invalid="ignore", under="ignore"):
                state = f(w_rec[:, None] * state + w_in[:, None] * x)
            yield state

    def _backward(self, w_in: Array, w_rec: Array) -> tuple[Array, Array]:
        """Return the derivatives of M networks with respect to w_in and w_rec, two arrays (M,)."""
        derivative = self._network.f.derivative
        states = [*self._run(w_in, w_rec)]
        by_w_in = np.zeros_like(w_in)
        by_w_rec = np.zeros_like(w_rec)
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            gradient = 2.0 * (states.pop() - self._targets) / len(self._targets)
            for x in self._inputs.T[::-1]:
                check_interruption()
                state = states.pop()
                gradient *= derivative(w_rec[:, None] * state + w_in[:, None] * x)
                by_w_in += gradient @ x
                by_w_rec += np.einsum("mn,mn->m", gradient, state)
                gradient *= w_rec[:, None]
        return by_w_in, by_w_rec


def _are_finite(w_in: Array, w_rec: Array) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite(w_in) & np.isfinite(w_rec))


def _is_out_of_range(numbers: Array) -> NDArray[np.bool_]:
    """Return True where overflow or underflow may have changed a number."""
    sizes = np.abs(numbers)
    return ~((sizes > UNDERFLOW) & (sizes < np.inf))
