"""The checkpoints and the trajectory of a training run."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.engine.objective import Objective
from service.engine.training.optimizers import State
from service.engine.training.outcome import Outcome
from service.engine.types import Array, Weights


class TrainingCheckpoint(NamedTuple):
    """Everything needed to continue a run.

    Attributes
    ----------
    iteration
        The number of iterations done.
    weights
        The weights after that iteration.
    optimizer_states
        The optimizer's state for w_in and for w_rec.
    outcome
        None while the run can continue.
    """

    iteration: int
    weights: Weights
    optimizer_states: tuple[State, State]
    outcome: Outcome | None = None


@dataclass(frozen=True)
class Trajectory:
    """The recorded iterations of a run, and how it ended.

    Attributes
    ----------
    iteration : (m,)
        The recorded iterations: 0, every ``record_every``-th and the last.
    weights : (m, 2)
        w_in and w_rec after each of them.
    cost, log10_cost : (m,)
        The cost is inf where it overflows; its logarithm is -inf where it is 0. Both are nan
        where a weight is not finite.
    outcome
        How the run ended.
    iterations
        The number of iterations done.
    """

    iteration: NDArray[np.int64]
    weights: Array
    cost: Array
    log10_cost: Array
    outcome: Outcome
    iterations: int


def assemble_trajectory(
    objective: Objective, initial_weights: Weights, end: TrainingCheckpoint, record: Array
) -> Trajectory:
    """Compute the costs of a run that has ended, and return its trajectory.

    Parameters
    ----------
    objective
        The cost that was trained on.
    initial_weights
        The weights of iteration 0.
    end
        The last checkpoint.
    record : (m, 3)
        The records of all parts of the run, concatenated.

    Returns
    -------
    Trajectory
    """
    table = np.vstack([[0.0, *initial_weights], record])
    if end.iteration > table[-1, 0]:
        table = np.vstack([table, [end.iteration, *end.weights]])
    iteration, weights = table[:, 0].astype(np.int64), table[:, 1:].copy()
    w_in, w_rec = weights.T
    cost = objective.costs(w_in, w_rec)
    return Trajectory(
        iteration=iteration,
        weights=weights,
        cost=cost,
        log10_cost=objective.log10_costs(w_in, w_rec, cost),
        outcome=end.outcome or Outcome.ITERATIONS_EXHAUSTED,
        iterations=end.iteration,
    )
