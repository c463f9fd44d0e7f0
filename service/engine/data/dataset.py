"""Datasets: sequences with one target each."""

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

from service.engine.types import Array


class Dataset:
    """N sequences of T inputs with one target each, read when first needed.

    Parameters
    ----------
    n_samples, n_steps
        N and T.
    read
        Returns inputs (N, T) and targets (N,). It is called at most once.
    is_generated
        Whether ``read`` can be pickled, so that another process generates the arrays itself.
    """

    def __init__(
        self,
        n_samples: int,
        n_steps: int,
        read: Callable[[], tuple[Array, Array]],
        *,
        is_generated: bool = False,
    ) -> None:
        self.n_samples, self.n_steps, self._read = n_samples, n_steps, read
        self._is_generated = is_generated

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
            It holds the arrays themselves, not copies.
        """
        n_samples, n_steps = inputs.shape
        return cls(n_samples, n_steps, lambda: (inputs, targets))

    @cached_property
    def _arrays(self) -> tuple[Array, Array]:
        return self._read()

    @property
    def inputs(self) -> Array:
        """The sequences (N, T), time along the columns."""
        return self._arrays[0]

    @property
    def targets(self) -> Array:
        """The target of the output of each sequence, (N,)."""
        return self._arrays[1]

    def load(self) -> None:
        """Read what pickling needs: the arrays, unless they are generated."""
        if not self._is_generated:
            self._arrays  # noqa: B018 - the property caches them

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the arrays, or the function that generates them."""
        if self._is_generated:
            return partial(Dataset, is_generated=True), (self.n_samples, self.n_steps, self._read)
        return Dataset.from_arrays, (self.inputs, self.targets)
