"""Training runs, from the question to the numbers of the answer."""

from collections.abc import Sequence
from math import isfinite, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.engine.data import DatasetSize
from service.engine.objective import Objective
from service.engine.training import (
    OPTIMIZERS,
    LeastSquaresOptimizer,
    TrainingCheckpoint,
    Trajectory,
    advance_training,
    assemble_trajectory,
    start_training,
    train,
)
from service.engine.types import Array, Weights
from service.errors import Invalid
from service.operations import work_estimates
from service.operations.job_types import Arrays, ComputationOutput, JobType, StepwiseComputation
from service.operations.limits import Limits
from service.operations.resolve import ResolvedDataset
from service.operations.surfaces import optimum_answer
from service.schemas.common import Evaluation, NullableWeights
from service.schemas.optimizers import ClipSchema, OptimizerSchema
from service.schemas.training_runs import TrainingRunRequest, TrainingRunResult

STEP_SECONDS = 0.1  # a job looks up after steps of this length, by estimate


def check(question: TrainingRunRequest, size: DatasetSize, allowed: Limits) -> None:
    """Refuse a run that makes no sense or is too long; raises Invalid."""
    check_clip(question.optimizer, question.clip)
    allowed.check_iterations(question.n_iterations)
    allowed.check_job(seconds(question, size), "/n_iterations")
    if not question.keep:
        recorded = question.n_iterations // question.record_every + 2
        instead = "raise record_every, or keep the run and read its trajectory as csv"
        allowed.check_json(5 * recorded, "/record_every", instead)


def seconds(question: TrainingRunRequest, size: DatasetSize) -> float:
    """Return the seconds that a run takes."""
    return _estimate(question, size, question.n_iterations)


def _estimate(question: TrainingRunRequest, size: DatasetSize, n_iterations: int) -> float:
    has_target = question.target_cost is not None
    return work_estimates.training_seconds(
        question.network.activation,
        size,
        n_iterations,
        has_target=has_target,
        tries_steps=tries_steps(question.optimizer),
    )


def tries_steps(optimizer: OptimizerSchema) -> bool:
    """Return whether the optimizer takes a step only if it decreases the cost."""
    return isinstance(optimizer.to_engine(), LeastSquaresOptimizer)


def check_clip(optimizer: OptimizerSchema, clip: ClipSchema | None) -> None:
    """Refuse a clip that would change nothing; raises Invalid."""
    kind = OPTIMIZERS[optimizer.name]
    if clip is not None and not kind.accepts_clip:
        reason = "limits its steps by damping" if kind.uses_magnitude else "uses only signs"
        raise Invalid(f"{kind.name} {reason}: clip has no use", "/clip")


def run(question: TrainingRunRequest, samples: ResolvedDataset) -> ComputationOutput:
    """Train, and find the exact optimum where there is one to find."""
    objective = samples.objective(question.network.to_engine())
    trajectory = train(
        objective,
        question.initial_weights.to_engine(),
        question.optimizer.to_engine(),
        n_iterations=question.n_iterations,
        target_cost=question.target_cost,
        record_every=question.record_every,
        clip=question.clip.to_engine() if question.clip else None,
    )
    return computed(objective, trajectory)


def computed(objective: Objective, trajectory: Trajectory) -> ComputationOutput:
    """Return the numbers of the answer from what a run recorded."""
    # Plain floats: numpy's would warn where a gradient overflows.
    initial, final = (Weights(*trajectory.weights[i].tolist()) for i in (0, -1))
    best = objective.optimum
    result = TrainingRunResult(
        outcome=trajectory.outcome,
        initial=evaluate(objective, initial),
        final=evaluate(objective, final),
        iterations=trajectory.iterations,
        optimum=None if best is None else optimum_answer(best),
        gap_to_optimum=objective.gap_to_optimum(*final),
    )
    return ComputationOutput(result, columns(trajectory), trajectory.iterations)


def columns(trajectory: Trajectory) -> dict[str, NDArray[Any]]:
    """Return a trajectory as named columns (m,), as it is stored and shown."""
    return {
        "iteration": trajectory.iteration,
        "w_in": trajectory.weights[:, 0],
        "w_rec": trajectory.weights[:, 1],
        "cost": trajectory.cost,
        "log10_cost": trajectory.log10_cost,
    }


