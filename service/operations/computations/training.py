"""Train the network, step by step."""

from collections.abc import Sequence
from functools import partial
from math import isfinite
from operator import itemgetter
from typing import Any

import numpy as np

from service import store
from service.engine.objective import Objective
from service.engine.training import (
    OPTIMIZERS,
    Outcome,
    TrainingCheckpoint,
    TrainingSetup,
    Trajectory,
    advance_training,
    assemble_trajectory,
    start_training,
)
from service.engine.types import Array, Weights
from service.errors import Invalid
from service.figures.formats import PICTURE_FORMATS
from service.operations.computations.job_types import (
    AfterStep,
    Arrays,
    ComputationOutput,
    JobType,
    StepwiseComputation,
)
from service.operations.questions.costs import evaluate_point
from service.operations.shared.downloads import Download, stored_table
from service.operations.shared.limits import Limits, check_count, check_seconds
from service.operations.shared.resolve import get_succeeded
from service.operations.shared.work_estimates import training_seconds
from service.schemas.base import encode
from service.schemas.basin_maps import BasinMapRequest
from service.schemas.computations import TrainingRequest
from service.schemas.resolved_datasets import DatasetSize, ResolvedDataset
from service.schemas.training_runs import (
    TrainingRun,
    TrainingRunRequest,
    TrainingRunResult,
    TrajectoryResponse,
)
from service.store.rows import ComputationRow

STEP_SECONDS = 0.1  # the estimated length of a step


def estimate(request: TrainingRunRequest, size: DatasetSize, limits: Limits) -> float:
    """Return the estimated seconds of a run; raises Invalid if it is contradictory or too long."""
    n_costs = request.n_iterations / request.record_every
    if request.target_cost is not None:
        n_costs += request.n_iterations
    seconds = estimate_training(request, size, limits, n_costs=n_costs)
    if not request.keep:
        instead = "raise record_every, or keep the run and read its trajectory as CSV"
        limits.check_json(5 * count_recorded(request), "/record_every", instead)
    return seconds


def count_recorded(request: TrainingRunRequest) -> int:
    """Return the maximum number of recorded iterations of a run."""
    return request.n_iterations // request.record_every + 2


def estimate_training(
    request: TrainingRequest, size: DatasetSize, limits: Limits, **counts: float
) -> float:
    """Return the estimated seconds of training with ``counts`` of costs and of starts.

    It raises Invalid for a clip without effect, and for work that exceeds the limit of a job.
    """
    spec, n_iterations = OPTIMIZERS[request.optimizer.name], request.n_iterations
    if request.clip is not None and not spec.accepts_clip:
        reason = "limits its steps by damping" if spec.uses_magnitude else "uses only signs"
        raise Invalid(f"{spec.name} {reason}: clip has no effect", "/clip")
    what = f"there are {n_iterations} iterations"
    check_count(n_iterations, limits.max_iterations, what, "/n_iterations")
    seconds = training_seconds(request, size, n_iterations, **counts)
    check_seconds(seconds, limits.max_job_seconds, "for a job", "/n_iterations")
    return seconds


def steps_per_stop(request: TrainingRequest, size: DatasetSize, **counts: float) -> int:
    """Return the number of iterations in about a tenth of a second, after which a job may stop."""
    n_iterations = max(request.n_iterations, 1)
    seconds = training_seconds(request, size, n_iterations, **counts)
    return max(1, int(STEP_SECONDS * n_iterations / seconds))


def make_setup(
    request: TrainingRunRequest | BasinMapRequest, dataset: ResolvedDataset
) -> TrainingSetup:
    """Return the objective, the optimizer and their settings."""
    return TrainingSetup(
        dataset.objective(request.network.to_network()),
        request.optimizer.to_engine(),
        request.target_cost,
        request.clip.to_engine() if request.clip else None,
    )


