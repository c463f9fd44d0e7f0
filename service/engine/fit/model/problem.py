"""The problem: options, and the data as padded arrays in the units of the fit.

A state has a pole, its w_rec, and acts map inputs to states. With the poles given, the targets are
linear in all other unknowns, and each unknown is the weight of a column (`design`).
"""

from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.engine.data import Series
from service.engine.fit import constants
from service.engine.fit.model.baselines import make_baselines
from service.engine.fit.model.columns import Columns
from service.engine.fit.model.compression import compress
from service.engine.fit.model.options import FitOptions
from service.engine.fit.model.padding import PaddedSeries
from service.engine.fit.model.ranks import count_own, find_rank
from service.engine.fit.model.sequences import Sequences
from service.engine.fit.model.sizes import ErrorSizes
from service.engine.fit.model.unknowns import Unknowns, find_acts
from service.engine.types import Array


class FitProblem:
    """A series with one delay, and the units in which its inputs and targets are at most 1.

    With an unknown start, every sequence begins after the longest delay, so that all delays are
    fitted to the same targets. With a given start no step is skipped: before the record, the inputs
    are 0.

    Parameters
    ----------
    series
        The data.
    options
        The unknowns.
    delay
        The delay of the inputs in steps; the shortest of the options by default.
    fitted : (S,)
        The values at all steps of the data to which the errors are proportional. None for errors of
        one size.
    """

    def __init__(
        self,
        series: Series,
        options: FitOptions,
        delay: int | None = None,
        fitted: Array | None = None,
    ) -> None:
        if options.is_given and abs(options.w_rec[0]) < constants.LEAST_W_REC:
            options = replace(options, rest=True)
        self.record = series
        self.options = options
        self.delay = options.delay[0] if delay is None else delay
        self.fitted = fitted if options.variance == "proportional" else None

    def vary(self, **changes: Any) -> "FitProblem":
        """Return the problem with other options."""
        changes = {"delay": (self.delay, self.options.delay[1])} | changes
        return FitProblem(self.record, replace(self.options, **changes), fitted=self.fitted)

    # The data, in their own units.

    @cached_property
    def series(self) -> Series:
        """The data, with the squares of the curved inputs as further inputs."""
        if not self.options.curves:
            return self.record
        names = (*self.record.input_names, *(f"{name}²" for name in self.options.curves))
        inputs = self.add_squares(self.record.inputs)
        return replace(self.record, inputs=inputs, input_names=names)

    @cached_property
    def centers(self) -> Array:
        """The values (q,) of the inputs from which squares are measured.

        They are the means if the level and the start are fitted. Otherwise they are 0, so that
        inputs of 0 have no effect.
        """
        if self.has_offset and self.starts_late:
            return np.asarray(np.mean(self.record.inputs, axis=0))
        return np.zeros(self.record.inputs.shape[1])

    def add_squares(self, inputs: Array) -> Array:
        """Append the squares of the curved inputs.

        Parameters
        ----------
        inputs : (T, q)
            Those of one sequence.

        Returns
        -------
        inputs : (T, q + c)
            Followed by the squared distances from the means of the c curved ones.
        """
        curved = [self.record.input_names.index(name) for name in self.options.curves]
        squares = (inputs[:, curved] - self.centers[curved]) ** 2
        return np.concatenate([inputs, squares], axis=1)

    @property
    def has_unknown_start(self) -> bool:
        """True if an initial state is fitted."""
        return self.starts_late and not self.options.rest

    @property
    def starts_late(self) -> bool:
        """True if the steps before the first inputs take effect are excluded."""
        return isinstance(self.options.initial_state, str)

    @property
    def skip(self) -> int:
        """The number of steps that are excluded at the start of each sequence."""
        return self.options.delay[1] if self.starts_late else 0

    @cached_property
    def padded(self) -> PaddedSeries:
        """The data as padded arrays."""
        return PaddedSeries(self.series, self.delay, self.skip)

    @property
    def targets(self) -> Array:
        """The targets (N, T); nan where there is none."""
        return self.padded.targets

    @property
    def n_targets(self) -> int:
        """The number of targets."""
        return self.padded.n_targets

    # The sizes of the errors.

    @property
    def has_both_signs(self) -> bool:
        """True if targets of both signs exclude errors that are proportional to their values."""
        ends = -float(np.nanmin(self.targets)), float(np.nanmax(self.targets))
        return min(ends) > constants.LEAST_SIZE * max(ends)

    @cached_property
    def sizes(self) -> ErrorSizes:
        """The sizes of the errors."""
        return ErrorSizes(self.fitted, self.padded)

    # The unknowns.

    @cached_property
    def unknowns(self) -> Unknowns:
        """The unknowns, as far as options and shape decide them, and what is given instead."""
        options = self.options
        has_own_offsets = options.offset == "each" and self.has_several
        has_own_gains = options.own_gains and has_own_offsets and bool(self.is_free.any())
        has_each = options.initial_state == "each" and self.has_unknown_start
        return Unknowns(
            acts=find_acts(options, self._names, self.record.input_names),
            is_direct=np.array([name in options.direct for name in self._names], bool),
            is_free=self.is_free,
            has_unknown_start=self.has_unknown_start,
            has_own_starts=has_each and self.has_several,
            has_offset=self.has_offset,
            has_own_offsets=has_own_offsets,
            has_own_gains=has_own_gains,
            n_baselines=self.make_baselines(0, 0).shape[1],
            start=self._given_start / self.unit,
            given_gains=self.given_gains,
        )

    @property
    def _names(self) -> list[str]:
        """The names of the inputs, a square with that of its input."""
        return [*self.record.input_names, *self.options.curves]

    @property
    def n_poles(self) -> int:
        """The number of poles that are searched."""
        return 0 if self.options.is_given else self.unknowns.n_states

    @cached_property
    def has_several(self) -> bool:
        """True if several sequences have targets."""
        return int(np.count_nonzero(self.padded.has_target.any(axis=1))) > 1

    @cached_property
    def n_own_unknowns(self) -> int:
        """The number of these unknowns of all sequences that their targets determine."""
        if self.unknowns.has_own_gains:
            return count_own(self.unknowns, self.sequences, self.options.w_rec)
        n_targets = self.padded.has_target.sum(axis=1)
        return int(np.sum(np.minimum(n_targets, self.unknowns.n_own_columns)))

    @property
    def has_offset(self) -> bool:
        """True if the offset is fitted."""
        return self.options.offset is True or self.options.offset == "each"

    @cached_property
    def is_free(self) -> NDArray[np.bool_]:
        """The mask (q,) of inputs without a given gain."""
        return np.array([name not in self.options.gains for name in self.series.input_names], bool)

    def make_baselines(self, n_steps: int, first_step: int) -> Array:
        """Return the columns of the trend and of the season, the same for all sequences.

        Parameters
        ----------
        n_steps
            T, the number of steps.
        first_step
            The step of a sequence, from 0, that is the first of them.

        Returns
        -------
        baselines : (T, b)
            The trend is 0 at the first step in use and 1 at the last one.
        """
        steps = np.arange(first_step, first_step + n_steps, dtype=np.float64)
        span = (self.skip, self.skip + max(self.padded.n_steps - 1, 1))
        return make_baselines(steps, span if self.options.trend else None, self.options.season)

    @cached_property
    def n_unknowns(self) -> int:
        """The number of unknowns, w_rec and rho included."""
        n_unknowns = self.unknowns.linear_columns.n_unknowns + self.n_own_unknowns + self.n_poles
        return n_unknowns + 1 if self.options.noise == "ar1" else n_unknowns

    @cached_property
    def n_pairs(self) -> int:
        """The number of pairs of successive targets that their own unknowns do not explain."""
        n_later = self.padded.has_target.sum(axis=1) - 1 - self.unknowns.n_own_columns
        return int(np.sum(np.maximum(n_later, 0)))

    # The units, and the data in these units.

    @cached_property
    def center(self) -> float:
        """The number that is subtracted from the targets."""
        if self.has_offset:
            return float(np.nansum(self.targets)) / max(self.n_targets, 1)
        return float(self.options.offset)  # which is not "each"

    @property
    def _given_start(self) -> float:
        start = self.options.initial_state
        return 0.0 if isinstance(start, str) else float(start)

    @cached_property
    def unit(self) -> float:
        """The number by which the targets are then divided."""
        deviations = np.abs(self.targets[self.padded.has_target] - self.center)
        largest = float(np.max(deviations, initial=0.0))
        return max(largest, abs(self._given_start)) or 1.0

    @property
    def cost_unit(self) -> float:
        """The mean squared residual for a sum of squares of 1."""
        return self.unit**2 / max(self.n_targets, 1)

    @cached_property
    def input_units(self) -> Array:
        """The largest magnitude (q,) of each input."""
        largest = np.max(np.abs(self.padded.inputs), axis=(0, 1))
        return np.where(largest > 0.0, largest, 1.0)

    @cached_property
    def given_gains(self) -> Array:
        """The given steady-state gains (q,) in these units; 0 where they are unknown."""
        gains = [self.options.gains.get(name, 0.0) for name in self.series.input_names]
        return np.array(gains, float) * self.input_units / self.unit

    @cached_property
    def sequences(self) -> Sequences:
        """All sequences, in these units."""
        return self.normalize(self.padded.inputs, self.targets, self.skip, self.sizes.of_steps)

    @cached_property
    def scale(self) -> float:
        """The sum of squares to which rounding errors of such sums are relative."""
        squares = self.unknowns.start**2 + float(np.sum(self.given_gains**2))
        sizes = 1.0 if self.sizes.of_steps is None else self.sizes.of_steps
        weights = float(np.mean(self.sequences.scales**-2.0))
        total = float(np.nansum((self.sequences.targets / sizes) ** 2))
        return total + self.n_targets * weights * squares

    @property
    def correlations(self) -> Array:
        """The grid of correlations of targets at the usual gap."""
        grid = constants.CORRELATIONS
        return grid if self.sequences.usual_gap == 1.0 else grid[2:]  # negative ones have no root

    def normalize(
        self, inputs: Array, targets: Array, first_step: int, sizes: Array | None = None
    ) -> Sequences:
        """Return sequences in the units of the fit.

        The impulse is at the first target of a sequence, or of all if they share the start.

        Parameters
        ----------
        inputs : (N, T, q)
            In the units of the data.
        targets : (N, T)
            In the units of the data; nan where there is none.
        first_step
            The step of a sequence, from 0, that is the first of them.
        sizes : (N, T)
            Those of the errors; None if all are equal.

        Returns
        -------
        Sequences
            In the units of the fit.
        """
        first = np.zeros((1, 1), dtype=np.intp)
        is_shared = self.options.initial_state == "shared"
        if self.unknowns.has_own_starts and targets.size > 0:
            first = np.argmax(~np.isnan(targets), axis=1)[:, None]
        elif self.has_unknown_start and (self.unknowns.n_states == 1 or not is_shared):
            first = np.full((1, 1), self.padded.first_step)
        impulse = np.arange(targets.shape[1]) == np.broadcast_to(first, (len(targets), 1))
        constant = np.ones((*targets.shape, 1))
        baselines = self.make_baselines(targets.shape[1], first_step)
        shape = (*targets.shape, baselines.shape[1])
        sources = np.concatenate(
            [
                impulse[..., None].astype(np.float64),
                inputs / self.input_units,
                constant,
                np.broadcast_to(baselines, shape),
            ],
            axis=2,
        )
        order = Columns(1, inputs.shape[2], 1, baselines.shape[1])
        ones = np.ones(len(targets))
        return Sequences(sources, (targets - self.center) / self.unit, ones, order, sizes)

    @cached_property
    def compressed(self) -> Sequences:
        """Fewer sequences with the same sum of squared residuals for every w."""
        if self.sizes.of_steps is not None or self.unknowns.has_own_gains:
            return self.sequences
        return compress(
            self.sequences,
            has_own_starts=self.unknowns.has_own_starts,
            has_own_offsets=self.unknowns.has_own_offsets,
        )

    @cached_property
    def rank(self) -> int:
        """The number of the linear unknowns that the targets determine together with the others."""
        return find_rank(self.unknowns, self.compressed, self.options.w_rec)


def shorten(problem: FitProblem, n_targets: int) -> FitProblem:
    """Return the problem with its first targets only, if it has more."""
    if problem.n_targets <= n_targets:
        return problem
    series = problem.record
    end = int(np.flatnonzero(~np.isnan(series.targets))[n_targets - 1]) + 1
    lengths = np.diff(np.minimum(series.starts, end))
    short = replace(
        series,
        inputs=series.inputs[:end],
        targets=series.targets[:end],
        lengths=lengths[lengths > 0],
    )
    fitted = None if problem.fitted is None else problem.fitted[:end]
    return FitProblem(short, problem.options, problem.delay, fitted)
