"""What is fitted: options, and the data as padded arrays in the units of the fit.

With w_rec given, the targets are linear in all other unknowns, and each unknown is the weight of a
column: an input weight of the filtered input, the offset of ones, an initial state of the response
to an impulse at the first target. Beside an unknown initial state, the offset is the weight of a
filtered constant: b = beta / (1 - w) has a pole at w = 1, and beta has none.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.engine.data import Series
from service.engine.fit.sequences import Sequences, recur
from service.engine.interruption import check_interruption
from service.engine.types import Array

MAX_CORRELATION: Final = 0.998  # of neighbors; near 1 the fit is one of differences
# The grid of correlations of targets at the usual gap. Below, intervals are too wide at most.
CORRELATIONS: Final = np.array(
    [-0.6, -0.3, 0.0, 0.05, 0.2, 0.4, 0.6, 0.75, 0.87, 0.94, 0.975, 0.99, 0.996, MAX_CORRELATION]
)
InitialState: TypeAlias = float | Literal["shared", "each"]


@dataclass(frozen=True)
class FitOptions:
    """What to fit, and the range to search."""

    # S_0, the state before the first step in use: a number, "shared" (one unknown for all
    # sequences) or "each" (one unknown per sequence)
    initial_state: InitialState = "each"
    offset: bool | float = True  # whether a constant is added to the states, or that constant
    delay: tuple[int, int] = (0, 0)  # the shortest and the longest delay of the inputs, in steps
    w_rec: tuple[float, float] = (0.0, 1.0)  # the range to search
    noise: Literal["white", "ar1"] = "white"  # "ar1" for a first-order autoregression
    confidence: float = 0.95  # the confidence level of the intervals, between 0 and 1
    gains: Mapping[str, float] = field(default_factory=dict)  # known steady-state gains, by input


class Problem:
    """A series with one delay, and the units in which its inputs and targets are at most 1.

    With an unknown start, every sequence begins after the longest delay, so that all delays are
    fitted to the same targets. With a known start no step is skipped: before the record, the
    inputs are 0.

    Attributes
    ----------
    inputs : (N, T, q)
        Padded with zeros.
    targets : (N, T)
        nan where there is none.
    skip
        The number of steps that are left out at the start of each sequence.
    center, unit
        Subtracted from the targets, which are then divided by the unit.
    input_units : (q,)
        The largest magnitude of each input.
    sequences
        All of them, in these units.
    scale
        The sum of squares to which rounding errors of such sums are relative.
    n_pairs
        The number of pairs of successive targets that starts of their own do not explain.
    correlations
        The grid of correlations of targets at the usual gap.
    n_columns
        The number of columns, among them those of starts.
    free_columns
        The slice, from the end, of columns and the rest of the targets that belongs to inputs
        without a known gain.
    """

    def __init__(self, series: Series, options: FitOptions, delay: int | None = None) -> None:
        self.series, self.options = series, options
        self.delay = options.delay[0] if delay is None else delay
        self.has_unknown_start = isinstance(options.initial_state, str)
        self.skip = options.delay[1] if self.has_unknown_start else 0
        self.lengths = np.maximum(series.lengths - self.skip, 0)
        steps = np.arange(max(int(self.lengths.max(initial=0)), 1))
        is_step = steps < self.lengths[:, None]
        rows = series.starts[:-1, None] + self.skip + steps
        self.targets: Array = np.full(is_step.shape, np.nan)
        self.targets[is_step] = series.targets[rows[is_step]]
        self.inputs = np.zeros((*is_step.shape, series.inputs.shape[1]))
        is_recorded = is_step & (steps >= self.delay - self.skip)
        self.inputs[is_recorded] = series.inputs[rows[is_recorded] - self.delay]
        has_target = ~np.isnan(self.targets)
        self.n_targets, n_used = int(has_target.sum()), int(has_target.any(axis=1).sum())
        self.first_step = int(np.argmax(has_target.any(axis=0)))
        self.has_own_starts = options.initial_state == "each" and n_used > 1
        self.n_own_starts = n_used * self.has_own_starts
        self.has_offset = options.offset is True
        self.is_free = np.array([name not in options.gains for name in series.input_names], bool)
        n_free = int(self.is_free.sum())
        self.free_columns = slice(-1 - self.has_offset - n_free, -1 - self.has_offset)
        self.n_columns = n_free + self.has_offset + self.has_unknown_start
        self.n_unknowns = self.n_columns - self.has_own_starts + self.n_own_starts + 1
        self.n_unknowns += options.noise == "ar1"
        known_start = 0.0 if self.has_unknown_start else float(options.initial_state)
        mean = float(np.nansum(self.targets)) / max(self.n_targets, 1)
        self.center = mean if self.has_offset else float(options.offset)
        largest = float(np.max(np.abs(self.targets[has_target] - self.center), initial=0.0))
        self.unit = max(largest, abs(known_start)) or 1.0
        self.start = known_start / self.unit
        self.cost_unit = self.unit**2 / max(self.n_targets, 1)  # of sums of squares
        largest_inputs = np.max(np.abs(self.inputs), axis=(0, 1))
        self.input_units = np.where(largest_inputs > 0.0, largest_inputs, 1.0)
        gains = [options.gains.get(name, 0.0) for name in series.input_names]
        self.known_gains = np.array(gains, float) * self.input_units / self.unit
        self.sequences = self.normalize(self.inputs, self.targets)
        squares = self.start**2 + float(np.sum(self.known_gains**2))
        self.scale = float(np.nansum(self.sequences.targets**2)) + self.n_targets * squares
        n_later = has_target.sum(axis=1) - 1 - self.has_own_starts
        self.n_pairs = int(np.sum(np.maximum(n_later, 0)))
        # Negative correlations have no root.
        self.correlations = CORRELATIONS if self.sequences.usual_gap == 1.0 else CORRELATIONS[2:]

    def __repr__(self) -> str:
        """Return a text that distinguishes the problems of one series (see `recall`)."""
        return f"Problem({self.options}, delay={self.delay}, n_targets={self.n_targets})"

    def vary(self, **changes: Any) -> "Problem":
        """Return the problem with other options."""
        changes = {"delay": (self.delay, self.options.delay[1])} | changes
        return Problem(self.series, replace(self.options, **changes))

    @cached_property
    def compressed(self) -> Sequences:
        """Fewer sequences with the same sum of squared residuals for every w.

        A residual is linear in (inputs, targets, 1) of its sequence, so the factor R of a QR
        decomposition replaces all sequences whose targets are at the same steps. Where there is no
        target, its targets mean nothing.
        """
        has_target, (n_sequences, n_steps) = self.sequences.has_target, self.targets.shape
        inputs = self.sequences.sources[..., 1:-1].reshape(n_sequences, -1)
        targets = np.nan_to_num(self.sequences.targets)
        rows = np.column_stack([inputs, targets, np.ones(n_sequences)])
        _, first, group, sizes = np.unique(
            has_target, axis=0, return_index=True, return_inverse=True, return_counts=True
        )
        members = np.split(np.argsort(group.ravel(), kind="stable"), np.cumsum(sizes)[:-1])
        parts = []
        for rows_of_group in members:
            check_interruption()
            parts.append(np.linalg.qr(rows[rows_of_group], mode="r"))
        lengths = [len(part) for part in parts]
        few = self.sequences[np.repeat(first, lengths)]
        inputs, few.targets, ones = np.split(np.concatenate(parts), [-n_steps - 1, -1], axis=1)
        few.sources[..., 1:-1] = inputs.reshape(few.sources[..., 1:-1].shape)
        few.sources[..., -1] *= ones
        if not self.has_own_starts:  # the direction of a start of its own is that of the impulse
            few.sources[..., 0] *= ones
        few.multiplicity = np.repeat(sizes / lengths, lengths)
        return few

    def normalize(self, inputs: Array, targets: Array) -> Sequences:
        """Return sequences in the units of the fit.

        The impulse is at the first target of a sequence, or of all if they share the start.

        Parameters
        ----------
        inputs : (N, T, q)
        targets : (N, T)
            nan where there is none.

        Returns
        -------
        Sequences
        """
        own = self.has_own_starts and targets.size > 0
        first = np.argmax(~np.isnan(targets), axis=1) if own else self.first_step
        first = np.reshape(first * self.has_unknown_start, (-1, 1))
        sources = np.ones((*targets.shape, inputs.shape[2] + 2))
        sources[..., 0] = np.arange(targets.shape[1]) == first
        sources[..., 1:-1] = inputs / self.input_units
        return Sequences(sources, (targets - self.center) / self.unit)

    def respond(self, w: NDArray[Any], sources: Array) -> NDArray[Any]:
        """Return a column per unknown, and minus the effects of what is known, at all steps.

        The columns are those of the initial state, the inputs without a known gain and the offset.

        Parameters
        ----------
        w : (W,)
            May be complex.
        sources : (N, T, q + 2)
            Those of `Sequences`.

        Returns
        -------
        columns : (W, N, T, K + 1)
        """
        responses = np.stack([recur(pole, sources) for pole in w])
        if self.has_offset and not self.has_unknown_start:
            responses[..., -1] = sources[..., -1]
        poles = w[:, None, None]
        # An S_0 contributes S_0 w^k, and the response to an impulse at the first step is w^(k-1).
        known = self.start * poles * responses[..., 0]
        known = known + (1.0 - poles) * (responses[..., 1:-1] @ self.known_gains)
        used = [self.has_unknown_start, *self.is_free, self.has_offset]
        columns: NDArray[Any] = np.concatenate([responses[..., used], -known[..., None]], axis=3)
        return columns

    def make_rows(self, w: NDArray[Any], sequences: Sequences) -> NDArray[Any]:
        """Return the columns of `respond` and the rest of the targets, at n targets.

        Parameters
        ----------
        w : (W,)
            May be complex.
        sequences
            In the units of the problem.

        Returns
        -------
        rows : (W, n, K + 1)
        """
        rows = self.respond(w, sequences.sources)[:, sequences.has_target]
        rows[..., -1] += sequences.targets[sequences.has_target]
        return rows
