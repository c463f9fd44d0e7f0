"""The interface between training and the mathematics of the cost.

Training, surfaces and basin maps use an ``Objective`` and do not depend on how costs and
gradients are computed. ``make_objective`` is the one place that chooses.
"""

from typing import TypeAlias

from service.engine.data import Dataset, Precomputed
from service.engine.network import Network
from service.engine.objective.by_network import NetworkObjective
from service.engine.objective.linear import LinearObjective

Objective: TypeAlias = LinearObjective | NetworkObjective
"""The cost as a function of the weights: classes with the same methods."""


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
    return NetworkObjective(*dataset.arrays, network)
