"""Training runs, from the question to the numbers of the answer."""

from math import isfinite, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.engine.objective import Objective
from service.engine.optimizers import OPTIMIZERS
from service.engine.training import Trajectory, train
from service.engine.types import Weights
from service.errors import Invalid
from service.operations import limits
from service.operations.computed import Computation, Computed
from service.operations.limits import Limits
from service.operations.samples import Samples
from service.operations.surfaces import optimum_answer
from service.schemas.common import Evaluation, WeightsAnswer
from service.schemas.optimizers import ClipSchema, OptimizerSchema
from service.schemas.runs import RunQuestion, RunResult


def check(question: RunQuestion, samples: Samples, allowed: Limits) -> None:
    """Refuse a run that makes no sense or is too long; raises Invalid."""
    check_clip(question.optimizer, question.clip)
    allowed.check_iterations(question.n_iterations)
    seconds = limits.training(question.network.activation, *samples.size, question.n_iterations)
    allowed.check_work(seconds, "/n_iterations")
    if not question.keep:
        recorded = question.n_iterations // question.record_every + 2
        instead = "raise record_every, or keep the run and read its trajectory as csv"
        allowed.check_json(5 * recorded, "/record_every", instead)


def check_clip(optimizer: OptimizerSchema, clip: ClipSchema | None) -> None:
    """Refuse a clip that would change nothing; raises Invalid."""
    kind = OPTIMIZERS[optimizer.name]
    if clip is not None and not kind.uses_magnitude:
        raise Invalid(f"{kind.name} looks only at the gradient's signs: clip has no use", "/clip")


def run(question: RunQuestion, samples: Samples) -> Computed:
    """Train, and find the exact optimum where there is one to find."""
    objective = samples.objective(question.network)
    trajectory = train(
        objective,
        question.initial_weights.to_engine(),
        question.optimizer.to_engine(),
        n_iterations=question.n_iterations,
        target_cost=question.target_cost,
        record_every=question.record_every,
        clip=question.clip.to_engine() if question.clip else None,
    )
    initial, final = (Weights(*trajectory.weights[i]) for i in (0, -1))
    best = objective.optimum
    result = RunResult(
        outcome=trajectory.outcome,
        initial=evaluate(objective, initial),
        final=evaluate(objective, final),
        iterations=trajectory.iterations,
        optimum=None if best is None else optimum_answer(best),
        gap_to_optimum=objective.gap(*final),
    )
    return Computed(result, columns(trajectory), trajectory.iterations)


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
            by_w_in, by_w_rec = objective.scaled_gradient(*weights)
            gradient = by_w_in.value(), by_w_rec.value()
    return Evaluation(
        weights=WeightsAnswer.of(weights),
        cost=float(objective.costs(*at)),
        log10_cost=float(objective.log10_costs(*at)),
        weight_gradient=WeightsAnswer.of(gradient),
    )


TRAINING = Computation(
    kind="training_run",
    prefix="run",
    path="/v1/training-runs",
    check=check,
    compute=run,
    total=lambda question: question.n_iterations,
)
