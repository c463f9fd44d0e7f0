"""Basins of attraction: training from every start of a grid, all starts at once.

``advance_basin_map`` carries a ``BasinCheckpoint`` some iterations further.
``compute_basin_map`` does that once, then computes the costs of the final weights.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.engine.objective import Objective
from service.engine.training.clip import Clip, clip_by_norm
from service.engine.training.optimizers import Optimizer, State
from service.engine.training.run import LARGEST
from service.engine.types import Array

BLOCK = 5_000  # starts trained together: as many as a core's cache holds


class CellOutcome(IntEnum):
    """How the run of one cell ended; the outcomes of ``training.Outcome`` as codes."""

    ITERATIONS_EXHAUSTED = 0
    TARGET_REACHED = 1
    DIVERGED = 2


class BasinCheckpoint(NamedTuple):
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
    """Train from every pair of a ``w_in`` (nx,) and a ``w_rec`` (ny,), all finite.

    A cell ends as ``training.train`` ends from the same start. Rprop's paths are the same to the
    last bit as long as the gradient's signs are; where magnitudes count, a batch adds numbers
    up in another order, so paths differ by rounding, which chaotic ones amplify.
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
    """Return the checkpoint before the first iteration."""
    weights = np.array(np.meshgrid(w_in, w_rec), np.float64).reshape(2, -1)
    n_cells = weights.shape[1]
    return BasinCheckpoint(
        iteration=0,
        weights=weights,
        state=optimizer.init(weights),
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
    """Train every cell until iteration ``until``, or the end of its run if that comes first.

    The given checkpoint is left as it was.
    """
    end = BasinCheckpoint(
        max(until, checkpoint.iteration),
        checkpoint.weights.copy(),
        tuple(map(np.copy, checkpoint.state)),
        checkpoint.iterations.copy(),
        checkpoint.outcome.copy(),
    )
    iterations = range(checkpoint.iteration, end.iteration)
    running = np.flatnonzero(end.outcome == CellOutcome.ITERATIONS_EXHAUSTED)
    with np.errstate(all="ignore"):
        n_blocks = -(-running.size // BLOCK)
        for cells in np.array_split(running, n_blocks) if n_blocks else []:
            block = _Block(end, cells)
            block.train(objective, optimizer, iterations, target_cost, clip)
    return end


def assemble_basin_map(
    objective: Objective, w_in: Array, w_rec: Array, checkpoint: BasinCheckpoint
) -> BasinMap:
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
    """Some cells of a checkpoint, trained together; a cell that ends is written there and leaves.

    To look for the ends at every iteration costs less than to drag them along.
    """

    def __init__(self, checkpoint: BasinCheckpoint, cells: NDArray[np.intp]) -> None:
        self.checkpoint = checkpoint
        self.cells = cells
        self.weights = checkpoint.weights[:, cells]
        self.gradient = np.zeros_like(self.weights)
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
        clip = clip if optimizer.uses_magnitude else None
        # With nothing to bound it, a gradient that is no number means divergence anyway.
        goes_on = clip is not None or not optimizer.uses_magnitude
        for iteration in iterations:
            w_in, w_rec = self.weights
            if target_cost is None:
                self.gradient = objective.gradients(w_in, w_rec)
            else:
                reached, self.gradient = objective.is_at_most_and_gradients(
                    w_in, w_rec, target_cost
                )
                self._leave(reached, iteration, CellOutcome.TARGET_REACHED)
            if goes_on:
                self._mend(objective)
            if clip is not None:
                self._clip(objective, clip)
            step, self.state = optimizer.update(self.gradient, self.state)
            self.weights += step
            if not self._all_finite(optimizer):
                self._leave(~self._finite(optimizer), iteration + 1, CellOutcome.DIVERGED)
            if not self.cells.size:
                return
        if target_cost is not None:
            reached = objective.costs(*self.weights) <= target_cost
            self._leave(reached, iterations.stop, CellOutcome.TARGET_REACHED)
        self._store(np.arange(self.cells.size), iterations.stop)
        for kept, numbers in zip(self.checkpoint.state, self.state, strict=True):
            kept[:, self.cells] = numbers

    def _mend(self, objective: Objective) -> None:
        """Give gradients that overflowed on the way their signs, and inf for magnitudes."""
        nans = np.isnan(self.gradient)
        if nans.any():
            lost = np.flatnonzero(nans.any(axis=0))
            extended = objective.extended_gradients(*self.weights.take(lost, axis=1))
            self.gradient[:, lost] = [np.where(g.sign(), g.sign() * np.inf, 0.0) for g in extended]

    def _clip(self, objective: Objective, clip: Clip) -> None:
        if clip.by == "value":
            self.gradient = np.clip(self.gradient, -clip.threshold, clip.threshold)
            return
        by_w_in, by_w_rec = self.gradient
        norm = np.sqrt(by_w_in * by_w_in + by_w_rec * by_w_rec)
        far = np.flatnonzero(~(norm < LARGEST))
        self.gradient *= np.minimum(1.0, clip.threshold / (norm + 1e-6))
        if far.size:
            extended = objective.extended_gradients(*self.weights.take(far, axis=1))
            self.gradient[:, far] = clip_by_norm(extended, clip.threshold)

    def _all_finite(self, optimizer: Optimizer) -> bool:
        numbers = (self.weights, *self.state) if optimizer.uses_magnitude else (self.weights,)
        return all(np.isfinite(each).all() for each in numbers)

    def _finite(self, optimizer: Optimizer) -> NDArray[np.bool_]:
        finite = np.isfinite(self.weights)
        if optimizer.uses_magnitude:
            for numbers in self.state:
                finite &= np.isfinite(numbers)
        both: NDArray[np.bool_] = finite[0] & finite[1]
        return both

    def _leave(self, ended: NDArray[np.bool_], iteration: int, outcome: CellOutcome) -> None:
        if not ended.any():
            return
        which = np.flatnonzero(ended)
        self._store(which, iteration)
        self.checkpoint.outcome[self.cells[which]] = outcome
        # The last ones that stay fill the gaps, so a few that leave cost little.
        n_left = ended.size - which.size
        gaps = which[which < n_left]
        last = n_left + np.flatnonzero(~ended[n_left:])
        for numbers in (self.cells, self.weights, self.gradient, *self.state):
            numbers[..., gaps] = numbers[..., last]
        self.cells = self.cells[:n_left]
        self.weights, self.gradient = self.weights[:, :n_left], self.gradient[:, :n_left]
        self.state = tuple(numbers[:, :n_left] for numbers in self.state)

    def _store(self, which: NDArray[np.intp], iteration: int) -> None:
        cells = self.cells[which]
        self.checkpoint.weights[:, cells] = self.weights[:, which]
        self.checkpoint.iterations[cells] = iteration
