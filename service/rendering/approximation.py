"""How a picture approximates the cost where the exact one would take too long."""

from collections.abc import Sequence
from math import ceil, sqrt
from time import thread_time
from typing import Final

import numpy as np

from service.engine.data import Dataset
from service.engine.network import Network
from service.engine.objective import Objective, make_objective
from service.figures.heatmap import Log10Cost, Window, interpolate
from service.rendering.requests import (
    PictureData,
    SurfacePictureRequest,
    TrajectoryPictureRequest,
)
from service.scheduling import Budget, OverBudget

PILOT_SHARE: Final = 0.25  # of the time of a picture, to time its costs
SURFACE_SHARE: Final = 0.5  # of it, to compute them
PILOT_POINTS: Final = (1, 4, 16, 64)  # per axis of the grids that are timed
PILOT_SECONDS: Final = 0.005
FEWER: Final = 16  # as many times fewer sequences are tried next
MAX_STRIDE: Final = 8  # pixels; beyond it, sequences are left out before the grid gets coarser


def choose_approximation(excess: float, n_samples: int) -> tuple[int, int]:
    """Return the finest stride between computed pixels, and the most sequences, that fit the time.

    ``excess`` is by how much the cost of ``n_samples`` sequences at every pixel exceeds that time:
    1 if it takes all of it.
    """
    stride = min(max(ceil(sqrt(excess)), 1), MAX_STRIDE)
    used = min(max(int(n_samples * stride**2 / excess), 1), n_samples) if excess > 1 else n_samples
    return max(stride, ceil(sqrt(excess * used / n_samples))), used


def approximate(
    request: SurfacePictureRequest | TrajectoryPictureRequest,
    network: Network,
    windows: Sequence[Window],
) -> tuple[Objective, Log10Cost, str]:
    """Return the cost, as exactly as the picture can show it in its time, and notes on that.

    Some costs in each window are timed. Where these alone take too long, sequences are left out.
    """
    columns, rows = request.style.pixels
    n_samples = timed = request.data.dataset.n_samples
    while True:
        objective = objective_of_part(request.data, network, timed)
        try:
            pilot = Budget(PILOT_SHARE * request.seconds)
            seconds = pilot.call(_time_costs, objective, windows) * columns * rows
        except OverBudget:
            if timed == 1:
                raise
            timed = max(1, timed // FEWER)
            continue
        break
    stride, used = choose_approximation(seconds / (SURFACE_SHARE * request.seconds), timed)
    if used < timed:
        objective = objective_of_part(request.data, network, used)
    notes = []
    if stride > 1:
        ordinal = {2: "2nd", 3: "3rd"}.get(stride, f"{stride}th")
        notes.append(f"cost at every {ordinal} pixel, interpolated")
    if used < n_samples:
        notes.append(f"{used:,} of {n_samples:,} sequences")
    return objective, interpolate(objective.log10_costs, stride), "; ".join(notes)


def objective_of_part(data: PictureData, network: Network, n_samples: int) -> Objective:
    """Return the cost of so many sequences, evenly spread over the dataset."""
    dataset = data.dataset
    if n_samples == dataset.n_samples:
        return make_objective(dataset, network, data.precomputed)
    rows = np.linspace(0, dataset.n_samples - 1, n_samples).astype(np.intp)
    subset = Dataset.from_arrays(dataset.inputs[rows], dataset.targets[rows])
    return make_objective(subset, network)


def _time_costs(objective: Objective, windows: Sequence[Window]) -> float:
    """Return the CPU seconds per cost in the slowest window.

    The first cost also prepares the data. The grids grow until the clock resolves their time.
    """
    slowest = 0.0
    for window in windows:
        for n_points in PILOT_POINTS:
            w_in, w_rec = (np.linspace(*span, n_points) for span in (window.w_in, window.w_rec))
            start = thread_time()
            objective.log10_costs(w_in[None, :], w_rec[:, None])
            spent = thread_time() - start
            if spent > PILOT_SECONDS and n_points > 1:
                break
        slowest = max(slowest, spent / n_points**2)
    return slowest
