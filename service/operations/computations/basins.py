"""Map the basins of training: train from every point of a grid of initial weights."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service import store
from service.engine import training as engine
from service.engine.training import BasinCheckpoint
from service.figures.formats import PICTURE_FORMATS
from service.formats import NPZ, write_npz
from service.operations.computations.job_types import (
    AfterStep,
    Arrays,
    ComputationOutput,
    JobType,
    StepwiseComputation,
)
from service.operations.computations.training import estimate_training, make_setup, steps_per_stop
from service.operations.questions.costs import axis
from service.operations.shared.downloads import Download, computed_file
from service.operations.shared.limits import Limits
from service.schemas.basin_maps import BasinMap, BasinMapRequest, BasinMapResult
from service.schemas.resolved_datasets import DatasetSize, ResolvedDataset
from service.store.rows import ComputationRow


def estimate(request: BasinMapRequest, size: DatasetSize, limits: Limits) -> float:
    """Return the estimated seconds of a map; raises Invalid if it is contradictory or too long."""
    n_starts = request.window.resolution**2
    limits.check_grid(request.window.resolution, "/window/resolution")
    if not request.keep:
        instead = "lower the resolution, or keep the map and read its npz archive"
        limits.check_json(3 * n_starts, "/window/resolution", instead)
    return estimate_training(request, size, limits, n_starts=n_starts)


class StepwiseBasinMap(StepwiseComputation):
    """A basin map, computed in tiles of rows. Its parts are the finished tiles.

    A step has ``stride`` iterations, by default as many as take about a tenth of a second. A tile
    has at most ``tile`` initial weights, so that a checkpoint of any map is small, and at most as
    many as one iteration can train in that time, but at least one row.
    """

    def __init__(
        self,
        request: BasinMapRequest,
        dataset: ResolvedDataset,
        state: Arrays,
        parts: Sequence[Arrays],
        stride: int | None = None,
        tile: int = 5_000,
    ) -> None:
        self.parts = [*parts]
        self.request = request
        self.setup = make_setup(request, dataset)
        self.w_in = axis(request.window.w_in, request.window.resolution)
        self.w_rec = axis(request.window.w_rec, request.window.resolution)
        n_columns = self.w_in.size
        # As many rows as the iterations of one row in that time.
        rows = steps_per_stop(request, dataset.size, n_starts=n_columns)
        self.tile_rows = max(1, min(tile // n_columns, rows))
        self.finished_tiles: list[BasinCheckpoint] = []
        self.row = int(state["row"][0]) if state else 0
        self.checkpoint = _restore(state) if state else self._start_tile()
        n_starts = self.n_rows * n_columns
        self.stride = stride or steps_per_stop(request, dataset.size, n_starts=n_starts)

    @property
    def n_rows(self) -> int:
        """Rows of the current tile."""
        return int(self.checkpoint.weights.shape[1] // self.w_in.size)

    def _start_tile(self) -> BasinCheckpoint:
        rows = self.w_rec[self.row : self.row + self.tile_rows]
        return engine.start_basin_map(self.setup.optimizer, self.w_in, rows)

    @property
    def done(self) -> int:  # type: ignore[override]
        """Iterations done, averaged over all rows."""
        if self.row == self.w_rec.size:
            return self.request.n_iterations
        rows = self.row * self.request.n_iterations + self.n_rows * self.checkpoint.iteration
        return int(rows // self.w_rec.size)

    def run(self, after_step: AfterStep) -> ComputationOutput:
        """Train from all rows."""
        while self.row < self.w_rec.size:
            self._step()
            after_step(self)
        self.add_part()
        n_iterations, objective = self.request.n_iterations, self.setup.objective
        head = {"iteration": np.array([n_iterations]), "optimizer_state": np.empty(0)}
        end = _restore({**head, **_join(self.parts)})
        basin_map = engine.assemble_basin_map(objective, self.w_in, self.w_rec, end)
        result = BasinMapResult.model_validate(
            {"shares": _shares(basin_map), "optimum": objective.optimum}
        )
        return ComputationOutput(result, dict(vars(basin_map)), n_iterations)

    def _step(self) -> None:
        """Train the current tile for about a tenth of a second."""
        n_iterations = self.request.n_iterations
        until = min(self.checkpoint.iteration + self.stride, n_iterations)
        self.checkpoint = engine.advance_basin_map(self.setup, self.checkpoint, until)
        if self.checkpoint.iteration >= n_iterations or self.checkpoint.outcome.all():
            self.finished_tiles.append(self.checkpoint)
            self.row += self.n_rows
            if self.row < self.w_rec.size:
                self.checkpoint = self._start_tile()

    def state(self) -> Arrays:
        """Return the checkpoint of the current tile."""
        checkpoint = self.checkpoint._asdict()
        arrays = {name: np.atleast_1d(value) for name, value in checkpoint.items()}
        return {"row": np.array([self.row]), **arrays}

    def take_part(self) -> Arrays:
        """Return the tiles finished since the previous call."""
        tiles, self.finished_tiles = self.finished_tiles, []
        return _join([tile._asdict() for tile in tiles]) if tiles else {}


def _join(parts: Sequence[Arrays]) -> Arrays:
    names = ("weights", "iterations", "outcome")
    return {name: np.concatenate([part[name] for part in parts], axis=-1) for name in names}


def _restore(state: Arrays) -> BasinCheckpoint:
    checkpoint = BasinCheckpoint._make(state[name] for name in BasinCheckpoint._fields)
    return checkpoint._replace(
        iteration=int(state["iteration"][0]), outcome=state["outcome"].astype(np.uint8)
    )


def _shares(basin_map: engine.BasinMap) -> dict[str, float]:
    return {
        outcome.value: float(np.mean(basin_map.outcome == outcome.code))
        for outcome in engine.Outcome
    }


# By code.
OUTCOMES = np.array([str(outcome) for outcome in sorted(engine.Outcome, key=attrgetter("code"))])
BASIN_MAP = JobType(
    kind="basin_map",
    prefix="map",
    path="/v1/basin-maps",
    request_model=BasinMapRequest,
    response_model=BasinMap,
    files={suffix: f".{suffix}" for suffix in (*PICTURE_FORMATS, "npz")},
    arrays_field="map",
    words={"outcome": OUTCOMES},
    estimate=estimate,
    result_bytes=lambda request, _: 3 * 8 * request.window.resolution**2,
    begin=StepwiseBasinMap,
)


def basin_map_npz(path: str, row: ComputationRow, database: "store.Database") -> Download:
    """Return the arrays of a stored map as an npz archive."""

    def load() -> dict[str, NDArray[Any]]:
        arrays = store.arrays.load(database, row.id)
        return {**arrays, "outcome": OUTCOMES[arrays["outcome"]]}

    seconds = 3 * NPZ.writing_seconds * row.request["window"]["resolution"] ** 2
    return computed_file(path, row.id, seconds, load, write_npz)
