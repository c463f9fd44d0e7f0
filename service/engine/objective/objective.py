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

        It is inf on overflow, and nan where a weight is not finite.
        """

    def log10_costs(self, w_in: Array, w_rec: Array, costs: Array | None = None) -> Array:
        """Return log10 of ``costs``, given or not.

        It is -inf for 0, inf where a state of an activation overflows, and nan where a weight is
        not finite.
        """

    def gradient(self, w_in: float, w_rec: float) -> tuple[float, float]:
        """Return the derivatives at one pair; inf, nan or 0 where float64 cannot represent them."""

    def gradients(self, w_in: Array, w_rec: Array) -> Array:
        """Return the derivatives for each pair of weights (M,), as rows of an array (2, M).

        Signs are right everywhere; magnitudes are inf on overflow.
        """

    def extended_gradients(self, w_in: Array, w_rec: Array) -> tuple[ExtendedArray, ExtendedArray]:
        """Return the same with exponents of any size, arrays (M,)."""

    def normal_equations(self, w_in: Array, w_rec: Array) -> NormalEquations:
        """Return the linearized least-squares problem for each pair of finite weights (M,)."""

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
