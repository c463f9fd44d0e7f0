"""How a picture approximates the cost where the exact one would take too long."""

from collections.abc import Callable, Sequence
from time import thread_time
from typing import Final, NamedTuple

import numpy as np

from service.engine.data import Dataset
from service.engine.network import Network
from service.engine.objective import Objective, make_objective
from service.figures.layout import Window
from service.rendering.requests import PictureData
from service.scheduling import Budget, OverBudget

PILOT_SHARE: Final = 0.25  # of the time of a picture, to time its costs
SURFACE_SHARE: Final = 0.5  # of it, to compute them
PILOT_POINTS: Final = (1, 4, 16, 64)  # per axis of the grids that are timed
PILOT_SECONDS: Final = 0.005
FEWER: Final = 16  # as many times fewer sequences are tried next
MAX_STRIDE: Final = 8  # pixels; beyond it, sequences are left out before the grid gets coarser


class Approximation(NamedTuple):
    """How a picture approximates the cost."""

    stride: int = 1  # between computed pixels on both axes; the others are interpolated
    n_samples: int | None = None  # that the cost is computed from; None for all

    def notes(self, n_samples: int) -> tuple[str, ...]:
        """Return the notes for the legend, for ``n_samples`` sequences in all."""
        notes = []
        if self.stride > 1:
            notes.append(f"cost at every {_ordinal(self.stride)} pixel, interpolated")
        if self.n_samples is not None:
            notes.append(f"{self.n_samples:,} of {n_samples:,} sequences")
        return tuple(notes)

    def subset(self, dataset: Dataset) -> Dataset:
        """Return the sequences to compute from, evenly spread over the dataset."""
        if self.n_samples is None:
            return dataset
        rows = np.linspace(0, dataset.n_samples - 1, self.n_samples).astype(np.intp)
        return Dataset.from_arrays(dataset.inputs[rows], dataset.targets[rows])


def choose_approximation(
    seconds: Callable[[int, float], float], n_samples: int, n_pixels: int, allowed: float
) -> Approximation:
    """Return the finest approximation that takes at most ``allowed`` seconds, or the coarsest.

    ``seconds`` estimates them for a number of sequences and a number of costs.
    """
    stride, fewer = 1, n_samples
    while seconds(n_samples, n_pixels / stride**2) > allowed and stride < MAX_STRIDE:
        stride += 1
    while seconds(fewer, n_pixels / stride**2) > allowed and fewer > 1:
        fewer = max(1, fewer * 3 // 4)
    while seconds(fewer, n_pixels / stride**2) > allowed and stride**2 < n_pixels:
        stride += 1
    return Approximation(stride, fewer if fewer < n_samples else None)


def approximate(
    data: PictureData, network: Network, windows: Sequence[Window], n_pixels: int, seconds: float
) -> tuple[Objective, Approximation]:
    """Return the cost, as exactly as a picture can show it within ``seconds`` of CPU time.

    Some costs in each window are timed. Where these alone take too long, sequences are left out.
    """
    n_samples = data.dataset.n_samples
    fewer = n_samples
    while True:
        objective = _make_objective(data, network, fewer)
        try:
            per_cost = Budget(PILOT_SHARE * seconds).call(_time_costs, objective, windows)
        except OverBudget:
            if fewer == 1:
                raise
            fewer = max(1, fewer // FEWER)
            continue
        break

    def estimate(count: int, n_costs: float) -> float:
        return per_cost * n_costs * count / fewer

    approximation = choose_approximation(estimate, fewer, n_pixels, SURFACE_SHARE * seconds)
    used = approximation.n_samples or fewer
    if used < fewer:
        objective = _make_objective(data, network, used)
    return objective, Approximation(approximation.stride, used if used < n_samples else None)


def _make_objective(data: PictureData, network: Network, n_samples: int) -> Objective:
    if n_samples == data.dataset.n_samples:
        return make_objective(data.dataset, network, data.precomputed)
    return make_objective(Approximation(n_samples=n_samples).subset(data.dataset), network)


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


def _ordinal(number: int) -> str:
    return f"{number}{ {2: 'nd', 3: 'rd'}.get(number, 'th') }"
