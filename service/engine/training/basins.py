"""Basin maps: simultaneous training from every starting point of a grid.

A map can be stopped and resumed between iterations: ``advance_basin_map`` takes a
``BasinCheckpoint`` to a later iteration, and ``assemble_basin_map`` computes the costs of the final
weights when all runs have ended.

Each cell ends like ``train`` from the same initial weights. The weights of Rprop are equal bit for
bit, provided that the signs of the gradients are equal. For optimizers that use magnitudes, the
order of sums differs in a batch, and chaotic runs amplify the difference in rounding.
"""

from copy import deepcopy
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.engine.interruption import check_interruption
from service.engine.objective import Objective
from service.engine.training.optimizer import (
    GradientOptimizer,
    LeastSquaresOptimizer,
    Optimizer,
    State,
)
from service.engine.training.setup import Outcome, TrainingSetup
from service.engine.training.steps import (
    LARGEST_SQUARABLE,
    clip_gradient,
    take_trial_step,
    to_float64,
)
from service.engine.types import Array


class BasinCheckpoint(NamedTuple):
    """The state from which the runs of M = ny * nx cells continue, in row-major order."""

    iteration: int  # done by the cells that can continue
    weights: Array  # (2, M); the final ones where a run has ended
    optimizer_state: Array  # (K, 2, M), valid for the cells that can continue
    iterations: NDArray[np.int64]  # (M,), done by each cell
    outcome: NDArray[np.uint8]  # (M,), codes of outcomes; 0 while the cell can continue


@dataclass(frozen=True)
class BasinMap:
    """The outcome of training for every starting point of a grid."""

    w_in: Array  # (nx,), initial weights of the columns
    w_rec: Array  # (ny,), initial weights of the rows
    # (ny, nx), of the final weights; inf where it overflows, nan where one is not finite
    cost: Array
    iterations: NDArray[np.int64]  # (ny, nx), those done
    outcome: NDArray[np.uint8]  # (ny, nx), codes of outcomes


def start_basin_map(optimizer: Optimizer, w_in: Array, w_rec: Array) -> BasinCheckpoint:
    """Return the checkpoint of a basin map before the first iteration.

    Parameters
    ----------
    optimizer
        Of the runs.
    w_in : (nx,)
        The initial input weights; finite.
    w_rec : (ny,)
        The initial recurrent weights; finite.

    Returns
    -------
    BasinCheckpoint
        Of ny nx runs, row by row.
    """
    weights = np.array(np.meshgrid(w_in, w_rec), np.float64).reshape(2, -1)
    n_cells = weights.shape[1]
    return BasinCheckpoint(
        iteration=0,
        weights=weights,
        optimizer_state=np.array(optimizer.init(weights)).reshape(-1, 2, n_cells),
        iterations=np.zeros(n_cells, np.int64),
        outcome=np.zeros(n_cells, np.uint8),
    )


def advance_basin_map(
    setup: TrainingSetup, checkpoint: BasinCheckpoint, until: int
) -> BasinCheckpoint:
    """Return the state of the cells at iteration ``until``, or at the earlier end of their runs.

    The setup is the same for all parts of a map. The checkpoint is not modified.
    """
    end = deepcopy(checkpoint)._replace(iteration=max(until, checkpoint.iteration))
    with np.errstate(all="ignore"):
        _Batch.from_checkpoint(setup, end).train(range(checkpoint.iteration, end.iteration))
    return end


@dataclass
class _Batch:
    """The cells of a checkpoint that can continue, and that are trained together.

    A cell whose run ends is written to the checkpoint and removed from the arrays of the batch.
    Finding such cells in every iteration costs less than training them further.
    """

    setup: TrainingSetup
    checkpoint: BasinCheckpoint
    cells: NDArray[np.intp]  # (m,), their numbers
    weights: Array  # (2, m)
    state: State  # arrays (2, m)

    @classmethod
    def from_checkpoint(cls, setup: TrainingSetup, checkpoint: BasinCheckpoint) -> "_Batch":
        """Return the batch of all cells that can continue."""
        cells = np.flatnonzero(checkpoint.outcome == Outcome.ITERATIONS_EXHAUSTED.code)
        state = tuple(checkpoint.optimizer_state[..., cells])
        return cls(setup, checkpoint, cells, checkpoint.weights[:, cells], state)

    def train(self, iterations: range) -> None:
        """Run some iterations, given by their numbers from 0."""
        objective = self.setup.objective
        optimizer = self.setup.optimizer
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
        objective = self.setup.objective
        uses_magnitude = optimizer.uses_magnitude
        raw = objective.gradients(*self.weights)
        clip = self.setup.clip if uses_magnitude else None
        gradient = raw if clip is None else np.stack(clip_gradient(raw[0], raw[1], clip))
        largest = LARGEST_SQUARABLE if uses_magnitude else inf
        # The comparisons fail for nan.
        if not (raw.min() >= -largest and raw.max() <= largest):
            lost = np.flatnonzero(~(np.abs(raw) <= largest).all(axis=0))
            extended = objective.extended_gradients(*self.weights.take(lost, axis=1))
            gradient[:, lost] = to_float64(extended, clip, uses_magnitude)
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
        cells = self.cells[ended]
        self.checkpoint.iterations[cells] = iteration
        self.checkpoint.outcome[cells] = outcome.code
        self.checkpoint.weights[:, cells] = self.weights[:, ended]
        left = np.flatnonzero(~ended)
        self.cells = self.cells[left]
        self.weights = self.weights.take(left, axis=1)
        self.state = tuple(numbers.take(left, axis=1) for numbers in self.state)


def assemble_basin_map(
    objective: Objective, w_in: Array, w_rec: Array, checkpoint: BasinCheckpoint
) -> BasinMap:
    """Compute the costs of the weights of a checkpoint, usually the last one, and return the map.

    Parameters
    ----------
    objective
        The objective of the training.
    w_in : (nx,)
        The initial input weights.
    w_rec : (ny,)
        The initial recurrent weights.
    checkpoint
        Of ny nx runs.

    Returns
    -------
    BasinMap
        With arrays (ny, nx).
    """
    shape = w_rec.size, w_in.size
    return BasinMap(
        w_in=w_in,
        w_rec=w_rec,
        cost=objective.costs(*checkpoint.weights).reshape(shape),
        iterations=checkpoint.iterations.reshape(shape),
        outcome=checkpoint.outcome.reshape(shape),
    )
