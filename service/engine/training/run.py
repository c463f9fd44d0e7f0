"""Training: the steps of an optimizer, starting at the initial weights.

``train`` does a whole run. A long run can be stopped and resumed between iterations:
``advance_training`` takes a ``TrainingCheckpoint`` to a later iteration, and
``assemble_trajectory`` computes the costs at the recorded iterations when the run has ended.
"""

from math import inf, isfinite
from typing import Final

import numpy as np

from service.engine.objective import Objective
from service.engine.training.clip import (
    LARGEST_SQUARABLE,
    Clip,
    clip_gradient,
    usable_gradient,
)
from service.engine.training.optimizers import (
    GradientOptimizer,
    LeastSquaresOptimizer,
    Optimizer,
    State,
)
from service.engine.training.trajectory import (
    Outcome,
    TrainingCheckpoint,
    Trajectory,
    assemble_trajectory,
    record_rows,
)
from service.engine.training.trial_step import take_trial_step
from service.engine.types import Array, Weights

# Just above the smallest normal float64. A smaller gradient may have lost its sign to underflow.
SMALLEST_SIGNED: Final = 2.3e-308


def train(
    objective: Objective,
    initial_weights: Weights,
    optimizer: Optimizer,
    *,
    n_iterations: int = 500,
    target_cost: float | None = None,
    record_every: int = 1,
    clip: Clip | None = None,
) -> Trajectory:
    """Train from the initial weights.

    Parameters
    ----------
    objective
        The cost and its gradient.
    initial_weights
        w_in and w_rec. If one is not finite, the run ends as diverged before it starts.
    optimizer
        Turns gradients into steps.
    n_iterations
        The largest number of iterations; 0 records only the initial weights.
    target_cost
        If given, the run ends at the first iteration whose cost is at most this. The initial
        weights count as iteration 0.
    record_every
        Distance between recorded iterations, at least 1. The first and the last iteration are
        always recorded.
    clip
        Bounds the gradient before the optimizer uses it. It has no effect on optimizers that use
        only signs, or that have no gradient.

    Returns
    -------
    Trajectory
    """
    start = start_training(initial_weights, optimizer)
    end, record = advance_training(
        objective,
        optimizer,
        start,
        until=n_iterations,
        target_cost=target_cost,
        record_every=record_every,
        clip=clip,
    )
    return assemble_trajectory(objective, start.weights, end, record)


def start_training(initial_weights: Weights, optimizer: Optimizer) -> TrainingCheckpoint:
    """Return the checkpoint before the first iteration.

    Parameters
    ----------
    initial_weights
        w_in and w_rec. If one is not finite, the run has already diverged.
    optimizer
        The one that will be used.

    Returns
    -------
    checkpoint
    """
    w_in, w_rec = map(float, initial_weights)
    outcome = None if isfinite(w_in) and isfinite(w_rec) else Outcome.DIVERGED
    states = optimizer.init(w_in), optimizer.init(w_rec)
    return TrainingCheckpoint(0, Weights(w_in, w_rec), states, outcome)


def advance_training(
    objective: Objective,
    optimizer: Optimizer,
    checkpoint: TrainingCheckpoint,
    *,
    until: int,
    target_cost: float | None = None,
    record_every: int = 1,
    clip: Clip | None = None,
) -> tuple[TrainingCheckpoint, Array]:
    """Train to iteration ``until``, or to the end of the run if that comes first.

    A run that is stopped and resumed at any iteration equals an uninterrupted one bit for bit.

    Parameters
    ----------
    objective, optimizer, target_cost, record_every, clip
        As in ``train``; the same for all parts of a run.
    checkpoint
        Where the run stands.
    until
        The iteration to train to.

    Returns
    -------
    checkpoint
        Where the run stands now.
    record : (m, 3)
        Rows of iteration, w_in and w_rec for the multiples of ``record_every`` after the given
        checkpoint.
    """
    outcome = _initial_outcome(checkpoint, objective, target_cost)
    start = checkpoint._replace(outcome=outcome)
    options = until, target_cost, record_every
    if isinstance(optimizer, LeastSquaresOptimizer):
        return _advance_by_trials(objective, optimizer, start, *options)
    return _advance_by_gradients(objective, optimizer, start, *options, clip)


