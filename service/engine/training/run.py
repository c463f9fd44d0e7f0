"""Training: the steps of an optimizer, starting at the initial weights.

``train`` does a whole run. A long run can be stopped and resumed between iterations:
``advance_training`` takes a ``TrainingCheckpoint`` to a later iteration, and
``assemble_trajectory`` computes the costs at the recorded iterations when the run has ended.
"""

from array import array
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from math import inf, isfinite
from typing import Final, NamedTuple, TypeAlias

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
from service.engine.training.setup import Clip, Outcome, TrainingSetup
from service.engine.training.steps import (
    LARGEST_SQUARABLE,
    clip_gradient,
    take_trial_step,
    to_float64,
)
from service.engine.types import Array, Weights

# Iterations whose costs are compared with the target together: enough to make numpy's overhead
# negligible, and few enough to make the iterations after the target negligible.
BLOCK: Final = 128

# Just above the smallest normal float64. A smaller gradient may have lost its sign to underflow.
SMALLEST_SIGNED: Final = 2.3e-308

# Both weights and the optimizer's states after an iteration, and whether all are finite.
StepResult: TypeAlias = tuple[float, float, State, State, bool]

# A function that does an iteration from both weights and the optimizer's states.
Step: TypeAlias = Callable[[float, float, State, State], StepResult]


class TrainingCheckpoint(NamedTuple):
    """The state from which a run continues."""

    iteration: int  # the number of iterations done
    weights: Weights  # after that iteration
    optimizer_states: tuple[State, State]  # the optimizer's state for w_in and for w_rec
    outcome: Outcome | None = None  # None while the run can continue


@dataclass(frozen=True)
class Trajectory:
    """The recorded iterations of a run, and its outcome.

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
        The state from which to continue.
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
    take_step = _make_step(setup)
    parts = [np.empty((0, 3))]
    at_start = checkpoint.iteration == 0 and checkpoint.outcome is None
    if at_start and _find_target(setup, np.array([checkpoint.weights])) == 0:
        checkpoint = checkpoint._replace(outcome=Outcome.TARGET_REACHED)
    while checkpoint.outcome is None and checkpoint.iteration < until:
        check_interruption()
        block_end = checkpoint.iteration - checkpoint.iteration % BLOCK + BLOCK
        checkpoint, rows = _advance_block(setup, take_step, checkpoint, min(until, block_end))
        parts.append(rows[rows[:, 0] % record_every == 0.0])
    return checkpoint, np.concatenate(parts)


def _advance_block(
    setup: TrainingSetup, take_step: Step, checkpoint: TrainingCheckpoint, until: int
) -> tuple[TrainingCheckpoint, Array]:
    """Train to an iteration, or to the end of the run, and compare all costs with the target.

    Return also the rows (m, 3) of iteration, w_in and w_rec.
    """
    w_in, w_rec = checkpoint.weights
    state_in, state_rec = checkpoint.optimizer_states
    outcome = None
    record = list[float]()
    states = list[tuple[State, State]]()
    for iteration in range(checkpoint.iteration + 1, until + 1):
        w_in, w_rec, state_in, state_rec, is_finite = take_step(w_in, w_rec, state_in, state_rec)
        record += iteration, w_in, w_rec
        states.append((state_in, state_rec))
        if not is_finite:
            outcome = Outcome.DIVERGED
            break
    # numpy reads a flat array.array several times as fast as a list.
    rows = np.array(array("d", record)).reshape(-1, 3)
    reached = _find_target(setup, rows[:, 1:])
    if reached is not None:
        outcome = Outcome.TARGET_REACHED
        rows = rows[: reached + 1]
    weights = Weights(*rows[-1, 1:].tolist())
    done = checkpoint.iteration + len(rows)
    return TrainingCheckpoint(done, weights, states[len(rows) - 1], outcome), rows


def _find_target(setup: TrainingSetup, weights: Array) -> int | None:
    """Return the index of the first of some weights (m, 2) whose cost is at most the target."""
    if setup.target_cost is None:
        return None
    reached = np.flatnonzero(setup.objective.costs(*weights.T) <= setup.target_cost)
    return int(reached[0]) if reached.size else None


def _make_step(setup: TrainingSetup) -> Step:
    """Return the function that does one iteration."""
    if isinstance(setup.optimizer, LeastSquaresOptimizer):
        return partial(_try_step, setup.objective, setup.optimizer)
    return _make_gradient_step(setup.objective, setup.optimizer, setup.clip)


def _make_gradient_step(
    objective: Objective, optimizer: GradientOptimizer, clip: Clip | None
) -> Step:
    """Return the function that does one iteration with the gradient."""
    gradient = objective.gradient
    update = optimizer.update
    uses_magnitude = optimizer.uses_magnitude
    clip = clip if uses_magnitude else None
    # Outside this range, float64 lost the sign of a gradient, or its square may overflow. A
    # gradient whose magnitude underflows does not change the weights.
    smallest, largest = (-1.0, LARGEST_SQUARABLE) if uses_magnitude else (SMALLEST_SIGNED, inf)

    @lru_cache(maxsize=1)  # where the gradient is 0, the weights do not change
    def compute_out_of_range(w_in: float, w_rec: float) -> tuple[float, float]:
        extended = objective.extended_gradients(np.array([w_in]), np.array([w_rec]))
        (g_in,), (g_rec,) = to_float64(extended, clip, uses_magnitude)
        return float(g_in), float(g_rec)

    def take_step(w_in: float, w_rec: float, state_in: State, state_rec: State) -> StepResult:
        g_in, g_rec = gradient(w_in, w_rec)
        in_range = smallest < abs(g_in) < largest and smallest < abs(g_rec) < largest
        if not in_range:
            g_in, g_rec = compute_out_of_range(w_in, w_rec)
        elif clip is not None:
            g_in, g_rec = clip_gradient(g_in, g_rec, clip)
        step_in, state_in = update(g_in, state_in)
        step_rec, state_rec = update(g_rec, state_rec)
        w_in += step_in
        w_rec += step_rec
        # x - x is 0 for a finite x, otherwise nan. Only gradients out of range can make a state
        # overflow, so states need no test elsewhere.
        is_finite = in_range or all(map(isfinite, (*state_in, *state_rec)))
        return w_in, w_rec, state_in, state_rec, is_finite and w_in - w_in == w_rec - w_rec

    return take_step


def _try_step(
    objective: Objective,
    optimizer: LeastSquaresOptimizer,
    w_in: float,
    w_rec: float,
    state_in: State,
    state_rec: State,
) -> StepResult:
    """Do one iteration that tries a step."""
    weights = np.array([[w_in], [w_rec]])
    arrays: State = tuple(np.array([state_in, state_rec]).T[:, :, None])
    weights, arrays = take_trial_step(objective, optimizer, weights, arrays)
    w_in, w_rec = weights[:, 0].tolist()
    state_in, state_rec = map(tuple, np.array(arrays)[:, :, 0].T.tolist())
    return w_in, w_rec, state_in, state_rec, isfinite(w_in) and isfinite(w_rec)


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
    iteration = table[:, 0].astype(np.int64)
    weights = table[:, 1:].copy()
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
