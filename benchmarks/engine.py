"""The engine, called in the same way as the service calls it."""

import numpy as np
from numpy.typing import NDArray

from service.engine.data import Dataset
from service.engine.network import Network
from service.engine.objective import Objective, make_objective
from service.engine.training import (
    OPTIMIZERS,
    TrainingSetup,
    advance_basin_map,
    advance_training,
    assemble_basin_map,
    start_basin_map,
    start_training,
    train,
)
from service.engine.types import Weights

Array = NDArray[np.float64]
START = Weights(-1.5, 2.0)


def iterate(inputs: Array, targets: Array, n_iterations: int = 500) -> Array:
    """Train with the tutorial's Rprop, data pass included; return all weights."""
    objective = make_objective(Dataset.from_arrays(inputs, targets), Network())
    rprop = OPTIMIZERS["rprop"]()
    setup = TrainingSetup(objective, rprop)
    _, record = advance_training(setup, start_training(START, rprop), n_iterations)
    return np.concatenate([[START], record[:, 1:]])


def complete_run(inputs: Array, targets: Array) -> Array:
    """Train as a request does, with costs along the path and the exact optimum."""
    objective = make_objective(Dataset.from_arrays(inputs, targets), Network())
    trajectory = train(TrainingSetup(objective, OPTIMIZERS["rprop"]()), START)
    assert objective.optimum is not None
    return trajectory.weights


def prepare(inputs: Array, targets: Array) -> Objective:
    """Return the objective with its moments ready."""
    return make_objective(Dataset.from_arrays(inputs, targets), Network())


def surface(objective: Objective, w_in: Array, w_rec: Array) -> Array:
    """Return the cost on a grid."""
    return objective.costs(w_in[None, :], w_rec[:, None])


def basins(objective: Objective, w_in: Array, w_rec: Array, n_iterations: int = 500) -> Array:
    """Train from every start of a grid; return the final weights (2, ny, nx)."""
    rprop = OPTIMIZERS["rprop"]()
    begin = start_basin_map(rprop, w_in, w_rec)
    end = advance_basin_map(TrainingSetup(objective, rprop), begin, n_iterations)
    assemble_basin_map(objective, w_in, w_rec, end)
    return end.weights.reshape(2, w_rec.size, w_in.size)
