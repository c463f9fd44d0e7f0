"""Basins of attraction: training from every start of a grid, all starts at once.

The batch is a value, as a run is in ``training``: ``advance`` takes a ``Checkpoint`` some
iterations on, and ``basin_map`` is nothing but that, then the costs of the final weights.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.engine.objective import Objective
from service.engine.optimizers import Optimizer, State
from service.engine.training import LARGEST, Clip, clipped_by_norm
from service.engine.types import Array

BLOCK = 10_000  # starts trained together: as many as a core's cache holds
SLACK = 16  # a block is compacted when one in so many of its cells has finished


class CellOutcome(IntEnum):
    """How the run of one cell ended; the outcomes of ``training.Outcome`` as codes."""

    ITERATIONS_EXHAUSTED = 0
    TARGET_REACHED = 1
    DIVERGED = 2


class Checkpoint(NamedTuple):
    """Where the runs of all M = ny * nx cells stand, row after row.

    weights : (2, M) -- w_in and w_rec, the final ones where a run has ended.
    state : what the optimizer remembers, arrays (2, M), for runs that can go on.
    iterations : (M,) -- the iterations done.
    outcome : (M,) -- codes of ``CellOutcome``; 0 as long as the run can go on.
    """

    iteration: int
    weights: Array
    state: State
    iterations: NDArray[np.int64]
    outcome: NDArray[np.uint8]


@dataclass(frozen=True)
class BasinMap:
    """How training ends, for every start of a grid.

    w_in : (nx,) -- initial weights, the columns.
    w_rec : (ny,) -- initial weights, the rows.
    cost : (ny, nx) -- of the final weights; inf beyond float64, nan where one is not finite.
    iterations : (ny, nx) -- the iterations done.
    outcome : (ny, nx) -- 0 iterations exhausted, 1 target reached, 2 diverged.
    """

    w_in: Array
    w_rec: Array
    cost: Array
    iterations: NDArray[np.int64]
    outcome: NDArray[np.uint8]


def basin_map(
    objective: Objective,
    optimizer: Optimizer,
    w_in: Array,
    w_rec: Array,
    *,
    n_iterations: int = 500,
    target_cost: float | None = 0.01,
    clip: Clip | None = None,
) -> BasinMap:
    """Train from every pair of a ``w_in`` (nx,) and a ``w_rec`` (ny,), all finite.

    A cell ends as ``training.train`` ends from the same start. Rprop's paths are the same to the
    last bit as long as the gradient's signs are; where magnitudes count, a batch adds numbers
    up in another order, so paths differ by rounding, which chaotic ones amplify.
    """
    end = advance(
        objective,
        optimizer,
        start(optimizer, w_in, w_rec),
        until=n_iterations,
        target_cost=target_cost,
        clip=clip,
    )
    return assemble(objective, w_in, w_rec, end)


def start(optimizer: Optimizer, w_in: Array, w_rec: Array) -> Checkpoint:
    """Return the checkpoint before the first iteration."""
    weights = np.array(np.meshgrid(w_in, w_rec), np.float64).reshape(2, -1)
    n_cells = weights.shape[1]
    return Checkpoint(
        iteration=0,
        weights=weights,
        state=optimizer.init(weights),
        iterations=np.zeros(n_cells, np.int64),
        outcome=np.zeros(n_cells, np.uint8),
    )


def advance(
    objective: Objective,
    optimizer: Optimizer,
    checkpoint: Checkpoint,
    *,
    until: int,
    target_cost: float | None = 0.01,
    clip: Clip | None = None,
) -> Checkpoint:
    """Train every cell until iteration ``until``, or the end of its run if that comes first.

    The given checkpoint is left as it was.
    """
    end = Checkpoint(
        max(until, checkpoint.iteration),
        checkpoint.weights.copy(),
        tuple(map(np.copy, checkpoint.state)),
        checkpoint.iterations.copy(),
        checkpoint.outcome.copy(),
    )
    iterations = range(checkpoint.iteration, end.iteration)
    running = np.flatnonzero(end.outcome == CellOutcome.ITERATIONS_EXHAUSTED)
    with np.errstate(all="ignore"):
        for cells in np.array_split(running, -(-running.size // BLOCK) or 1):
            block = _Block(end, cells)
            block.train(objective, optimizer, iterations, target_cost, clip)
    return end


def assemble(objective: Objective, w_in: Array, w_rec: Array, checkpoint: Checkpoint) -> BasinMap:
    """Make the map of runs that are over, or as they stand."""
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


class _Block:
    """Some cells of a checkpoint, trained together; their ends are written into it.

    Cells that have reached the target are only marked, and leave when there are enough of
    them; those without a number leave at once.
    """

    def __init__(self, checkpoint: Checkpoint, cells: NDArray[np.intp]) -> None:
        self.checkpoint = checkpoint
        self.cells = cells
        self.running = np.ones(cells.size, np.bool_)
        self.weights = checkpoint.weights[:, cells]
        self.state = tuple(numbers[:, cells] for numbers in checkpoint.state)

    def train(
        self,
        objective: Objective,
        optimizer: Optimizer,
        iterations: range,
        target_cost: float | None,
        clip: Clip | None,
    ) -> None:
        """Do some iterations, given by their numbers from 0."""
        for iteration in iterations:
            self._compact(tolerated=self.cells.size // SLACK)
            if not self.cells.size:
                return
            w_in, w_rec = self.weights
            if target_cost is None:
                gradient = np.array(objective.gradients(w_in, w_rec))
            else:
                reached, *both = objective.reached_and_gradients(w_in, w_rec, target_cost)
                self._settle(reached, iteration, CellOutcome.TARGET_REACHED)
                gradient = np.array(both)
            if clip is not None and optimizer.uses_magnitude:
                gradient = self._clipped(objective, clip, gradient)
            step, self.state = optimizer.update(gradient, self.state)
            self.weights += step
            self._settle_diverged(optimizer, iteration + 1)
        if target_cost is not None and self.cells.size:
            reached = objective.costs(*self.weights) <= target_cost
            self._settle(reached, iterations.stop, CellOutcome.TARGET_REACHED)
        self._store(np.flatnonzero(self.running), iterations.stop)
        for kept, numbers in zip(self.checkpoint.state, self.state, strict=True):
            kept[:, self.cells] = numbers

    def _clipped(self, objective: Objective, clip: Clip, gradient: Array) -> Array:
        if clip.by == "value":
            return np.clip(gradient, -clip.threshold, clip.threshold)
        norm = np.sqrt(gradient[0] * gradient[0] + gradient[1] * gradient[1])
        clipped: Array = gradient * np.minimum(1.0, clip.threshold / (norm + 1e-6))
        far = np.flatnonzero(~(norm < LARGEST))
        if far.size:
            scaled = objective.scaled_gradients(*self.weights.take(far, axis=1))
            clipped[:, far] = clipped_by_norm(scaled, clip.threshold)
        return clipped

    def _settle_diverged(self, optimizer: Optimizer, iteration: int) -> None:
        remembered = self.state if optimizer.uses_magnitude else ()
        finite = np.isfinite(self.weights)
        for numbers in remembered:
            finite &= np.isfinite(numbers)
        if not finite.all():
            self._settle(~(finite[0] & finite[1]), iteration, CellOutcome.DIVERGED)
            self._compact(tolerated=0)

    def _settle(self, ended: NDArray[np.bool_], iteration: int, outcome: CellOutcome) -> None:
        which = np.flatnonzero(ended & self.running)
        if which.size:
            self._store(which, iteration)
            self.checkpoint.outcome[self.cells[which]] = outcome
            self.running[which] = False

    def _store(self, which: NDArray[np.intp], iteration: int) -> None:
        cells = self.cells[which]
        self.checkpoint.weights[:, cells] = self.weights[:, which]
        self.checkpoint.iterations[cells] = iteration

    def _compact(self, *, tolerated: int) -> None:
        n_running = np.count_nonzero(self.running)
        if self.cells.size - n_running <= tolerated:
            return
        running = np.flatnonzero(self.running)
        self.cells = self.cells[running]
        self.weights = self.weights.take(running, axis=1)
        self.state = tuple(numbers.take(running, axis=1) for numbers in self.state)
        self.running = np.ones(n_running, np.bool_)
