"""Training: the steps of an optimizer, starting at the initial weights.

``train`` does a whole run. A long run can be stopped and resumed between iterations:
``advance_training`` takes a ``TrainingCheckpoint`` to a later iteration, and
``assemble_trajectory`` computes the costs at the recorded iterations when the run has ended.
"""

from array import array
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.engine.interruption import check_interruption
from service.engine.objective import Objective
from service.engine.training.optimizer import LeastSquaresOptimizer, Optimizer, State
from service.engine.training.setup import Outcome, TrainingSetup
from service.engine.training.steps import (
    LARGEST_SQUARABLE,
    clip_gradient,
    take_trial_step,
    to_float64,
)
from service.engine.types import Array, Weights

# Iterations whose costs are compared with the target together: so many that numpy's overhead does
# not count, and so few that those after the one that reaches it do not count either.
BLOCK: Final = 128

# Just above the smallest normal float64. A smaller gradient may have lost its sign to underflow.
SMALLEST_SIGNED: Final = 2.3e-308


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


def train(
    setup: TrainingSetup, initial_weights: Weights, n_iterations: int = 500, record_every: int = 1
) -> Trajectory:
    """Train from the initial weights.

    Parameters
    ----------
    setup
        The cost, the optimizer and their settings.
    initial_weights
        w_in and w_rec. If one is not finite, the run ends as diverged before it starts.
    n_iterations
        The largest number of iterations; 0 records only the initial weights.
    record_every
        Distance between recorded iterations, at least 1. The first and the last iteration are
        always recorded. The last digits of a recorded cost may depend on it.
    """
    start = start_training(initial_weights, setup.optimizer)
    end, record = advance_training(setup, start, n_iterations, record_every)
    return assemble_trajectory(setup.objective, start.weights, end, record)


def start_training(initial_weights: Weights, optimizer: Optimizer) -> TrainingCheckpoint:
    """Return the checkpoint before the first iteration.

    If one of the initial weights is not finite, the run has already diverged.
    """
    w_in, w_rec = map(float, initial_weights)
    outcome = None if isfinite(w_in) and isfinite(w_rec) else Outcome.DIVERGED
    states = optimizer.init(w_in), optimizer.init(w_rec)
    return TrainingCheckpoint(0, Weights(w_in, w_rec), states, outcome)


def advance_training(
    setup: TrainingSetup, checkpoint: TrainingCheckpoint, until: int, record_every: int = 1
) -> tuple[TrainingCheckpoint, Array]:
    """Train to iteration ``until``, or to the end of the run if that comes first.

    A run that is stopped and resumed at any iteration equals an uninterrupted one bit for bit, if
    ``setup`` and ``record_every`` are the same for all parts.

    Parameters
    ----------
    setup
        The objective, the optimizer and the conditions that end a run.
    checkpoint
        The state from which to go on.
    until
        The last iteration; not negative.
    record_every
        The interval of the record in iterations; positive.

    Returns
    -------
    checkpoint
        The state of the run at that iteration.
    record : (m, 3)
        Rows of iteration, w_in and w_rec for the multiples of ``record_every`` after the given
        checkpoint.
    """
    objective, optimizer = setup.objective, setup.optimizer
    least_squares = optimizer if isinstance(optimizer, LeastSquaresOptimizer) else None
    gradient, uses_magnitude = objective.gradient, optimizer.uses_magnitude
    update: Any = optimizer.update
    clip = setup.clip if uses_magnitude else None
    # Outside this range, float64 lost the sign of a gradient, or its square may overflow. A
    # gradient whose magnitude underflows moves nothing.
    smallest, largest = (-1.0, LARGEST_SQUARABLE) if uses_magnitude else (SMALLEST_SIGNED, inf)
    usable, usable_at = (0.0, 0.0), (inf, inf)
    done, (w_in, w_rec), (state_in, state_rec), outcome = checkpoint
    if not done and outcome is None and _find_target(setup, np.array([[w_in, w_rec]])) == 0:
        outcome = Outcome.TARGET_REACHED
    parts = [np.empty((0, 3))]
    while outcome is None and done < until:
        check_interruption()
        start, record, states = done, list[float](), list[tuple[State, State]]()
        for done in range(start + 1, min(until, start - start % BLOCK + BLOCK) + 1):
            in_range = True
            if least_squares is not None:
                (w_in, w_rec), (state_in, state_rec) = _try_step(
                    objective, least_squares, [w_in, w_rec], [state_in, state_rec]
                )
            else:
                g_in, g_rec = gradient(w_in, w_rec)
                in_range = smallest < abs(g_in) < largest and smallest < abs(g_rec) < largest
                if not in_range:
                    # Where the gradient is 0 the weights do not move: one computation is enough.
                    if usable_at != (w_in, w_rec):
                        usable_at = w_in, w_rec
                        extended = objective.extended_gradients(np.array([w_in]), np.array([w_rec]))
                        (g_in,), (g_rec,) = to_float64(extended, clip, uses_magnitude)
                        usable = float(g_in), float(g_rec)
                    g_in, g_rec = usable
                elif clip is not None:
                    g_in, g_rec = clip_gradient(g_in, g_rec, clip)
                step_in, state_in = update(g_in, state_in)
                step_rec, state_rec = update(g_rec, state_rec)
                w_in += step_in
                w_rec += step_rec
            record += done, w_in, w_rec
            states.append((state_in, state_rec))
            # x - x is 0 for a finite x, otherwise nan. Only gradients out of range can make a
            # state overflow, so states need no test elsewhere.
            is_finite = in_range or all(map(isfinite, (*state_in, *state_rec)))
            if not (is_finite and w_in - w_in == w_rec - w_rec):
                outcome = Outcome.DIVERGED
                break
        # numpy reads a flat array.array several times as fast as a list.
        steps = np.array(array("d", record)).reshape(-1, 3)
        reached = _find_target(setup, steps[:, 1:])
        if reached is not None:
            outcome, steps = Outcome.TARGET_REACHED, steps[: reached + 1]
            done, (w_in, w_rec) = start + reached + 1, steps[-1, 1:].tolist()
            state_in, state_rec = states[reached]
        parts.append(steps[steps[:, 0] % record_every == 0.0])
    end = TrainingCheckpoint(done, Weights(w_in, w_rec), (state_in, state_rec), outcome)
    return end, np.concatenate(parts)


def _find_target(setup: TrainingSetup, weights: Array) -> int | None:
    """Return the index of the first of some weights (m, 2) whose cost is at most the target."""
    if setup.target_cost is None:
        return None
    reached = np.flatnonzero(setup.objective.costs(*weights.T) <= setup.target_cost)
    return int(reached[0]) if reached.size else None


def _try_step(
    objective: Objective,
    optimizer: LeastSquaresOptimizer,
    weights: list[float],
    states: list[State],
) -> tuple[list[float], list[State]]:
    """Return both weights and their states after an iteration that tries a step."""
    arrays: State = tuple(np.array(states).T[:, :, None])
    following, arrays = take_trial_step(objective, optimizer, np.array(weights)[:, None], arrays)
    return following[:, 0].tolist(), [*map(tuple, np.array(arrays)[:, :, 0].T.tolist())]


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