def _advance_by_gradients(
    objective: Objective,
    optimizer: GradientOptimizer,
    checkpoint: TrainingCheckpoint,
    until: int,
    target_cost: float | None,
    record_every: int,
    clip: Clip | None,
) -> tuple[TrainingCheckpoint, Array]:
    """Train with an optimizer that turns gradients into steps; see ``advance_training``."""
    done, (w_in, w_rec), (state_in, state_rec), outcome = checkpoint
    gradient, update = objective.gradient, optimizer.update
    # Outside this range, float64 lost the sign of a gradient, or its square may overflow.
    if optimizer.uses_magnitude:
        smallest, largest = -1.0, LARGEST_SQUARABLE  # a gradient that underflows moves nothing
    else:
        smallest, largest, clip = SMALLEST_SIGNED, inf, None
    usable, usable_at = (0.0, 0.0), (inf, inf)
    record: list[float] = []
    iteration = done
    for iteration in range(done + 1, until + 1) if outcome is None else ():
        g_in, g_rec = gradient(w_in, w_rec)
        in_range = smallest < abs(g_in) < largest and smallest < abs(g_rec) < largest
        if not in_range:
            # Where the gradient is 0 the weights do not move, and one computation is enough.
            if usable_at != (w_in, w_rec):
                usable_at = w_in, w_rec
                extended = objective.extended_gradient(w_in, w_rec)
                usable = usable_gradient(extended, clip, uses_magnitude=optimizer.uses_magnitude)
            g_in, g_rec = usable
        elif clip is not None:
            g_in, g_rec = clip_gradient(g_in, g_rec, clip)
        step_in, state_in = update(g_in, state_in)
        step_rec, state_rec = update(g_rec, state_rec)
        w_in += step_in
        w_rec += step_rec
        # x - x is 0 for a finite x, otherwise nan. Only gradients out of range can make a state
        # overflow, so states need no test elsewhere.
        finite = w_in - w_in == w_rec - w_rec
        if not (finite and (in_range or all(map(isfinite, (*state_in, *state_rec))))):
            outcome = Outcome.DIVERGED
        elif target_cost is not None and objective.is_at_most(w_in, w_rec, target_cost):
            outcome = Outcome.TARGET_REACHED
        if not iteration % record_every:
            record.append(w_in)
            record.append(w_rec)
        if outcome is not None:
            break
    end = TrainingCheckpoint(iteration, Weights(w_in, w_rec), (state_in, state_rec), outcome)
    return end, record_rows(record, done // record_every + 1, record_every)


def _advance_by_trials(
    objective: Objective,
    optimizer: LeastSquaresOptimizer,
    checkpoint: TrainingCheckpoint,
    until: int,
    target_cost: float | None,
    record_every: int,
) -> tuple[TrainingCheckpoint, Array]:
    """Train with an optimizer that tries steps; see ``advance_training``."""
    done, start, states, outcome = checkpoint
    weights = np.array(start).reshape(2, 1)
    state: State = tuple(np.array(numbers).reshape(2, 1) for numbers in zip(*states, strict=True))
    record: list[float] = []
    iteration = done
    for iteration in range(done + 1, until + 1) if outcome is None else ():
        weights, state = take_trial_step(objective, optimizer, weights, state)
        w_in, w_rec = weights[:, 0].tolist()
        if not (isfinite(w_in) and isfinite(w_rec)):
            outcome = Outcome.DIVERGED
        elif target_cost is not None and objective.is_at_most(w_in, w_rec, target_cost):
            outcome = Outcome.TARGET_REACHED
        if not iteration % record_every:
            record += w_in, w_rec
        if outcome is not None:
            break
    state_in, state_rec = (tuple(float(numbers[i, 0]) for numbers in state) for i in range(2))
    at = Weights(*weights[:, 0].tolist())
    end = TrainingCheckpoint(iteration, at, (state_in, state_rec), outcome)
    return end, record_rows(record, done // record_every + 1, record_every)


def _initial_outcome(
    checkpoint: TrainingCheckpoint, objective: Objective, target_cost: float | None
) -> Outcome | None:
    """Return the outcome before the next iteration: the initial weights may reach the target."""
    iteration, weights, _, outcome = checkpoint
    if iteration or outcome is not None or target_cost is None:
        return outcome
    return Outcome.TARGET_REACHED if objective.is_at_most(*weights, target_cost) else None
