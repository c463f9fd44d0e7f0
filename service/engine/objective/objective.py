"""The interface between training and the mathematics of the cost.

Training, surfaces and basin maps use an ``Objective`` and do not depend on how costs and
gradients are computed. ``make_objective`` is the one place that chooses.
"""

from typing import Protocol

from service.engine.arithmetic import ExtendedArray
from service.engine.data import Dataset, Precomputed
from service.engine.network import Network
from service.engine.objective.by_network import NetworkObjective
from service.engine.objective.linear import LinearObjective
from service.engine.objective.normal_equations import NormalEquations
from service.engine.optimum import Optimum
from service.engine.types import Array


class Objective(Protocol):
    """The cost as a function of the weights, for weights of any size.

    Overflow is not an error: a cost that overflows is inf. For the identity it has a logarithm.
    """

    def costs(self, w_in: Array, w_rec: Array) -> Array:
        """Return the cost for each pair of weights, broadcast together.

        Parameters
        ----------
        w_in, w_rec
            Of shapes that broadcast together.

        Returns
        -------
        costs
            Of their common shape; inf on overflow, and nan where a weight is not finite.
        """

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
            -inf for 0, inf where a state of an activation overflows, and nan where a weight is not
            finite.
        """

    def gradient(self, w_in: float, w_rec: float) -> tuple[float, float]:
        """Return the derivatives at one pair; inf, nan or 0 where float64 cannot represent them."""

    def gradients(self, w_in: Array, w_rec: Array) -> Array:
        """Return the derivatives of the cost for each pair of weights.

        Parameters
        ----------
        w_in, w_rec : (M,)

        Returns
        -------
        gradients : (2, M)
            The derivatives by w_in, then by w_rec. Signs are right everywhere; magnitudes are inf
            on overflow.
        """

    def extended_gradients(self, w_in: Array, w_rec: Array) -> tuple[ExtendedArray, ExtendedArray]:
        """Return the derivatives of the cost with exponents of any size.

        Parameters
        ----------
        w_in, w_rec : (M,)
            Finite.

        Returns
        -------
        by_w_in, by_w_rec : (M,)
        """

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

    @property
    def optimum(self) -> Optimum | None:
        """The exact global minimum, computed once; None if it is unknown."""

    def gap_to_optimum(self, w_in: float, w_rec: float, cost: float) -> float:
        """Return the cost of these weights minus that of the optimum, without cancellation.

        It is nan if the optimum is unknown or a weight is not finite.
        """


def make_objective(
    dataset: Dataset, network: Network, precomputed: Precomputed | None = None
) -> Objective:
    """Choose how cost and gradient are computed.

    For the identity, moments and a factor of the data determine them. For other activations the
    network must be run.

    Parameters
    ----------
    dataset
        Magnitudes from 1e-100 to 1e100, or 0. Read when first needed.
    precomputed
        Values that were computed from the dataset before, which save passes over the data.

    Returns
    -------
    Objective
        Not thread-safe.
    """
    if network.is_linear:
        return LinearObjective(dataset, network.initial_state, precomputed)
    return NetworkObjective(dataset.inputs, dataset.targets, network)
