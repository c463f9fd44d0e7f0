"""Pictures before they are drawn: their ETags, and how their cost is approximated."""

from collections.abc import Callable
from typing import Any

import pytest

from service.engine.data import count_ones
from service.operations.basins import BASIN_MAP
from service.operations.limits import Limits
from service.operations.pictures import (
    Picture,
    basin_map_picture,
    surface_picture,
    trace_picture,
    trajectory_picture,
)
from service.operations.resolve import resolve_dataset
from service.operations.training import TRAINING_RUN
from service.rendering.approximation import EXACT
from service.schemas.cost_surface import CostSurfaceRequest
from service.schemas.gradient_trace import GradientTraceRequest
from service.schemas.pictures import PictureOptions, Theme
from service.store import Database
from service.store.rows import ComputationRow

LIMITS, OPTIONS = Limits(), PictureOptions()
RUN = "run_" + "0" * 32
WINDOW = {"w_in": {"low": 0, "high": 2}}


def explicit(n_samples: int, n_steps: int) -> dict[str, Any]:
    inputs, targets = count_ones(n_samples, n_steps)
    return {"kind": "explicit", "inputs": inputs.tolist(), "targets": targets.tolist()}


@pytest.fixture
def surface(local_database: Database) -> Callable[..., Picture]:
    """Return a function that returns the picture of a cost surface."""

    def make(
        options: PictureOptions = OPTIONS,
        suffix: str = "png",
        limits: Limits = LIMITS,
        **body: Any,
    ) -> Picture:
        request = CostSurfaceRequest.model_validate(body)
        dataset = resolve_dataset(request.dataset, local_database, limits)
        return surface_picture(request, dataset, options, suffix, limits)

    return make


def test_whatever_changes_a_picture_changes_its_etag(surface: Callable[..., Picture]) -> None:
    trace = GradientTraceRequest()
    etags = [
        surface().etag,
        surface(suffix="svg").etag,
        surface(PictureOptions(width=500)).etag,
        surface(PictureOptions(theme=Theme.DARK)).etag,
        surface(PictureOptions(title="")).etag,
        surface(dataset={"seed": 2}).etag,
        surface(windows=[WINDOW]).etag,
        surface(points=[]).etag,
        surface(runs=[RUN]).etag,
        surface(runs=[RUN], marks=[]).etag,
        surface(limits=Limits(max_work_seconds=1.0)).etag,
        trace_picture(trace, trace.dataset.resolve(), OPTIONS, "png", LIMITS).etag,
    ]
    assert len(set(etags)) == len(etags)


def test_what_does_not_change_a_picture_does_not_change_its_etag(
    surface: Callable[..., Picture],
) -> None:
    assert surface().etag == surface(dataset={"noise": 0.0}, network={}).etag
    windows = [{**WINDOW, "resolution": 7}]
    assert surface(windows=[WINDOW]).etag == surface(windows=windows).etag
    assert surface().etag == surface(limits=Limits(max_grid=3, max_cells=1000)).etag


def test_surfaces_that_take_too_long_are_approximated(
    compute: Callable[..., ComputationRow],
    local_database: Database,
    surface: Callable[..., Picture],
) -> None:
    body: dict[str, Any] = {
        "dataset": {"n_samples": 400, "n_steps": 50},
        "network": {"activation": "tanh"},
    }
    tight = Limits(max_work_seconds=20.0)
    run = compute(TRAINING_RUN, **body, n_iterations=1)
    for limits, is_exact in [(Limits(max_work_seconds=1e9), True), (tight, False)]:
        for picture in (
            surface(limits=limits, **body),
            trajectory_picture(run, OPTIONS, "png", limits),
        ):
            prepared: Any = picture.prepare(local_database)
            assert (prepared.approximation == EXACT) == is_exact
    # Fewer pixels need less of it.
    small = PictureOptions(width=320, height=240)
    drawings: list[Any] = [
        surface(options, limits=tight, **body).prepare(local_database)
        for options in (OPTIONS, small)
    ]
    coarse, fine = drawings
    assert fine.approximation.stride < coarse.approximation.stride


def test_each_figure_has_its_own_size(
    compute: Callable[..., ComputationRow],
    local_database: Database,
    surface: Callable[..., Picture],
) -> None:
    run = compute(TRAINING_RUN, n_iterations=1)
    basin_map = compute(BASIN_MAP, n_iterations=1, window={"resolution": 2})
    trace = GradientTraceRequest()
    for picture, pixels in [
        (surface(), (1000, 400)),
        (trace_picture(trace, trace.dataset.resolve(), OPTIONS, "png", LIMITS), (760, 440)),
        (trajectory_picture(run, OPTIONS, "png", LIMITS), (1000, 440)),
        (basin_map_picture(basin_map, OPTIONS, "png", LIMITS), (720, 560)),
    ]:
        assert picture.prepare(local_database).style.pixels == pixels
