"""How a picture approximates the cost where the exact one would take too long."""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np

from service.engine.data import Dataset

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


EXACT: Final = Approximation()


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


def _ordinal(number: int) -> str:
    return f"{number}{ {2: 'nd', 3: 'rd'}.get(number, 'th') }"
