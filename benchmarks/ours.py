"""The engine, called as the service calls it."""

import numpy as np
from numpy.typing import NDArray

from service.engine import basins as basin_maps
from service.engine.landscape import cost_surface
from service.engine.network import Network
from service.engine.objective import Objective, make_objective
from service.engine.optimizers import OPTIMIZERS
from service.engine.samples import Samples
from service.engine.training import advance, start, train
from service.engine.types import Weights

Array = NDArray[np.float64]
START = Weights(-1.5, 2.0)


def iterate(inputs: Array, targets: Array, n_iterations: int = 500) -> Array:
    """Train with the note's Rprop, data pass included: the weights after every iteration."""
    objective = make_objective(Samples.of(inputs, targets), Network())
    rprop = OPTIMIZERS["rprop"]()
    _, record = advance(objective, rprop, start(START, rprop), until=n_iterations)
    return np.concatenate([[START], record[:, 1:]])


def whole_run(inputs: Array, targets: Array) -> Array:
    """Train as a request does: honest costs along the path and the exact optimum as well."""
    objective = make_objective(Samples.of(inputs, targets), Network())
    trajectory = train(objective, START, OPTIMIZERS["rprop"]())
    assert objective.optimum is not None
    return trajectory.weights


def prepared(inputs: Array, targets: Array) -> Objective:
    """Return the objective with its moments ready."""
    return make_objective(Samples.of(inputs, targets), Network())


def surface(objective: Objective, w_in: Array, w_rec: Array) -> Array:
    """Evaluate the cost on a grid."""
    return cost_surface(objective, w_in, w_rec).cost


def basins(objective: Objective, w_in: Array, w_rec: Array, n_iterations: int = 500) -> Array:
    """Train from every start of a grid: the final weights (2, ny, nx)."""
    rprop = OPTIMIZERS["rprop"]()
    begin = basin_maps.start(rprop, w_in, w_rec)
    end = basin_maps.advance(objective, rprop, begin, until=n_iterations, target_cost=None)
    basin_maps.assemble(objective, w_in, w_rec, end)
    return end.weights.reshape(2, w_rec.size, w_in.size)
