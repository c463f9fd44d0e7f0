"""The cost of a picture, approximated as requested, or more coarsely if that takes too long."""

from collections.abc import Callable
from contextlib import suppress
from typing import Final, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from service.engine.data import Dataset
from service.engine.network import Network
from service.engine.objective import Objective, make_objective
from service.figures.heatmap import Log10Cost, interpolate
from service.rendering.requests import (
    Approximation,
    PictureData,
    SurfacePictureRequest,
    TrajectoryPictureRequest,
)
from service.values.budget import Budget, OverBudget

# Fractions of the budget for the first approximations; the rest is for the last one.
SHARES: Final = (0.6, 0.2)


class Drawn(NamedTuple):
    """A figure, with notes on the computation of its cost unless it is exact."""

    figure: Figure
    notes: str = ""
    is_coarser: bool = False  # than requested


def draw_cost(
    request: SurfacePictureRequest | TrajectoryPictureRequest,
    network: Network,
    make_figure: Callable[[Objective, Log10Cost, str], Figure],
) -> Drawn:
    """Draw with the first approximation that completes within its fraction of the budget.

    Parameters
    ----------
    request
        A request with at least one approximation.
    network
        The network whose cost is drawn.
    make_figure
        Returns the figure for an objective, the cost of its pixels, and notes on both.

    Returns
    -------
    Drawn
        The figure, with notes on the approximation of its cost.
    """
    first, last = request.approximations[0], request.approximations[-1]

    def draw(approximation: Approximation) -> Drawn:
        objective = objective_of_part(request.data, network, approximation.n_samples)
        notes = describe(approximation, request.data.dataset.n_samples)
        log10_cost = interpolate(objective.log10_costs, approximation.stride)
        figure = make_figure(objective, log10_cost, notes)
        return Drawn(figure, notes, approximation != first)

    for approximation, share in zip(request.approximations[:-1], SHARES, strict=False):
        with suppress(OverBudget):
            return Budget(share * request.seconds).call(draw, approximation)
    return draw(last)


def describe(approximation: Approximation, n_samples: int) -> str:
    """Return notes on an approximation; an empty text for an exact one of ``n_samples``."""
    notes = []
    stride, n_used = approximation
    if stride > 1:
        ordinal = {2: "2nd", 3: "3rd"}.get(stride, f"{stride}th")
        notes.append(f"cost at every {ordinal} pixel, interpolated")
    if n_used is not None and n_used < n_samples:
        notes.append(f"{n_used:,} of {n_samples:,} sequences")
    return "; ".join(notes)


def objective_of_part(data: PictureData, network: Network, n_samples: int | None) -> Objective:
    """Return the cost of a number of sequences, evenly spaced in the dataset; None for all."""
    dataset = data.dataset
    if n_samples is None or n_samples >= dataset.n_samples:
        return make_objective(dataset, network, data.precomputed)
    rows = np.linspace(0, dataset.n_samples - 1, n_samples).astype(np.intp)
    subset = Dataset.from_arrays(dataset.inputs[rows], dataset.targets[rows])
    return make_objective(subset, network)
