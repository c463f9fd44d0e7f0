"""The samples that a cost is over, and what is known of them without reading them again."""

from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

from service.engine.moments import Moments
from service.engine.optimum import Optimum, optimum
from service.engine.types import Array, Weights


class Size(NamedTuple):
    """How many samples there are, how many steps each has, and whether the moments are known."""

    n_samples: int
    n_steps: int
    known: bool = False


class SumsAbout(NamedTuple):
    """Sums over the samples at one pair of weights; see ``service.engine.honest``.

    Of the residuals first, and of the outputs.

    products : (2, T) -- with p_i, by rising power.
    sums, squares : (2,)
    """

    products: Array
    sums: Array
    squares: Array


class Samples:
    """N sequences of T inputs, a target for each, and what has been found out about them.

    Numbers that lie elsewhere are read when they are first needed. Where the moments, the optimum
    and the sums about it are known, training without an activation needs them only for costs that
    are almost all cancellation, or for the optimum of another initial state.

    Parameters
    ----------
    n_samples, n_steps
        N and T.
    read
        Returns inputs (N, T) and targets (N,); called once at most.
    moments
        Theirs, if known.
    optimum
        That of the initial state 0, if known.

    Attributes
    ----------
    sums_about
        What is known about the optimum, by initial state and weights.
    """

    def __init__(
        self,
        n_samples: int,
        n_steps: int,
        read: Callable[[], tuple[Array, Array]],
        moments: Moments | None = None,
        optimum: Optimum | None = None,
    ) -> None:
        self._size, self._read = (n_samples, n_steps), read
        self._moments = moments
        self._optima = {} if optimum is None else {0.0: optimum}
        self.sums_about: dict[tuple[float, Weights], SumsAbout] = {}

    @classmethod
    def of(
        cls,
        inputs: Array,
        targets: Array,
        moments: Moments | None = None,
        optimum: Optimum | None = None,
    ) -> "Samples":
        """Take inputs (N, T) and targets (N,) that are at hand."""
        n_samples, n_steps = inputs.shape
        return cls(n_samples, n_steps, lambda: (inputs, targets), moments, optimum)

    @property
    def size(self) -> Size:
        """N and T, and whether the moments are known."""
        return Size(*self._size, self._moments is not None)

    @cached_property
    def _arrays(self) -> tuple[Array, Array]:
        return self._read()

    @property
    def inputs(self) -> Array:
        """The sequences, (N, T)."""
        return self._arrays[0]

    @property
    def targets(self) -> Array:
        """What the last state of each should be, (N,)."""
        return self._arrays[1]

    def fetch(self) -> None:
        """Read the numbers now, if they have not been read."""
        self._arrays  # noqa: B018 - cached from now on

    @property
    def moments(self) -> Moments:
        """The second moments, computed at first if they are not known."""
        if self._moments is None:
            self._moments = Moments.of(self.inputs, self.targets)
        return self._moments

    def optimum(self, initial_state: float) -> Optimum:
        """Return the exact optimum without an activation, found at first if it is not known."""
        if initial_state not in self._optima:
            found = optimum(self.inputs, self.targets, initial_state, self.moments)
            self._optima[initial_state] = found
        return self._optima[initial_state]

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to another process with the numbers."""
        return Samples.of, (self.inputs, self.targets, self._moments, self._optima.get(0.0))
