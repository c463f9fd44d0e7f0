"""The data of a fit as padded arrays, and what is unknown."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.engine.data import Series
from service.engine.types import Array

InitialState: TypeAlias = float | Literal["shared", "each"]


@dataclass(frozen=True)
class FitOptions:
    """What to fit, and the range to search.

    Attributes
    ----------
    initial_state
        S_0, the state before the first step in use: a number, ``"shared"`` (one unknown for all
        sequences) or ``"each"`` (one unknown per sequence).
    offset
        Whether a constant is added to the states.
    delay
        The shortest and the longest delay of the inputs, in steps.
    w_rec
        The range to search.
    noise
        ``"ar1"`` for noise that follows a first-order autoregression.
    confidence
        The confidence level of the intervals, between 0 and 1.
    """

    initial_state: InitialState = "each"
    offset: bool = True
    delay: tuple[int, int] = (0, 0)
    w_rec: tuple[float, float] = (0.0, 1.0)
    noise: Literal["white", "ar1"] = "white"
    confidence: float = 0.95


@dataclass(frozen=True, eq=False)
class Problem:
    """The N sequences that have targets, padded to one length, for one delay."""

    options: FitOptions
    members: NDArray[np.intp]  # (N,) the index of each sequence in the series
    lengths: NDArray[np.intp]  # (N,) its number of steps
    inputs: Array  # (N, T, q), delayed
    targets: Array  # (N, T), nan where there is none
    rho: float | None  # the autocorrelation of the noise; None for white noise

    @classmethod
    def from_series(cls, series: Series, options: FitOptions, delay: int) -> "Problem":
        """Return the problem with one delay.

        Every sequence starts after the longest delay, so that the costs of all delays are based on
        the same targets.
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
        return cls(options, members, lengths, inputs, targets, rho)

    @property
    def has_unknown_start(self) -> bool:
        """Whether initial states are fitted."""
        return isinstance(self.options.initial_state, str)

    @property
    def has_own_starts(self) -> bool:
        """Whether several initial states are fitted."""
        return self.options.initial_state == "each" and len(self.members) > 1

    @property
    def n_targets(self) -> int:
        """The number of targets; the first is left out where the noise is autoregressive."""
        return int(np.count_nonzero(~np.isnan(self.targets))) - (self.rho is not None)

    @property
    def n_unknowns(self) -> int:
        """The number of unknowns: w_rec, input weights, the offset, initial states and rho."""
        n_starts = {"each": len(self.members), "shared": 1}.get(str(self.options.initial_state), 0)
        n_inputs = int(self.inputs.shape[2])
        return 1 + n_inputs + self.options.offset + n_starts + (self.rho is not None)
