"""Training: from the initial weights, one optimizer step after another.

Training can be stopped and resumed: ``advance_training`` carries a ``TrainingCheckpoint`` some
iterations further. ``train`` does that once, then computes the costs along the way.
"""

from array import array
from dataclasses import dataclass
from enum import StrEnum
from math import exp, inf, isfinite
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.engine.arithmetic import ExtendedFloat
from service.engine.objective import Objective
from service.engine.training.clip import Clip, clip_by_norm, clip_gradient
from service.engine.training.optimizers import Optimizer, State
from service.engine.types import Array, Weights

# Between these a gradient is what float64 says. Of smaller ones the sign may be lost; larger
# ones overflow when an optimizer squares them.
SMALLEST, LARGEST = 2.3e-308, 1e150
LOG_LARGE = 300.0  # a norm beside which the 1e-6 of clipping is nothing
LOG_LIMIT = 709.0  # exp still is a float64
ZERO_GRADIENT = ExtendedFloat(0.0, 0), ExtendedFloat(0.0, 0)


class Outcome(StrEnum):
    """How a run ended.

    Diverged is a run with a weight, or a number that its optimizer remembers, that is no longer
    finite. A cost beyond float64 is no such thing.
    """

    TARGET_REACHED = "target_reached"
    ITERATIONS_EXHAUSTED = "iterations_exhausted"
    DIVERGED = "diverged"


class TrainingCheckpoint(NamedTuple):
    """Where a run stands: all that is needed to go on, in plain numbers."""

    iteration: int
    weights: Weights
    states: tuple[State, State]
    outcome: Outcome | None = None

    def plain(self) -> list[Any]:
        """Return nested lists of numbers, fit for JSON while the run can go on."""
        outcome = None if self.outcome is None else str(self.outcome)
        return [self.iteration, list(self.weights), [list(s) for s in self.states], outcome]

    @classmethod
    def of(cls, plain: list[Any]) -> "TrainingCheckpoint":
        """Rebuild a checkpoint from what ``plain`` made of it."""
        iteration, weights, (state_in, state_rec), outcome = plain
        return cls(
            iteration,
            Weights(*weights),
            (tuple(state_in), tuple(state_rec)),
            None if outcome is None else Outcome(outcome),
        )


@dataclass(frozen=True)
class Trajectory:
    """What a run recorded, and how it ended.

    iteration : (m,) -- the iterations recorded: 0, every ``record_every``-th and the last.
    weights : (m, 2) -- w_in and w_rec after each of these.
    cost, log10_cost : (m,) -- the cost is inf beyond float64, its logarithm -inf where it is 0;
    both are nan where a weight is not finite.
    iterations : the number of iterations done.
    """

    iteration: NDArray[np.int64]
    weights: Array
    cost: Array
    log10_cost: Array
    outcome: Outcome
    iterations: int


