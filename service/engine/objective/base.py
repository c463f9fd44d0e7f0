"""The interface between training and the mathematics of the cost.

Training, surfaces and basin maps use an ``Objective`` and do not depend on how costs and
gradients are computed. ``make_objective`` is the one place that chooses.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from service.engine.arithmetic import SignedLog
from service.engine.data import Dataset
from service.engine.network import Network
from service.engine.objective.by_moments import MomentObjective
from service.engine.objective.by_network import NetworkObjective
from service.engine.objective.precomputed import Precomputed
from service.engine.optimum import Optimum
from service.engine.types import Array


class Objective(Protocol):
    """The cost as a function of the weights, wherever they lie.

    Overflow is an answer, not an error: costs beyond float64 are inf and have a logarithm.
    """

    def cost(self, w_in: float, w_rec: float) -> float:
        """Return the cost, inf beyond float64."""

    def reaches(self, w_in: float, w_rec: float, target_cost: float) -> bool:
        """Return whether the cost is at most the target."""

    def gradient(self, w_in: float, w_rec: float) -> tuple[float, float]:
        """Return the derivatives by w_in and w_rec; inf, nan or 0 beyond the range of float64."""

    def scaled_gradient(self, w_in: float, w_rec: float) -> tuple[SignedLog, SignedLog]:
        """Return the same derivatives as signs and logarithms, which have no such range."""

    def costs(self, w_in: Array, w_rec: Array) -> Array:
        """Return the cost for each pair of weights, broadcast together; inf beyond float64."""

    def log10_costs(self, w_in: Array, w_rec: Array) -> Array:
        """Return log10 of the cost: -inf where it is 0, nan where a weight is not finite."""

    def gradients(self, w_in: Array, w_rec: Array) -> Array:
        """Return the derivatives for each pair of weights (M,), as rows of an array (2, M).

        Signs are right everywhere; magnitudes are inf beyond float64.
        """

    def scaled_gradients(self, w_in: Array, w_rec: Array) -> tuple[SignedLog, SignedLog]:
        """Return the same as signs and logarithms, arrays (M,)."""

    def reached_and_gradients(
        self, w_in: Array, w_rec: Array, target_cost: float
    ) -> tuple[NDArray[np.bool_], Array]:
        """Return whether ``costs`` are at most the target (M,), and ``gradients``."""

    @property
    def optimum(self) -> Optimum | None:
        """The exact global minimum, found once; None where none is known."""

    def gap(self, w_in: float, w_rec: float) -> float:
        """Return the cost less the optimum's, without its loss of digits; nan if not known."""


def make_objective(
    dataset: Dataset, network: Network, precomputed: Precomputed | None = None
) -> Objective:
    """Choose how cost and gradient are computed.

    Without an activation the data's second moments say everything; with one, only running the
    network does.
    """
    if network.activation == "identity":
        return MomentObjective(dataset, network.initial_state, precomputed)
    return NetworkObjective(dataset.inputs, dataset.targets, network)
