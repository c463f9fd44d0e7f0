"""Datasets: sequences with one target each."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from service.engine.types import Array


@dataclass(frozen=True, eq=False)
class Dataset:
    """N sequences of T inputs with one target each, read when first needed.

    Parameters
    ----------
    n_samples, n_steps
        N and T.
    read
        Returns inputs (N, T) and targets (N,). It is called at most once per process. If it is a
        ``functools.partial``, it can be pickled, so that another process generates the arrays
        itself.
    """

    n_samples: int
    n_steps: int
    read: Callable[[], tuple[Array, Array]]

    @classmethod
    def from_arrays(cls, inputs: Array, targets: Array) -> "Dataset":
        """Return a dataset in memory.

        Parameters
        ----------
        inputs : (N, T)
            N sequences, time along the columns; finite.
        targets : (N,)
            Finite.

        Returns
        -------
        Dataset
            It contains the arrays themselves, not copies.
        """
        n_samples, n_steps = inputs.shape
        return cls(n_samples, n_steps, lambda: (inputs, targets))

    @cached_property
    def arrays(self) -> tuple[Array, Array]:
        """The sequences (N, T), time along the columns, and the target of each, (N,)."""
        return self.read()

    @property
    def inputs(self) -> Array:
        """The sequences (N, T), time along the columns."""
        return self.arrays[0]

    @property
    def targets(self) -> Array:
        """The target of the output of each sequence, (N,)."""
        return self.arrays[1]

    def load(self) -> None:
        """Read the arrays before pickling, unless they are generated."""
        if not isinstance(self.read, partial):
            self.arrays  # noqa: B018 - the property caches them

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the arrays, or the function that generates them."""
        if isinstance(self.read, partial):
            return Dataset, (self.n_samples, self.n_steps, self.read)
        return Dataset.from_arrays, self.arrays