def start_training(initial_weights: Weights, optimizer: Optimizer) -> TrainingCheckpoint:
    """Return the checkpoint before the first iteration."""
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
    """Train until iteration ``until``, or the end of the run if that comes first.

    Stopped and taken up again anywhere, a run is the same to the last bit.

    Returns
    -------
    checkpoint
        Where the run now stands; its outcome is None while the run can go on.
    record : (m, 3)
        iteration, w_in, w_rec for every recorded iteration after the given checkpoint.
    """
    begun, (w_in, w_rec), (state_in, state_rec), _ = checkpoint
    outcome = _at_first(checkpoint, objective, target_cost)
    gradient, update = objective.gradient, optimizer.update
    if not optimizer.uses_magnitude:
        clip = None
    # The smallest gradients still have a sign, but magnitudes that small move nothing; the
    # largest ones have a sign as long as they are finite.
    smallest, largest = (-1.0, LARGEST) if optimizer.uses_magnitude else (SMALLEST, inf)
    extended, extended_at = ZERO_GRADIENT, (inf, inf)
    record: list[float] = []
    iteration = begun
    for iteration in range(begun + 1, until + 1) if outcome is None else ():
        g_in, g_rec = gradient(w_in, w_rec)
        ordinary = smallest < abs(g_in) < largest and smallest < abs(g_rec) < largest
        if not ordinary:
            # Where the gradient is zero the weights rest: once is enough.
            if extended_at != (w_in, w_rec):
                extended = objective.extended_gradient(w_in, w_rec)
                extended_at = w_in, w_rec
            g_in, g_rec = _usable(extended, optimizer, clip)
        elif clip is not None:
            g_in, g_rec = clip_gradient(g_in, g_rec, clip)
        step_in, state_in = update(g_in, state_in)
        step_rec, state_rec = update(g_rec, state_rec)
        w_in += step_in
        w_rec += step_rec
        # A number less itself is 0 if it is finite, else nan. An ordinary gradient cannot make
        # a state overflow, so states are looked at only here.
        finite = w_in - w_in == w_rec - w_rec
        if not (finite and (ordinary or _finite(state_in, state_rec))):
            outcome = Outcome.DIVERGED
        elif target_cost is not None and objective.is_at_most(w_in, w_rec, target_cost):
            outcome = Outcome.TARGET_REACHED
        if not iteration % record_every:
            record.append(w_in)
            record.append(w_rec)
        if outcome is not None:
            break
    end = TrainingCheckpoint(iteration, Weights(w_in, w_rec), (state_in, state_rec), outcome)
    return end, _numbered(record, begun // record_every + 1, record_every)


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
    """Train from the initial weights and return what happened.

    Parameters
    ----------
    n_iterations
        How many at most; 0 records the initial weights alone.
    target_cost
        The run ends at the first iteration, the initial weights included, whose cost is not
        above it.
    record_every
        Distance of recorded iterations; the first and the last one are recorded always.
    clip
        Bounds the gradient before the optimizer sees it; without effect on optimizers that
        look only at signs.
    """
    begin = start_training(initial_weights, optimizer)
    end, record = advance_training(
        objective,
        optimizer,
        begin,
        until=n_iterations,
        target_cost=target_cost,
        record_every=record_every,
        clip=clip,
    )
    return assemble_trajectory(objective, begin.weights, end, record)


def assemble_trajectory(
    objective: Objective,
    initial_weights: Weights,
    end: TrainingCheckpoint,
    record: Array,
) -> Trajectory:
    """Make the trajectory of a run that is over: all records (m, 3) together, then their costs."""
    rows = [np.array([[0.0, *initial_weights]]), record]
    if end.iteration > (record[-1, 0] if len(record) else 0):
        rows.append(np.array([[end.iteration, *end.weights]]))
    table = np.concatenate(rows)
    iteration, weights = table[:, 0].astype(np.int64), table[:, 1:].copy()
    w_in, w_rec = weights.T
    # A bounded activation may give a cost even to an infinite weight.
    finite = np.isfinite(weights).all(axis=1)
    cost, log10_cost = objective.costs_and_log10(w_in, w_rec)
    return Trajectory(
        iteration=iteration,
        weights=weights,
        cost=np.where(finite, cost, np.nan),
        log10_cost=np.where(finite, log10_cost, np.nan),
        outcome=end.outcome or Outcome.ITERATIONS_EXHAUSTED,
        iterations=end.iteration,
    )


def _numbered(record: list[float], first: int, record_every: int) -> Array:
    """Return rows (m, 3) of w_in and w_rec, one after the other in a list, after the iterations."""
    rows = np.empty((len(record) // 2, 3))
    rows[:, 0] = record_every * np.arange(first, first + len(rows))
    # A flat array takes a fraction of the time that numpy takes for a list.
    rows[:, 1:] = np.frombuffer(array("d", record)).reshape(-1, 2)
    return rows


def _at_first(
    checkpoint: TrainingCheckpoint, objective: Objective, target_cost: float | None
) -> Outcome | None:
    """Return the outcome so far; a start may lie below the target already."""
    iteration, weights, _, outcome = checkpoint
    if iteration or outcome is not None or target_cost is None:
        return outcome
    return Outcome.TARGET_REACHED if objective.is_at_most(*weights, target_cost) else None


def _finite(*states: State) -> bool:
    return all(isfinite(number) for state in states for number in state)


def _usable(
    extended: tuple[ExtendedFloat, ExtendedFloat], optimizer: Optimizer, clip: Clip | None
) -> tuple[float, float]:
    """Return of a gradient beyond float64 as much as the optimizer uses.

    That is the signs, or the clipped gradient; a magnitude that is still too large is inf.
    """
    (sign_in, log_in), (sign_rec, log_rec) = ((g.sign(), g.log()) for g in extended)
    if not optimizer.uses_magnitude:
        return sign_in, sign_rec
    if clip is not None and clip.by == "norm" and max(log_in, log_rec) > LOG_LARGE:
        g_in, g_rec = clip_by_norm(extended, clip.threshold)
        return float(g_in), float(g_rec)
    g_in = sign_in * (exp(log_in) if log_in < LOG_LIMIT else inf) if sign_in else 0.0
    g_rec = sign_rec * (exp(log_rec) if log_rec < LOG_LIMIT else inf) if sign_rec else 0.0
    return (g_in, g_rec) if clip is None else clip_gradient(g_in, g_rec, clip)
