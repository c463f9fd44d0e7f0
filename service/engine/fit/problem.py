"""What is fitted: options, and the data as padded arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np

from service.engine.data import Series
from service.engine.fit.sequences import Sequences
from service.engine.types import Array

InitialState: TypeAlias = float | Literal["shared", "each"]


@dataclass(frozen=True)
class FitOptions:
    """What to fit, and the range to search."""

    # S_0, the state before the first step in use: a number, "shared" (one unknown for all
    # sequences) or "each" (one unknown per sequence)
    initial_state: InitialState = "each"
    offset: bool = True  # whether a constant is added to the states
    delay: tuple[int, int] = (0, 0)  # the shortest and the longest delay of the inputs, in steps
    w_rec: tuple[float, float] = (0.0, 1.0)  # the range to search
    noise: Literal["white", "ar1"] = "white"  # "ar1" for a first-order autoregression
    confidence: float = 0.95  # the confidence level of the intervals, between 0 and 1


class Problem:
    """A series with one delay, and the units in which its inputs and targets are at most 1.

    ``center`` is subtracted from the targets, which are then divided by ``unit``, as the inputs are
    by ``input_units`` (q,). Every sequence starts after the longest delay, so that the costs of all
    delays are based on the same targets. ``rho`` is the autocorrelation of the noise, if it has one.
    """

    def __init__(
        self, series: Series, options: FitOptions, delay: int, rho: float | None = None
    ) -> None:
        self.options, self.rho, skip = options, rho, options.delay[1]
        targets = [row[skip:] for row in series.targets]
        pairs = zip(series.inputs, targets, strict=True)
        inputs = [rows[skip - delay :][: len(row)] for rows, row in pairs]
        self.lengths = np.array([len(row) for row in targets])
        self.inputs, self.targets = pad(inputs, targets)
        self._has_target = ~np.isnan(self.targets)
        self._find_units()

    def _find_units(self) -> None:
        known_start = 0.0 if self.has_unknown_start else float(self.options.initial_state)
        observed = self.targets[self._has_target]
        self.center = float(np.mean(observed)) if self.options.offset and len(observed) else 0.0
        largest = float(np.max(np.abs(observed - self.center), initial=0.0))
        self.unit = max(largest, abs(known_start)) or 1.0
        self.start = known_start / self.unit
        largest_inputs = np.max(np.abs(self.inputs), axis=(0, 1))
        self.input_units = np.where(largest_inputs > 0.0, largest_inputs, 1.0)

    @property
    def has_unknown_start(self) -> bool:
        """Whether initial states are fitted."""
        return isinstance(self.options.initial_state, str)

    @property
    def has_own_starts(self) -> bool:
        """Whether several initial states are fitted."""
        return self.options.initial_state == "each" and self.n_members > 1

    @property
    def n_members(self) -> int:
        """The number of sequences that have targets."""
        return int(np.count_nonzero(self._has_target.any(axis=1)))

    @property
    def n_targets(self) -> int:
        """The number of targets; the first is left out where the noise is autoregressive."""
        return int(np.count_nonzero(self._has_target)) - (self.options.noise == "ar1")

    @property
    def n_unknowns(self) -> int:
        """The number of unknowns: w_rec, input weights, the offset, initial states and rho."""
        n_starts = self.n_members if self.options.initial_state == "each" else 1
        n_shared = 1 + len(self.input_units) + self.options.offset + (self.options.noise == "ar1")
        return n_shared + n_starts * self.has_unknown_start

    @cached_property
    def sequences(self) -> Sequences:
        """The sequences, in units of the fit."""
        return self.normalize(self.inputs, self.targets)

    @cached_property
    def compressed(self) -> Sequences:
        """Fewer sequences that have the same costs."""
        return self.sequences[self._has_target.any(axis=1)].compress()

    @cached_property
    def scale(self) -> float:
        """The sum of squares of the targets and of a known initial state, in units of the fit."""
        return float(np.sum(self.sequences.targets**2)) + self.n_targets * self.start**2

    def normalize(self, inputs: Array, targets: Array) -> Sequences:
        """Return inputs (N, T, q) and targets (N, T), nan where there is none, in these units."""
        has_target = ~np.isnan(targets)
        scaled = np.where(has_target, (targets - self.center) / self.unit, 0.0)
        own = self.has_own_starts
        first = np.argmax(has_target, axis=1) if own else np.argmax(self._has_target.any(axis=0))
        origin = np.broadcast_to(first * self.has_unknown_start, len(targets))
        return Sequences(
            inputs / self.input_units, scaled, has_target, np.ones(len(targets)), origin
        )

    def to_mean(self, cost: float) -> float:
        """Return the mean squared error of a sum of squares, in the units of the targets."""
        return cost * self.unit**2 / self.n_targets


def pad(inputs: Sequence[Array], targets: Sequence[Array]) -> tuple[Array, Array]:
    """Return inputs (N, T, q), 0 after the end of a sequence, and targets (N, T), nan there."""
    shape = len(targets), max(1, *map(len, targets))
    padded, padded_targets = np.zeros((*shape, inputs[0].shape[1])), np.full(shape, np.nan)
    for i, (rows, row) in enumerate(zip(inputs, targets, strict=True)):
        padded[i, : len(row)], padded_targets[i, : len(row)] = rows, row
    return padded, padded_targets
