"""The data of a fit as padded arrays, and what is unknown."""

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.engine.data import Series
from service.engine.types import Array

InitialState: TypeAlias = float | Literal["shared", "each"]


@dataclass(frozen=True)
class FitOptions:
    """What is fitted, and in which range.

    Attributes
    ----------
    initial_state
        S_0, the state before the first step that is used: a number, ``"shared"`` (unknown, one for
        all sequences) or ``"each"`` (unknown, one per sequence).
    offset
        Whether a constant is added to the states.
    delay
        The lowest and the highest number of steps by which the inputs act later.
    w_rec
        The range of the search.
    noise
        ``"ar1"`` for noise that follows a first-order autoregression.
    confidence
        Of the intervals, between 0 and 1.
    """

    initial_state: InitialState = "each"
    offset: bool = True
    delay: tuple[int, int] = (0, 0)
    w_rec: tuple[float, float] = (0.0, 1.0)
    noise: Literal["white", "ar1"] = "white"
    confidence: float = 0.95


@dataclass(frozen=True, eq=False)
class Problem:
    """Sequences with at least one target, padded to one length, for one delay.

    Attributes
    ----------
    members, lengths
        (N,) the index of each sequence in the series, and its number of steps.
    inputs
        (N, T, q), already delayed.
    targets
        (N, T); nan where there is none.
    rho
        The autocorrelation of the noise; None for white noise.
    """

    members: NDArray[np.intp]
    lengths: NDArray[np.intp]
    inputs: Array
    targets: Array
    initial_state: InitialState
    offset: bool
    rho: float | None = None

    @classmethod
    def from_series(cls, series: Series, options: FitOptions, delay: int) -> "Problem":
        """Return the problem with one delay.

        Every sequence begins after as many steps as the highest delay, so that the costs of all
        delays are for the same targets.
        """
        skip = options.delay[1]
        has_target = [not np.isnan(targets[skip:]).all() for targets in series.targets]
        members = np.flatnonzero(has_target)
        lengths = np.array([len(series.targets[i]) - skip for i in members], np.intp)
        shape = (len(members), int(np.max(lengths, initial=1)))
        inputs, targets = np.zeros((*shape, len(series.input_names))), np.full(shape, np.nan)
        for row, (i, length) in enumerate(zip(members, lengths, strict=True)):
            inputs[row, :length] = series.inputs[i][skip - delay : skip - delay + length]
            targets[row, :length] = series.targets[i][skip:]
        rho = 0.0 if options.noise == "ar1" else None
        return cls(members, lengths, inputs, targets, options.initial_state, options.offset, rho)

    def with_rho(self, rho: float | None) -> "Problem":
        """Return the problem for noise with another autocorrelation."""
        return replace(self, rho=rho)

    @property
    def has_unknown_start(self) -> bool:
        """Whether initial states are fitted."""
        return isinstance(self.initial_state, str)

    @property
    def n_targets(self) -> int:
        """The number of targets; the first is left out where the noise is autoregressive."""
        return int(np.count_nonzero(~np.isnan(self.targets))) - (self.rho is not None)

    @property
    def n_starts(self) -> int:
        """The number of initial states that are fitted."""
        return {"each": len(self.members), "shared": 1}.get(str(self.initial_state), 0)

    @property
    def n_unknowns(self) -> int:
        """The number of unknowns: w_rec, input weights, the offset, initial states and rho."""
        return 1 + int(self.inputs.shape[2]) + self.offset + self.n_starts + (self.rho is not None)
