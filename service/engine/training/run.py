"""Training: the steps of an optimizer, starting at the initial weights.

``train`` does a whole run. A long run can be stopped and resumed between iterations:
``advance_training`` takes a ``TrainingCheckpoint`` to a later iteration, and
``assemble_trajectory`` computes the costs at the recorded iterations when the run has ended.
"""

from array import array
from collections.abc import Iterator
from math import inf, isfinite
from typing import Final

import numpy as np

from service.engine.interruption import check_interruption
from service.engine.training.clip import LARGEST_SQUARABLE, clip_gradient, to_float64
from service.engine.training.optimizers import (
    GradientOptimizer,
    LeastSquaresOptimizer,
    Optimizer,
    State,
)
from service.engine.training.outcome import Outcome
from service.engine.training.setup import TrainingSetup
from service.engine.training.trajectory import TrainingCheckpoint, Trajectory, assemble_trajectory
from service.engine.training.trial_step import take_trial_step
from service.engine.types import Array, Weights

# Iterations whose costs are compared with the target together: so many that numpy's overhead does
# not count, and so few that they can be trained again up to the one that reaches it.
BLOCK: Final = 128

# Just above the smallest normal float64. A smaller gradient may have lost its sign to underflow.
SMALLEST_SIGNED: Final = 2.3e-308

# After each iteration: w_in, w_rec, the optimizer's state of each, whether all are finite.
Steps = Iterator[tuple[float, float, State, State, bool]]


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
    parts = [np.empty((0, 3))]
    if not checkpoint.iteration and _first_at_target(setup, checkpoint.weights) == 0:
        checkpoint = checkpoint._replace(outcome=checkpoint.outcome or Outcome.TARGET_REACHED)
    while checkpoint.outcome is None and checkpoint.iteration < until:
        check_interruption()
        start, end = checkpoint, checkpoint.iteration + BLOCK - checkpoint.iteration % BLOCK
        checkpoint, steps = _take_steps(setup, start, min(until, end))
        # The costs of a block are compared with the target together. A block that reaches it is
        # trained again up to that iteration, for the state of the optimizer.
        reached = _first_at_target(setup, steps[:, 1:])
        if reached is not None:
            checkpoint, steps = _take_steps(setup, start, start.iteration + 1 + reached)
            checkpoint = checkpoint._replace(outcome=Outcome.TARGET_REACHED)
        parts.append(steps[steps[:, 0] % record_every == 0.0])
    return checkpoint, np.concatenate(parts)


def _first_at_target(setup: TrainingSetup, weights: Array | Weights) -> int | None:
    """Return the first of some weights (m, 2) or (2,) whose cost is at most the target."""
    if setup.target_cost is None:
        return None
    w_in, w_rec = np.array(weights).reshape(-1, 2).T
    (reached,) = np.nonzero(setup.objective.costs(w_in, w_rec) <= setup.target_cost)
    return int(reached[0]) if reached.size else None


def _take_steps(
    setup: TrainingSetup, start: TrainingCheckpoint, until: int
) -> tuple[TrainingCheckpoint, Array]:
    """Train to iteration ``until`` unless the run diverges; rows of iteration, w_in and w_rec."""
    done, (w_in, w_rec), (state_in, state_rec), outcome = start
    if isinstance(setup.optimizer, LeastSquaresOptimizer):
        steps = _take_trial_steps(setup, setup.optimizer, start)
    else:
        steps = _take_gradient_steps(setup, setup.optimizer, start)
    record: list[float] = []
    for done, step in zip(range(start.iteration + 1, until + 1), steps, strict=False):
        w_in, w_rec, state_in, state_rec, finite = step
        record += done, w_in, w_rec
        if not finite:
            outcome = Outcome.DIVERGED
            break
    end = TrainingCheckpoint(done, Weights(w_in, w_rec), (state_in, state_rec), outcome)
    # numpy reads a flat array.array several times as fast as a list.
    return end, np.array(array("d", record)).reshape(-1, 3)


def _take_gradient_steps(
    setup: TrainingSetup, optimizer: GradientOptimizer, checkpoint: TrainingCheckpoint
) -> Steps:
    """Yield the results of one iteration after the other, without an end."""
    (w_in, w_rec), (state_in, state_rec) = checkpoint.weights, checkpoint.optimizer_states
    objective, clip = setup.objective, setup.clip
    gradient = objective.gradient
    _, update, uses_magnitude = optimizer
    # Outside this range, float64 lost the sign of a gradient, or its square may overflow.
    if uses_magnitude:
        smallest, largest = -1.0, LARGEST_SQUARABLE  # a gradient that underflows moves nothing
    else:
        smallest, largest, clip = SMALLEST_SIGNED, inf, None
    usable, usable_at = (0.0, 0.0), (inf, inf)
    while True:
        g_in, g_rec = gradient(w_in, w_rec)
        in_range = smallest < abs(g_in) < largest and smallest < abs(g_rec) < largest
        if not in_range:
            # Where the gradient is 0 the weights do not move, and one computation is enough.
            if usable_at != (w_in, w_rec):
                usable_at = w_in, w_rec
                extended = objective.extended_gradients(np.array([w_in]), np.array([w_rec]))
                (g_in,), (g_rec,) = to_float64(extended, clip, uses_magnitude=uses_magnitude)
                usable = float(g_in), float(g_rec)
            g_in, g_rec = usable
        elif clip is not None:
            g_in, g_rec = clip_gradient(g_in, g_rec, clip)
        step_in, state_in = update(g_in, state_in)
        step_rec, state_rec = update(g_rec, state_rec)
        w_in += step_in
        w_rec += step_rec
        # x - x is 0 for a finite x, otherwise nan. Only gradients out of range can make a state
        # overflow, so states need no test elsewhere.
        state_is_finite = in_range or all(map(isfinite, (*state_in, *state_rec)))
        finite = state_is_finite and w_in - w_in == w_rec - w_rec
        yield w_in, w_rec, state_in, state_rec, finite


def _take_trial_steps(
    setup: TrainingSetup, optimizer: LeastSquaresOptimizer, checkpoint: TrainingCheckpoint
) -> Steps:
    """Yield the same for an optimizer that tries steps."""
    weights = np.array(checkpoint.weights)[:, None]
    state: State = tuple(np.array(checkpoint.optimizer_states).T[:, :, None])
    while True:
        weights, state = take_trial_step(setup.objective, optimizer, weights, state)
        w_in, w_rec = weights[:, 0].tolist()
        state_in, state_rec = (tuple(float(numbers[i, 0]) for numbers in state) for i in range(2))
        yield w_in, w_rec, state_in, state_rec, isfinite(w_in) and isfinite(w_rec)
