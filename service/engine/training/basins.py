"""Basin maps: training from every starting point of a grid, all of them at once.

``compute_basin_map`` does a whole map. A long one can be stopped and resumed between iterations:
``advance_basin_map`` takes a ``BasinCheckpoint`` to a later iteration, and ``assemble_basin_map``
computes the costs of the final weights when all runs have ended.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

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

CELLS_PER_BATCH: Final = 5_000  # the arrays of a batch fit in the cache of a core


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


@dataclass(frozen=True)
class BasinMap:
    """How training ends for every starting point of a grid.

    Attributes
    ----------
    w_in : (nx,)
        Initial weights of the columns.
    w_rec : (ny,)
        Initial weights of the rows.
    cost : (ny, nx)
        Cost of the final weights; inf where it overflows, nan where a weight is not finite.
    iterations : (ny, nx)
        The number of iterations done.
    outcome : (ny, nx)
        Codes of ``CellOutcome``.
    """

    w_in: Array
    w_rec: Array
    cost: Array
    iterations: NDArray[np.int64]
    outcome: NDArray[np.uint8]


def compute_basin_map(
    objective: Objective,
    optimizer: Optimizer,
    w_in: Array,
    w_rec: Array,
    *,
    n_iterations: int = 500,
    target_cost: float | None = 0.01,
    clip: Clip | None = None,
) -> BasinMap:
    """Train from every combination of initial weights.

    Each cell ends as ``train`` ends from the same initial weights. The weights of Rprop are equal
    bit for bit, provided the signs of the gradients are. Where magnitudes count, a batch adds in
    a different order, and chaotic runs amplify the difference in rounding.

    Parameters
    ----------
    objective, optimizer, n_iterations, target_cost, clip
        As in ``train``.
    w_in : (nx,)
    w_rec : (ny,)
        Initial weights, finite.

    Returns
    -------
    BasinMap
    """
    end = advance_basin_map(
        objective,
        optimizer,
        start_basin_map(optimizer, w_in, w_rec),
        until=n_iterations,
        target_cost=target_cost,
        clip=clip,
    )
    return assemble_basin_map(objective, w_in, w_rec, end)


def start_basin_map(optimizer: Optimizer, w_in: Array, w_rec: Array) -> BasinCheckpoint:
    """Return the checkpoint before the first iteration, for ``w_in`` (nx,) and ``w_rec`` (ny,)."""
    weights = np.array(np.meshgrid(w_in, w_rec), np.float64).reshape(2, -1)
    n_cells = weights.shape[1]
    return BasinCheckpoint(
        iteration=0,
        weights=weights,
        optimizer_state=optimizer.init(weights),
        iterations=np.zeros(n_cells, np.int64),
        outcome=np.zeros(n_cells, np.uint8),
    )


def advance_basin_map(
    objective: Objective,
    optimizer: Optimizer,
    checkpoint: BasinCheckpoint,
    *,
    until: int,
    target_cost: float | None = 0.01,
    clip: Clip | None = None,
) -> BasinCheckpoint:
    """Train every cell to iteration ``until``, or to the end of its run if that comes first.

    Parameters
    ----------
    objective, optimizer, target_cost, clip
        As in ``train``; the same for all parts of a map.
    checkpoint
        Where the cells stand; not modified.
    until
        The iteration to train to.

    Returns
    -------
    checkpoint
        Where the cells stand now.
    """
    end = BasinCheckpoint(
        max(until, checkpoint.iteration),
        checkpoint.weights.copy(),
        tuple(map(np.copy, checkpoint.optimizer_state)),
        checkpoint.iterations.copy(),
        checkpoint.outcome.copy(),
    )
    iterations = range(checkpoint.iteration, end.iteration)
    running = np.flatnonzero(end.outcome == CellOutcome.ITERATIONS_EXHAUSTED)
    n_batches = -(-running.size // CELLS_PER_BATCH)
    with np.errstate(all="ignore"):
        for cells in np.array_split(running, n_batches) if n_batches else []:
            _Batch(end, cells).train(objective, optimizer, iterations, target_cost, clip)
    return end


def assemble_basin_map(
    objective: Objective, w_in: Array, w_rec: Array, checkpoint: BasinCheckpoint
) -> BasinMap:
    """Compute the costs of the weights of a checkpoint, and return the map.

    Parameters
    ----------
    objective
        The cost that was trained on.
    w_in : (nx,)
    w_rec : (ny,)
        The initial weights.
    checkpoint
        Usually the last one.
    """
    shape = w_rec.size, w_in.size
    finite = np.isfinite(checkpoint.weights).all(axis=0)
    cost = np.where(finite, objective.costs(*checkpoint.weights), np.nan)
    return BasinMap(
        w_in=w_in,
        w_rec=w_rec,
        cost=cost.reshape(shape),
        iterations=checkpoint.iterations.reshape(shape),
        outcome=checkpoint.outcome.reshape(shape),
    )


class _Batch:
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
                if target_cost is not None:
                    reached = objective.costs(*self.weights) <= target_cost
                    self._end_runs(reached, iteration, CellOutcome.TARGET_REACHED)
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
        if target_cost is not None:
            reached = objective.costs(*self.weights) <= target_cost
            self._end_runs(reached, iterations.stop, CellOutcome.TARGET_REACHED)
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
