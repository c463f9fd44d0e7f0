"""The cells of a basin map, and the training of many of them together."""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.engine.objective import Objective
from service.engine.training.clip import (
    LARGEST_SQUARABLE,
    NORM_EPSILON,
    Clip,
    clip_extended_gradient,
)
from service.engine.training.optimizers import (
    GradientOptimizer,
    LeastSquaresOptimizer,
    Optimizer,
    State,
)
from service.engine.training.trial_step import take_trial_step
from service.engine.types import Array


class CellOutcome(IntEnum):
    """How the run of a cell ended: the values of ``Outcome`` as codes."""

    ITERATIONS_EXHAUSTED = 0
    TARGET_REACHED = 1
    DIVERGED = 2


class BasinCheckpoint(NamedTuple):
    """Everything needed to continue the runs of M = ny * nx cells, in row-major order.

    Attributes
    ----------
    iteration
        The number of iterations done by the cells that can continue.
    weights : (2, M)
        w_in and w_rec; the final ones where a run has ended.
    optimizer_state
        Arrays (2, M), valid for the cells that can continue.
    iterations : (M,)
        The number of iterations done by each cell.
    outcome : (M,)
        Codes of ``CellOutcome``; 0 while the cell can continue.
    """

    iteration: int
    weights: Array
    optimizer_state: State
    iterations: NDArray[np.int64]
    outcome: NDArray[np.uint8]


class Batch:
    """Cells that are trained together.

    A cell whose run ends is written to the checkpoint and removed from the arrays of the batch.
    Finding such cells in every iteration costs less than training them further.
    """

    def __init__(self, checkpoint: BasinCheckpoint, cells: NDArray[np.intp]) -> None:
        self.checkpoint = checkpoint
        self.cells = cells
        self.weights = checkpoint.weights[:, cells]
        self.gradient = np.zeros_like(self.weights)
        self.state = tuple(numbers[:, cells] for numbers in checkpoint.optimizer_state)

    def train(
        self,
        objective: Objective,
        optimizer: Optimizer,
        iterations: range,
        target_cost: float | None,
        clip: Clip | None,
    ) -> None:
        """Run some iterations, given by their numbers from 0."""
        clip = clip if optimizer.uses_magnitude else None
        for iteration in iterations:
            if isinstance(optimizer, LeastSquaresOptimizer):
                self._end_runs_at_target(objective, iteration, target_cost)
                self.weights, self.state = take_trial_step(
                    objective, optimizer, self.weights, self.state
                )
            else:
                self._compute_gradients(objective, iteration, target_cost)
                self._take_gradient_step(objective, optimizer, clip)
            numbers = (self.weights, *self.state) if optimizer.uses_magnitude else (self.weights,)
            if not all(np.isfinite(each).all() for each in numbers):
                finite = np.asarray(np.isfinite(numbers).all(axis=(0, 1)))
                self._end_runs(~finite, iteration + 1, CellOutcome.DIVERGED)
            if not self.cells.size:
                return
        self._end_runs_at_target(objective, iterations.stop, target_cost)
        self._write_weights(np.arange(self.cells.size), iterations.stop)
        for stored, numbers in zip(self.checkpoint.optimizer_state, self.state, strict=True):
            stored[:, self.cells] = numbers

    def _compute_gradients(
        self, objective: Objective, iteration: int, target_cost: float | None
    ) -> None:
        """Compute the gradients, and end the runs that have reached the target."""
        if target_cost is None:
            self.gradient = objective.gradients(*self.weights)
            return
        w_in, w_rec = self.weights
        reached, self.gradient = objective.is_at_most_and_gradients(w_in, w_rec, target_cost)
        self._end_runs(reached, iteration, CellOutcome.TARGET_REACHED)

    def _take_gradient_step(
        self, objective: Objective, optimizer: GradientOptimizer, clip: Clip | None
    ) -> None:
        # Unclipped, an optimizer that uses magnitudes diverges at a nan gradient in any case.
        if clip is not None or not optimizer.uses_magnitude:
            self._replace_nan_gradients(objective)
        if clip is not None:
            self._clip_gradients(objective, clip)
        step, self.state = optimizer.update(self.gradient, self.state)
        self.weights += step

    def _replace_nan_gradients(self, objective: Objective) -> None:
        """Replace nan by an infinity with the sign of the gradient, or by 0 if it is 0."""
        nan = np.isnan(self.gradient)
        if nan.any():
            cells = np.flatnonzero(nan.any(axis=0))
            extended = objective.extended_gradients(*self.weights.take(cells, axis=1))
            self.gradient[:, cells] = [np.where(g.sign(), g.sign() * np.inf, 0.0) for g in extended]

    def _clip_gradients(self, objective: Objective, clip: Clip) -> None:
        if clip.by == "value":
            self.gradient = np.clip(self.gradient, -clip.threshold, clip.threshold)
            return
        by_w_in, by_w_rec = self.gradient
        norm = np.sqrt(by_w_in * by_w_in + by_w_rec * by_w_rec)
        overflowing = np.flatnonzero(~(norm < LARGEST_SQUARABLE))
        self.gradient *= np.minimum(1.0, clip.threshold / (norm + NORM_EPSILON))
        if overflowing.size:
            extended = objective.extended_gradients(*self.weights.take(overflowing, axis=1))
            self.gradient[:, overflowing] = clip_extended_gradient(extended, clip.threshold)

    def _end_runs_at_target(
        self, objective: Objective, iteration: int, target_cost: float | None
    ) -> None:
        if target_cost is not None:
            reached = objective.costs(*self.weights) <= target_cost
            self._end_runs(reached, iteration, CellOutcome.TARGET_REACHED)

    def _end_runs(self, ended: NDArray[np.bool_], iteration: int, outcome: CellOutcome) -> None:
        """Write the cells that ended to the checkpoint and remove them from the batch."""
        if not ended.any():
            return
        removed = np.flatnonzero(ended)
        self._write_weights(removed, iteration)
        self.checkpoint.outcome[self.cells[removed]] = outcome
        # Cells from the end fill the gaps, so removing a few cells moves only a few numbers.
        n_left = ended.size - removed.size
        gaps = removed[removed < n_left]
        last = n_left + np.flatnonzero(~ended[n_left:])
        for numbers in (self.cells, self.weights, self.gradient, *self.state):
            numbers[..., gaps] = numbers[..., last]
        self.cells = self.cells[:n_left]
        self.weights, self.gradient = self.weights[:, :n_left], self.gradient[:, :n_left]
        self.state = tuple(numbers[:, :n_left] for numbers in self.state)

    def _write_weights(self, indices: NDArray[np.intp], iteration: int) -> None:
        cells = self.cells[indices]
        self.checkpoint.weights[:, cells] = self.weights[:, indices]
        self.checkpoint.iterations[cells] = iteration