def evaluate(objective: Objective, weights: Weights) -> Evaluation:
    """Return the cost and its slope at some weights, which may lie anywhere."""
    at = (np.array(weights.w_in), np.array(weights.w_rec))
    gradient: tuple[float, float] = (nan, nan)
    if all(map(isfinite, weights)):
        gradient = objective.gradient(*weights)
        if not all(map(isfinite, gradient)):
            by_w_in, by_w_rec = objective.extended_gradient(*weights)
            gradient = by_w_in.value(), by_w_rec.value()
    cost, log10_cost = objective.costs_and_log10(*at)
    return Evaluation(
        weights=NullableWeights.of(weights),
        cost=float(cost),
        log10_cost=float(log10_cost),
        weight_gradient=NullableWeights.of(gradient),
    )


class StepwiseTraining(StepwiseComputation):
    """A run on its way. Its parts are what it recorded, rows of iteration, w_in and w_rec."""

    def __init__(
        self, question: TrainingRunRequest, samples: ResolvedDataset, state: Arrays
    ) -> None:
        self.question = question
        self.objective = samples.objective(question.network.to_engine())
        self.optimizer = question.optimizer.to_engine()
        self.clip = question.clip.to_engine() if question.clip else None
        self.record: list[Array] = []  # rows of iteration, w_in and w_rec, (m, 3)
        self.begun = start_training(question.initial_weights.to_engine(), self.optimizer)
        self.at = _restored(state) if state else self.begun
        each = _estimate(question, samples.size, 1) - _estimate(question, samples.size, 0)
        self.stride = max(1, int(STEP_SECONDS / each))

    @property
    def done(self) -> int:  # type: ignore[override]
        """Iterations done."""
        return self.at.iteration

    @property
    def over(self) -> bool:  # type: ignore[override]
        """Whether the run has ended."""
        return self.at.outcome is not None or self.done >= self.question.n_iterations

    def step(self) -> None:
        """Go on for about a tenth of a second."""
        self.at, record = advance_training(
            self.objective,
            self.optimizer,
            self.at,
            until=min(self.done + self.stride, self.question.n_iterations),
            target_cost=self.question.target_cost,
            record_every=self.question.record_every,
            clip=self.clip,
        )
        self.record.append(record)

    def state(self) -> Arrays:
        """Return the iteration, the weights and what the optimizer remembers of each."""
        head = np.array([self.at.iteration, *self.at.weights], np.float64)
        return {"head": head, "states": np.array(self.at.optimizer_states, np.float64)}

    def part(self) -> Arrays:
        """Return the rows recorded since this was last asked."""
        rows = np.concatenate([np.empty((0, 3)), *self.record])
        self.record = []
        return {"record": rows} if rows.size else {}

    def latest(self) -> dict[str, Any]:
        """Return the weights and their cost."""
        w_in, w_rec = (float(each) if isfinite(each) else None for each in self.at.weights)
        cost = float(self.objective.costs(*map(np.array, self.at.weights)))
        weights = {"w_in": w_in, "w_rec": w_rec}
        return {"weights": weights, "cost": cost if isfinite(cost) else None}

    def finish(self, parts: Sequence[Arrays]) -> ComputationOutput:
        """Make the trajectory of all rows."""
        record = np.concatenate([np.empty((0, 3)), *(part["record"] for part in parts)])
        trajectory = assemble_trajectory(self.objective, self.begun.weights, self.at, record)
        return computed(self.objective, trajectory)


def _restored(state: Arrays) -> TrainingCheckpoint:
    iteration, w_in, w_rec = state["head"].tolist()
    state_in, state_rec = (tuple(numbers) for numbers in state["states"].tolist())
    return TrainingCheckpoint(int(iteration), Weights(w_in, w_rec), (state_in, state_rec))


TRAINING = JobType(
    kind="training_run",
    prefix="run",
    path="/v1/training-runs",
    question=TrainingRunRequest,
    check=check,
    seconds=seconds,
    compute=run,
    begin=StepwiseTraining,
    total=lambda question: question.n_iterations,
)
