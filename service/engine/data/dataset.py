"""The sequences and targets that a cost is computed over."""

from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

from service.engine.types import Array


class DatasetSize(NamedTuple):
    """The number of sequences N, the number of steps T of each, and whether moments are known."""

    n_samples: int
    n_steps: int
    has_moments: bool = False


class Dataset:
    """N sequences of T inputs with one target each, read from elsewhere when first needed.

    Parameters
    ----------
    n_samples, n_steps
        N and T.
    read
        Returns inputs (N, T) and targets (N,). It is called at most once.
    """

    def __init__(
        self, n_samples: int, n_steps: int, read: Callable[[], tuple[Array, Array]]
    ) -> None:
        self.n_samples, self.n_steps, self._read = n_samples, n_steps, read

    @classmethod
    def from_arrays(cls, inputs: Array, targets: Array) -> "Dataset":
        """Return the dataset of inputs (N, T) and targets (N,) in memory."""
        n_samples, n_steps = inputs.shape
        return cls(n_samples, n_steps, lambda: (inputs, targets))

    @cached_property
    def _arrays(self) -> tuple[Array, Array]:
        return self._read()

    @property
    def inputs(self) -> Array:
        """The sequences, (N, T)."""
        return self._arrays[0]

    @property
    def targets(self) -> Array:
        """The target of the last state of each sequence, (N,)."""
        return self._arrays[1]

    def load(self) -> None:
        """Read the arrays now if they have not been read."""
        self._arrays  # noqa: B018 - cached from now on

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the arrays, not the function that reads them."""
        return Dataset.from_arrays, (self.inputs, self.targets)
