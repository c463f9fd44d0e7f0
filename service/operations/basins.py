"""Basin maps, from the question to the numbers of the answer."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from service.engine.data import DatasetSize
from service.engine.objective import Objective
from service.engine.training import (
    BasinCheckpoint,
    BasinMap,
    CellOutcome,
    advance_basin_map,
    assemble_basin_map,
    compute_basin_map,
    start_basin_map,
)
from service.operations import work_estimates
from service.operations.job_types import Arrays, ComputationOutput, JobType, StepwiseComputation
from service.operations.limits import Limits
from service.operations.resolve import ResolvedDataset
from service.operations.surfaces import axis, optimum_answer
from service.operations.training import STEP_SECONDS, check_clip, tries_steps
from service.schemas.basin_maps import BasinMapRequest, BasinMapResult, OutcomeShares


def check(question: BasinMapRequest, size: DatasetSize, allowed: Limits) -> None:
    """Refuse a map that makes no sense or takes too long; raises Invalid."""
    check_clip(question.optimizer, question.clip)
    allowed.check_iterations(question.n_iterations)
    allowed.check_grid(question.window.resolution, "/window/resolution")
    n_starts = question.window.resolution**2
    if not question.keep:
        instead = "lower the resolution, or keep the map and read its npz"
        allowed.check_json(3 * n_starts, "/window/resolution", instead)
    allowed.check_job(seconds(question, size), "/n_iterations")


def seconds(question: BasinMapRequest, size: DatasetSize) -> float:
    """Return the seconds that a map takes."""
    n_starts = question.window.resolution**2
    activation = question.network.activation
    return work_estimates.training_seconds(
        activation,
        size,
        question.n_iterations,
        n_starts=n_starts,
        tries_steps=tries_steps(question.optimizer),
    )


def compute(question: BasinMapRequest, samples: ResolvedDataset) -> ComputationOutput:
    """Train from every start of the grid, and find the exact optimum if there is one to find."""
    objective = samples.objective(question.network.to_engine())
    window = question.window
    found = compute_basin_map(
        objective,
        question.optimizer.to_engine(),
        axis(window.w_in, window.resolution),
        axis(window.w_rec, window.resolution),
        n_iterations=question.n_iterations,
        target_cost=question.target_cost,
        clip=question.clip.to_engine() if question.clip else None,
    )
    return computed(objective, found, question.n_iterations)


def computed(objective: Objective, found: BasinMap, n_iterations: int) -> ComputationOutput:
    """Return the numbers of the answer from a map."""
    best = objective.optimum
    result = BasinMapResult(
        shares=_shares(found), optimum=None if best is None else optimum_answer(best)
    )
    arrays = {name: getattr(found, name) for name in BasinMap.__dataclass_fields__}
    return ComputationOutput(result, arrays, n_iterations)


def _shares(found: BasinMap) -> OutcomeShares:
    share = {
        outcome.name.lower(): float(np.mean(found.outcome == outcome)) for outcome in CellOutcome
    }
    return OutcomeShares(**share)


TILE = 5_000  # starts trained together: a checkpoint of them is small, however large the map


class StepwiseBasinMap(StepwiseComputation):
    """A map on its way, some rows of it after the others; its parts are rows that are done."""

    def __init__(self, question: BasinMapRequest, samples: ResolvedDataset, state: Arrays) -> None:
        self.question = question
        self.objective = samples.objective(question.network.to_engine())
        self.optimizer = question.optimizer.to_engine()
        self.clip = question.clip.to_engine() if question.clip else None
        self.w_in = axis(question.window.w_in, question.window.resolution)
        self.w_rec = axis(question.window.w_rec, question.window.resolution)
        self.height = max(1, TILE // self.w_in.size)
        self.finished: list[BasinCheckpoint] = []
        self.row = int(state["row"][0]) if state else 0
        self.at = _restored(state) if state else self._begin()
        network, n = question.network.activation, self.at.weights.shape[1]
        trying = tries_steps(question.optimizer)
        first, second = (
            work_estimates.training_seconds(
                network, samples.size, n_iterations, n_starts=n, tries_steps=trying
            )
            for n_iterations in (0, 1)
        )
        each = second - first
        self.stride = max(1, int(STEP_SECONDS / each))

    def _begin(self) -> BasinCheckpoint:
        rows = self.w_rec[self.row : self.row + self.height]
        return start_basin_map(self.optimizer, self.w_in, rows)

    @property
    def over(self) -> bool:  # type: ignore[override]
        """Whether all rows are done."""
        return self.row >= self.w_rec.size

    @property
    def done(self) -> int:  # type: ignore[override]
        """Iterations done: those of the rows before, and of these, as a share of all."""
        if self.over:
            return self.question.n_iterations
        n_rows = self.at.weights.shape[1] // self.w_in.size
        rows = self.row * self.question.n_iterations + n_rows * self.at.iteration
        return int(rows // self.w_rec.size)

    def step(self) -> None:
        """Go on for about a tenth of a second."""
        n_iterations = self.question.n_iterations
        self.at = advance_basin_map(
            self.objective,
            self.optimizer,
            self.at,
            until=min(self.at.iteration + self.stride, n_iterations),
            target_cost=self.question.target_cost,
            clip=self.clip,
        )
        if self.at.iteration >= n_iterations or self.at.outcome.all():
            self.finished.append(self.at)
            self.row += self.height
            if not self.over:
                self.at = self._begin()

    def state(self) -> Arrays:
        """Return the checkpoint of the rows at work."""
        at = self.at
        return {
            "row": np.array([self.row]),
            "iteration": np.array([at.iteration]),
            "weights": at.weights,
            "state": np.array(at.optimizer_state, np.float64).reshape(-1, *at.weights.shape),
            "iterations": at.iterations,
            "outcome": at.outcome,
        }

    def part(self) -> Arrays:
        """Return the rows done since this was last asked."""
        done, self.finished = self.finished, []
        return _joined(done) if done else {}

    def latest(self) -> dict[str, Any]:
        """Return nothing: a map has no weights of its own."""
        return {"weights": None, "cost": None}

    def finish(self, parts: Sequence[Arrays]) -> ComputationOutput:
        """Make the map of all rows."""
        weights, iterations, outcome = (
            np.concatenate([part[name] for part in parts], axis=-1)
            for name in ("weights", "iterations", "outcome")
        )
        n_iterations = self.question.n_iterations
        end = BasinCheckpoint(n_iterations, weights, (), iterations, outcome.astype(np.uint8))
        found = assemble_basin_map(self.objective, self.w_in, self.w_rec, end)
        return computed(self.objective, found, n_iterations)


def _joined(tiles: Sequence[BasinCheckpoint]) -> Arrays:
    return {
        name: np.concatenate([getattr(tile, name) for tile in tiles], axis=-1)
        for name in ("weights", "iterations", "outcome")
    }


def _restored(state: Arrays) -> BasinCheckpoint:
    return BasinCheckpoint(
        int(state["iteration"][0]),
        state["weights"],
        tuple(state["state"]),
        state["iterations"],
        state["outcome"].astype(np.uint8),
    )


BASINS = JobType(
    kind="basin_map",
    prefix="map",
    path="/v1/basin-maps",
    question=BasinMapRequest,
    check=check,
    seconds=seconds,
    compute=compute,
    begin=StepwiseBasinMap,
    total=lambda question: question.n_iterations,
)
