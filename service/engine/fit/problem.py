"""What is fitted: options, and the data as padded arrays in the units of the fit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.engine.data import Series
from service.engine.types import Array

BLOCK: Final = 1 << 18  # numbers filtered at a time; bounds the memory

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


def split(n: int, n_numbers: int) -> Iterator[slice]:
    """Yield slices of n items, each of which needs so many numbers, to process at a time."""
    size = max(1, BLOCK // n_numbers)
    return (slice(start, start + size) for start in range(0, n, size))


@dataclass(frozen=True, eq=False)
class Sequences:
    """N sequences, padded to one length, in the units of a fit."""

    sources: Array  # (N, T, q + 2): inputs, a constant, an impulse that stands for the start
    targets: Array  # (N, T), 0 where there is none
    has_target: NDArray[np.bool_]  # (N, T)

    def __getitem__(self, rows: slice | NDArray[np.intp] | NDArray[np.bool_]) -> "Sequences":
        return Sequences(*(array[rows] for array in vars(self).values()))

    def blocks(self) -> Iterator["Sequences"]:
        """Yield some sequences at a time."""
        n_sequences = len(self.targets)
        return (self[rows] for rows in split(n_sequences, self.sources[0].size))

    def compress(self) -> "Sequences":
        """Return fewer sequences with the same sum of squared residuals for every w.

        A residual is linear in (inputs, targets, 1) of its sequence, so the factor R of a QR
        decomposition replaces all sequences whose targets are at the same steps.
        """
        n_sequences, n_steps = self.targets.shape
        inputs, ones = self.sources[..., :-2].reshape(n_sequences, -1), self.sources[:, 0, -2]
        rows = np.column_stack([inputs, self.targets, ones])
        _, first, group = np.unique(self.has_target, axis=0, return_index=True, return_inverse=True)
        parts = [rows[group.ravel() == i] for i in range(len(first))]
        parts = [np.linalg.qr(x, mode="r") if len(x) > 2 * x.shape[1] else x for x in parts]
        few = self[np.repeat(first, [len(part) for part in parts])]
        inputs, targets, ones = np.split(np.concatenate(parts), [-n_steps - 1, -1], axis=1)
        few.sources[..., :-2] = inputs.reshape(few.sources[..., :-2].shape)
        few.sources[..., -2:] *= ones[..., None]
        return Sequences(few.sources, targets, few.has_target)


class Problem:
    """A series with one delay, and the units in which its inputs and targets are at most 1.

    ``center`` is subtracted from the targets, which are then divided by ``unit``, as the inputs are
    by ``input_units`` (q,). Every sequence starts after the longest delay, so that the costs of all
    delays are based on the same targets. ``rho`` is the autocorrelation of noise that has one; its
    first target does not count.
    """

    def __init__(
        self, series: Series, options: FitOptions, delay: int, rho: float | None = None
    ) -> None:
        self.options, self.delay, self.rho, skip = options, delay, rho, options.delay[1]
        parts = [series.rows(i) for i in range(len(series.lengths))]
        targets = [series.targets[part][skip:] for part in parts]
        pairs = zip((series.inputs[part] for part in parts), targets, strict=True)
        inputs, self.targets = pad([x[skip - delay :][: len(row)] for x, row in pairs], targets)
        self.inputs = inputs  # (N, T, q)
        self.lengths = np.array([len(row) for row in targets])
        has_target = ~np.isnan(self.targets)
        self.first_step = int(np.argmax(has_target.any(axis=0)))
        self.has_unknown_start = isinstance(options.initial_state, str)
        is_colored = options.noise == "ar1"
        self.n_targets = int(np.count_nonzero(has_target)) - is_colored
        self.n_starts = int(self.has_unknown_start)
        if options.initial_state == "each":
            self.n_starts = int(np.count_nonzero(has_target.any(axis=1)))
        self.has_own_starts = self.n_starts > 1
        self.n_columns = inputs.shape[2] + options.offset + self.has_unknown_start
        self.n_unknowns = 1 + inputs.shape[2] + options.offset + self.n_starts + is_colored
        self._find_units(inputs, self.targets[has_target])
        self.cost_unit = self.unit**2 / max(self.n_targets, 1)  # of sums of squares

    def _find_units(self, inputs: Array, targets: Array) -> None:
        known_start = 0.0 if self.has_unknown_start else float(self.options.initial_state)
        self.center = float(np.mean(targets)) if self.options.offset and len(targets) else 0.0
        largest = float(np.max(np.abs(targets - self.center), initial=0.0))
        self.unit = max(largest, abs(known_start)) or 1.0
        self.start = known_start / self.unit
        largest_inputs = np.max(np.abs(inputs), axis=(0, 1))
        self.input_units = np.where(largest_inputs > 0.0, largest_inputs, 1.0)

    @cached_property
    def sequences(self) -> Sequences:
        """All sequences."""
        return self.normalize(self.inputs, self.targets)

    @cached_property
    def scale(self) -> float:
        """The cost to which rounding errors of costs are relative."""
        squares = float(np.sum(self.sequences.targets**2)) + self.n_targets * self.start**2
        return squares * self.cost_unit

    @cached_property
    def compressed(self) -> Sequences:
        """Fewer sequences that have the same costs."""
        return self.sequences[np.flatnonzero(self.sequences.has_target.any(axis=1))].compress()

    def normalize(self, inputs: Array, targets: Array) -> Sequences:
        """Return inputs (N, T, q) and targets (N, T), nan where there is none, in these units.

        The impulse is at the first target of a sequence, or of all if they share the start.
        """
        has_target = ~np.isnan(targets)
        scaled = np.where(has_target, (targets - self.center) / self.unit, 0.0)
        first = np.argmax(has_target, axis=1) if self.has_own_starts else self.first_step
        first = np.reshape(first * self.has_unknown_start, (-1, 1))
        sources = np.ones((*targets.shape, inputs.shape[2] + 2))
        sources[..., :-2] = inputs / self.input_units
        sources[..., -1] = np.arange(targets.shape[1]) == first
        return Sequences(sources, scaled, has_target)


def pad(inputs: Sequence[Array], targets: Sequence[Array]) -> tuple[Array, Array]:
    """Return inputs (N, T, q), 0 after the end of a sequence, and targets (N, T), nan there."""
    shape = len(targets), max(1, *map(len, targets))
    padded, padded_targets = np.zeros((*shape, inputs[0].shape[1])), np.full(shape, np.nan)
    for i, (rows, row) in enumerate(zip(inputs, targets, strict=True)):
        padded[i, : len(row)], padded_targets[i, : len(row)] = rows, row
    return padded, padded_targets
