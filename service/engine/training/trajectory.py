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
    """Everything needed to continue a run."""

    iteration: int  # the number of iterations done
    weights: Weights  # after that iteration
    optimizer_states: tuple[State, State]  # the optimizer's state for w_in and for w_rec
    outcome: Outcome | None = None  # None while the run can continue


@dataclass(frozen=True)
class Trajectory:
    """The recorded iterations of a run, and how it ended.

    Costs and logarithms are nan where a weight is not finite.
    """

    iteration: NDArray[np.int64]  # (m,), those recorded: 0, every record_every-th and the last
    weights: Array  # (m, 2), w_in and w_rec after each of them
    cost: Array  # (m,); inf where it overflows
    log10_cost: Array  # (m,); -inf where the cost is 0
    outcome: Outcome
    iterations: int  # the number of iterations done


def assemble_trajectory(
    objective: Objective, initial_weights: Weights, end: TrainingCheckpoint, record: Array
) -> Trajectory:
    """Compute the costs of a run that has ended, and return its trajectory.

    Parameters
    ----------
    objective
        That which was trained on.
    initial_weights
        The weights at iteration 0.
    end
        The last checkpoint.
    record : (m, 3)
        The records of all parts of the run, concatenated.

    Returns
    -------
    Trajectory
        With a row for iteration 0, for each record, and for the last iteration.
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
