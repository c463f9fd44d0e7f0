"""Basin maps: training from every starting point of a grid, all of them at once.

A map can be stopped and resumed between iterations: ``advance_basin_map`` takes a
``BasinCheckpoint`` to a later iteration, and ``assemble_basin_map`` computes the costs of the final
weights when all runs have ended.

Each cell ends like ``train`` from the same initial weights. The weights of Rprop are equal bit for
bit, provided that the signs of the gradients are equal. For optimizers that use magnitudes, a batch
adds in a different order, and chaotic runs amplify the difference in rounding.
"""

from copy import deepcopy
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from service.engine.objective import Objective
from service.engine.training.batch import BasinCheckpoint, Batch
from service.engine.training.optimizers import Optimizer
from service.engine.training.outcome import Outcome
from service.engine.training.setup import TrainingSetup
from service.engine.types import Array

CELLS_PER_BATCH: Final = 5_000  # the arrays of a batch fit in the cache of a core


@dataclass(frozen=True)
class BasinMap:
    """How training ends for every starting point of a grid."""

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
    w_rec : (ny,)
        The initial weights; finite.

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
    """Return the state of the cells at iteration ``until``, or where their runs ended before.

    The setup is the same for all parts of a map. The checkpoint is not modified.
    """
    end = deepcopy(checkpoint)._replace(iteration=max(until, checkpoint.iteration))
    iterations = range(checkpoint.iteration, end.iteration)
    running = np.flatnonzero(end.outcome == Outcome.ITERATIONS_EXHAUSTED.code)
    n_batches = -(-running.size // CELLS_PER_BATCH)
    with np.errstate(all="ignore"):
        for cells in np.array_split(running, n_batches) if n_batches else []:
            Batch(setup, end, cells).train(iterations)
    return end


def assemble_basin_map(
    objective: Objective, w_in: Array, w_rec: Array, checkpoint: BasinCheckpoint
) -> BasinMap:
    """Compute the costs of the weights of a checkpoint, usually the last one, and return the map.

    Parameters
    ----------
    objective
        That which was trained on.
    w_in : (nx,)
    w_rec : (ny,)
        The initial weights.
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
