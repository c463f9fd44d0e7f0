"""The interface between training and the mathematics of the cost.

Training, surfaces and basin maps use an ``Objective`` and do not depend on the computation of costs
and gradients, which ``make_objective`` selects.
"""

from typing import TypeAlias

from service.engine.data import Dataset, Precomputed
from service.engine.network import Network
from service.engine.objective.by_network import NetworkObjective
from service.engine.objective.linear_objective import LinearObjective

# The cost as a function of the weights: classes with the same methods.
Objective: TypeAlias = LinearObjective | NetworkObjective


def make_objective(
    dataset: Dataset, network: Network, precomputed: Precomputed | None = None
) -> Objective:
    """Select the computation of cost and gradient.

    For the identity, they are computed from moments and a factor of the data. For other
    activations, the network is run.

    Parameters
    ----------
    dataset
        Magnitudes from 1e-100 to 1e100, or 0. Read when first needed.
    precomputed
        Stored reductions of the dataset, which save passes over the data.

    Returns
    -------
    Objective
        Not thread-safe.
    """
    if network.is_linear:
        return LinearObjective(dataset, network.initial_state, precomputed)
    return NetworkObjective(*dataset.arrays, network)