class StepwiseTraining(StepwiseComputation):
    """A training run. Its parts are recorded rows of iteration, w_in and w_rec.

    A step has ``stride`` iterations, by default as many as take about a tenth of a second.
    """

    def __init__(
        self,
        request: TrainingRunRequest,
        dataset: ResolvedDataset,
        state: Arrays,
        parts: Sequence[Arrays],
        stride: int | None = None,
    ) -> None:
        self.parts = [*parts]
        self.request = request
        self.setup = make_setup(request, dataset)
        self.objective = self.setup.objective
        self.start = start_training(request.initial_weights.to_weights(), self.setup.optimizer)
        self.checkpoint = (
            _restore(state) if state else advance_training(self.setup, self.start, 0)[0]
        )
        self.done = self.checkpoint.iteration
        self.recorded: list[Array] = []  # (m, 3) each
        self.stride = stride or steps_per_stop(request, dataset.size)

    def run(self, after_step: AfterStep) -> ComputationOutput:
        """Train to the end."""
        n_iterations = self.request.n_iterations
        while self.checkpoint.outcome is None and self.done < n_iterations:
            until = min(self.done + self.stride, n_iterations)
            self.checkpoint, rows = advance_training(
                self.setup, self.checkpoint, until, self.request.record_every
            )
            self.done = self.checkpoint.iteration
            self.recorded.append(rows)
            after_step(self)
        self.add_part()
        rows = np.concatenate([np.empty((0, 3)), *map(itemgetter("record"), self.parts)])
        trajectory = assemble_trajectory(self.objective, self.start.weights, self.checkpoint, rows)
        return _output(self.objective, trajectory)

    def state(self) -> Arrays:
        """Return the iteration, the weights, the outcome and the optimizer's state per weight."""
        iteration, weights, states, outcome = self.checkpoint
        code = -1 if outcome is None else outcome.code
        head = np.array([iteration, *weights, code], np.float64)
        return {"head": head, "states": np.array(states, np.float64)}

    def take_part(self) -> Arrays:
        """Return the rows recorded since the previous call."""
        rows = np.concatenate([np.empty((0, 3)), *self.recorded])
        self.recorded = []
        return {"record": rows} if rows.size else {}

    def latest(self) -> dict[str, Any]:
        """Return the weights and their cost."""
        w_in, w_rec = (
            float(weight) if isfinite(weight) else None for weight in self.checkpoint.weights
        )
        cost = float(self.objective.costs(*np.array(self.checkpoint.weights)))
        weights = {"w_in": w_in, "w_rec": w_rec}
        return {"weights": weights, "cost": cost if isfinite(cost) else None}


def _restore(state: Arrays) -> TrainingCheckpoint:
    iteration, w_in, w_rec, *code = state["head"].tolist()
    outcome = next((outcome for outcome in Outcome if outcome.code in code), None)
    state_in, state_rec = (tuple(numbers) for numbers in state["states"].tolist())
    return TrainingCheckpoint(int(iteration), Weights(w_in, w_rec), (state_in, state_rec), outcome)


def _output(objective: Objective, trajectory: Trajectory) -> ComputationOutput:
    ends = [0, -1]
    weights = [*map(Weights._make, trajectory.weights[ends].tolist())]
    costs, log10_costs = trajectory.cost[ends].tolist(), trajectory.log10_cost[ends].tolist()
    initial, final = map(partial(evaluate_point, objective), weights, costs, log10_costs)
    result = TrainingRunResult.model_validate(
        {
            "outcome": trajectory.outcome,
            "initial": initial,
            "final": final,
            "iterations": trajectory.iterations,
            "optimum": objective.optimum,
            "gap_to_optimum": objective.gap_to_optimum(*weights[-1], costs[-1]),
        }
    )
    columns = {
        "iteration": trajectory.iteration,
        "w_in": trajectory.weights[:, 0],
        "w_rec": trajectory.weights[:, 1],
        "cost": trajectory.cost,
        "log10_cost": trajectory.log10_cost,
    }
    return ComputationOutput(result, columns, trajectory.iterations)


TRAINING_RUN = JobType(
    kind="training_run",
    prefix="run",
    path="/v1/training-runs",
    request_model=TrainingRunRequest,
    response_model=TrainingRun,
    files={
        "trajectory": "/trajectory",
        **{suffix: f"/trajectory.{suffix}" for suffix in ("csv", *PICTURE_FORMATS)},
    },
    arrays_field="trajectory",
    estimate=estimate,
    result_bytes=lambda request, _: (
        8 * len(TrajectoryResponse.model_fields) * count_recorded(request)
    ),
    begin=StepwiseTraining,
)


def read_trajectory(run_id: str, database: "store.Database", limits: Limits) -> bytes:
    """Return the trajectory of a stored run as JSON; raises NotFound, Conflict, LimitExceeded."""
    row = get_succeeded("run", run_id, database)
    arrays = store.arrays.load(database, row.id)
    n_numbers = sum(map(len, arrays.values()))
    limits.check_json(n_numbers, None, "request .csv, or train with a larger record_every")
    return encode(TrajectoryResponse(**arrays))


def trajectory_csv(path: str, row: ComputationRow, database: "store.Database") -> Download:
    """Return the trajectory of a stored run as a CSV table."""
    n_rows = row.request["n_iterations"] / row.request["record_every"]
    columns = {name: name for name in TrajectoryResponse.model_fields}
    return stored_table(path, row, columns, n_rows, database)
