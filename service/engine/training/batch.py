"""The cells of a basin map, and the training of many of them together."""

from math import inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.engine.interruption import check_interruption
from service.engine.training.clip import LARGEST_SQUARABLE, clip_gradient, to_float64
from service.engine.training.optimizers import GradientOptimizer, LeastSquaresOptimizer, State
from service.engine.training.outcome import Outcome
from service.engine.training.setup import TrainingSetup
from service.engine.training.trial_step import take_trial_step
from service.engine.types import Array


class BasinCheckpoint(NamedTuple):
    """Everything needed to continue the runs of M = ny * nx cells, in row-major order."""

    iteration: int  # done by the cells that can continue
    weights: Array  # (2, M); the final ones where a run has ended
    optimizer_state: Array  # (K, 2, M), valid for the cells that can continue
    iterations: NDArray[np.int64]  # (M,), done by each cell
    outcome: NDArray[np.uint8]  # (M,), codes of outcomes; 0 while the cell can continue


class Batch:
    """Cells that are trained together.

    A cell whose run ends is written to the checkpoint and removed from the arrays of the batch.
    Finding such cells in every iteration costs less than training them further.
    """

    def __init__(
        self, setup: TrainingSetup, checkpoint: BasinCheckpoint, cells: NDArray[np.intp]
    ) -> None:
        self.setup = setup
        self.checkpoint = checkpoint
        self.cells = cells
        self.weights = checkpoint.weights[:, cells]
        self.gradient = np.zeros_like(self.weights)
        self.state: State = tuple(checkpoint.optimizer_state[..., cells])

    def train(self, iterations: range) -> None:
        """Run some iterations, given by their numbers from 0."""
        objective, optimizer = self.setup.objective, self.setup.optimizer
        for iteration in iterations:
            check_interruption()
            self._end_runs_at_target(iteration)
            if not self.cells.size:
                return
            if isinstance(optimizer, LeastSquaresOptimizer):
                self.weights, self.state = take_trial_step(
                    objective, optimizer, self.weights, self.state
                )
            else:
                self.gradient = objective.gradients(*self.weights)
                self._take_gradient_step(optimizer)
            numbers = (self.weights, *self.state) if optimizer.uses_magnitude else (self.weights,)
            if not all(np.isfinite(array).all() for array in numbers):
                finite = np.asarray(np.isfinite(numbers).all(axis=(0, 1)))
                self._end_runs(~finite, iteration + 1, Outcome.DIVERGED)
        self._end_runs_at_target(iterations.stop)
        for stored, numbers in zip(self.checkpoint.optimizer_state, self.state, strict=True):
            stored[:, self.cells] = numbers
        remaining = np.ones(self.cells.size, np.bool_)
        self._end_runs(remaining, iterations.stop, Outcome.ITERATIONS_EXHAUSTED)

    def _take_gradient_step(self, optimizer: GradientOptimizer) -> None:
        raw, uses_magnitude = self.gradient, optimizer.uses_magnitude
        clip = self.setup.clip if uses_magnitude else None
        gradient = raw if clip is None else np.stack(clip_gradient(raw[0], raw[1], clip))
        largest = LARGEST_SQUARABLE if uses_magnitude else inf
        # The comparisons fail for nan.
        if not (raw.min(initial=0.0) >= -largest and raw.max(initial=0.0) <= largest):
            lost = np.flatnonzero(~(np.abs(raw) <= largest).all(axis=0))
            extended = self.setup.objective.extended_gradients(*self.weights.take(lost, axis=1))
            gradient[:, lost] = to_float64(extended, clip, uses_magnitude=uses_magnitude)
        step, self.state = optimizer.update(gradient, self.state)
        self.weights += step

    def _end_runs_at_target(self, iteration: int) -> None:
        """End the runs whose cost is at most the target."""
        if self.setup.target_cost is not None:
            reached = self.setup.objective.costs(*self.weights) <= self.setup.target_cost
            self._end_runs(reached, iteration, Outcome.TARGET_REACHED)

    def _end_runs(self, ended: NDArray[np.bool_], iteration: int, outcome: Outcome) -> None:
        """Write the cells that ended to the checkpoint and remove them from the batch."""
        if not ended.any():
            return
        removed = np.flatnonzero(ended)
        cells, checkpoint = self.cells[removed], self.checkpoint
        checkpoint.iterations[cells], checkpoint.outcome[cells] = iteration, outcome.code
        checkpoint.weights[:, cells] = self.weights[:, removed]
        # Cells from the end fill the gaps, so removing a few cells moves few numbers.
        n_left = ended.size - removed.size
        gaps = removed[removed < n_left]
        last = n_left + np.flatnonzero(~ended[n_left:])
        for numbers in (self.cells, self.weights, self.gradient, *self.state):
            numbers[..., gaps] = numbers[..., last]
        self.cells = self.cells[:n_left]
        self.weights, self.gradient = self.weights[:, :n_left], self.gradient[:, :n_left]
        self.state = tuple(numbers[:, :n_left] for numbers in self.state)
