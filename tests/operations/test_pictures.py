"""Pictures before they are drawn: their names, their limits, and what they show."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from service.engine.data import Dataset, count_ones
from service.errors import Conflict, Invalid, LimitExceeded, NotFound
from service.operations import pictures
from service.operations.basins import BASIN_MAP
from service.operations.ids import dataset_id
from service.operations.limits import Limits
from service.operations.pictures import (
    INLINE,
    basin_map_picture,
    check_references,
    check_surface_request,
    load_run_path,
    needs_database,
    surface_picture,
    takes_long_to_name,
    trace_picture,
    trajectory_picture,
)
from service.operations.training import TRAINING_RUN
from service.rendering.approximation import EXACT
from service.schemas.cost_surface import CostSurfaceRequest
from service.schemas.datasets import CountOnesDataset
from service.schemas.gradient_trace import GradientTraceRequest
from service.schemas.pictures import PictureOptions, Theme
from service.store import Database, computations
from service.store.rows import ComputationRow

LIMITS, OPTIONS = Limits(), PictureOptions()
RUN = "run_" + "0" * 32
STORED = {"kind": "stored", "id": "ds_" + "0" * 32}
WINDOW = {"w_in": {"low": 0, "high": 2}}


def make_surface(**body: Any) -> CostSurfaceRequest:
    return CostSurfaceRequest.model_validate(body)


def make_trace(**body: Any) -> GradientTraceRequest:
    return GradientTraceRequest.model_validate(body)


def explicit(n_samples: int, n_steps: int) -> dict[str, Any]:
    inputs, targets = count_ones(n_samples, n_steps)
    return {"kind": "explicit", "inputs": inputs.tolist(), "targets": targets.tolist()}


def surface_etag(
    options: PictureOptions = OPTIONS, suffix: str = "png", limits: Limits = LIMITS, **body: Any
) -> str:
    return surface_picture(make_surface(**body), options, suffix, limits).etag


def named(picture: pictures.Picture, database: Database) -> Any:
    """Return the request that is written into the file of a picture."""
    return json.loads(picture.prepare(database).http_request)


def test_whatever_changes_a_picture_changes_its_etag(monkeypatch: pytest.MonkeyPatch) -> None:
    etags = [
        surface_etag(),
        surface_etag(suffix="svg"),
        surface_etag(PictureOptions(width=500)),
        surface_etag(PictureOptions(theme=Theme.DARK)),
        surface_etag(PictureOptions(title="")),
        surface_etag(dataset={"seed": 2}),
        surface_etag(windows=[WINDOW]),
        surface_etag(points=[]),
        surface_etag(runs=[RUN]),
        surface_etag(runs=[RUN], marks=[]),
        surface_etag(limits=Limits(max_work_seconds=1.0)),
        trace_picture(make_trace(), OPTIONS, "png", LIMITS).etag,
    ]
    monkeypatch.setattr(pictures, "_VERSIONS", b"of another release")
    etags.append(surface_etag())
    assert len(set(etags)) == len(etags)
    assert all(each[0] == each[-1] == '"' for each in etags)


def test_what_does_not_change_a_picture_does_not_change_its_etag() -> None:
    assert surface_etag() == surface_etag(dataset={"noise": 0.0}, network={})
    windows = [{**WINDOW, "resolution": 7}]
    assert surface_etag(windows=[WINDOW]) == surface_etag(windows=windows)
    assert surface_etag() == surface_etag(limits=Limits(max_grid=3, max_cells=1000))


def test_small_data_are_embedded_and_large_data_are_named(local_database: Database) -> None:
    small, large = explicit(INLINE // 10, 10), explicit(INLINE // 10 + 1, 10)
    for dataset, expected in [
        (small, small),
        (
            large,
            {
                "kind": "stored",
                "id": dataset_id(np.array(large["inputs"]), np.array(large["targets"])),
            },
        ),
    ]:
        for picture in (
            surface_picture(make_surface(dataset=dataset), OPTIONS, "png", LIMITS),
            trace_picture(make_trace(dataset=dataset), OPTIONS, "png", LIMITS),
        ):
            assert named(picture, local_database)["body"]["dataset"] == expected


def test_naming_large_explicit_data_takes_long() -> None:
    for n_samples, expected in [(INLINE // 100, False), (INLINE // 100 + 1, True)]:
        assert takes_long_to_name(make_surface(dataset=explicit(n_samples, 10)).dataset) == expected
    assert not takes_long_to_name(make_surface(dataset={"n_samples": 100_000}).dataset)
    assert not takes_long_to_name(make_surface(dataset=STORED).dataset)


def test_the_embedded_request_is_complete(local_database: Database) -> None:
    options = PictureOptions(width=320, title="a")
    picture = surface_picture(make_surface(windows=[WINDOW]), options, "svg", LIMITS)
    assert picture.suffix == "svg"
    found = named(picture, local_database)
    assert (found["method"], found["path"]) == ("POST", "/v1/cost-surface.svg")
    assert found["query"] == {"width": 320, "dpi": 100, "theme": "light", "title": "a"}
    (window,) = found["body"].pop("windows")
    assert window == {"w_in": {"low": 0.0, "high": 2.0}, "w_rec": {"low": -3.0, "high": 3.0}}
    full = make_surface().model_dump(mode="json", exclude={"windows"})
    assert found["body"] == full


def test_the_embedded_request_of_a_computation_says_how_to_compute_it(
    compute: Callable[..., ComputationRow], local_database: Database
) -> None:
    run = compute(TRAINING_RUN, n_iterations=4)
    found = named(trajectory_picture(run, OPTIONS, "pdf", LIMITS), local_database)
    assert (found["method"], found["path"]) == (
        "GET",
        f"/v1/training-runs/{run.id}/trajectory.pdf",
    )
    assert found["of"] == {"method": "POST", "path": "/v1/training-runs", "body": run.request}
    basin_map = compute(BASIN_MAP, n_iterations=2, window={"resolution": 3})
    found = named(basin_map_picture(basin_map, OPTIONS, "png", LIMITS), local_database)
    assert found["path"] == f"/v1/basin-maps/{basin_map.id}.png"
    assert found["of"]["body"] == basin_map.request


def test_a_surface_has_no_resolution() -> None:
    check_surface_request(make_surface(windows=[WINDOW, WINDOW]))
    with pytest.raises(Invalid, match="a picture has no resolution") as caught:
        check_surface_request(make_surface(windows=[WINDOW, {**WINDOW, "resolution": 100}]))
    assert [each.pointer for each in caught.value.errors] == ["/windows/1/resolution"]


@pytest.mark.parametrize("marks", [["optimum"], ["valley"]])
def test_marks_need_an_activation_with_an_optimum(marks: list[str]) -> None:
    tanh = {"activation": "tanh"}
    check_surface_request(make_surface(marks=marks))
    check_surface_request(make_surface(marks=[], network=tanh))
    check_surface_request(make_surface(network=tanh))
    with pytest.raises(Invalid) as caught:
        check_surface_request(make_surface(marks=marks, network=tanh))
    assert [each.pointer for each in caught.value.errors] == ["/marks"]


def test_only_stored_data_and_runs_need_the_database() -> None:
    assert not needs_database(make_surface())
    assert not needs_database(make_trace(dataset=explicit(2, 2)))
    assert needs_database(make_surface(runs=[RUN]))
    assert needs_database(make_surface(dataset=STORED))
    assert needs_database(make_trace(dataset=STORED))


def test_references_must_exist(
    compute: Callable[..., ComputationRow], local_database: Database
) -> None:
    done = compute(TRAINING_RUN, dataset=explicit(2, 2), n_iterations=4)
    dataset = {"kind": "stored", "id": done.dataset_id}
    check_references(make_surface(dataset=dataset, runs=[done.id]), local_database)
    check_references(make_trace(dataset=dataset), local_database)
    queued = compute(TRAINING_RUN, n_iterations=6, respond_async=True)
    cases: list[tuple[dict[str, Any], type[Exception]]] = [
        ({"dataset": STORED}, NotFound),
        ({"dataset": {"kind": "stored", "id": RUN}}, NotFound),
        ({"runs": [done.id, RUN]}, NotFound),
        ({"runs": [done.id, queued.id]}, Conflict),
    ]
    for body, error in cases:
        with pytest.raises(error):
            check_references(make_surface(**body), local_database)
    with pytest.raises(NotFound):
        check_references(make_trace(dataset=STORED), local_database)


def test_a_surface_shows_the_paths_of_its_runs(
    compute: Callable[..., ComputationRow], local_database: Database
) -> None:
    runs = [compute(TRAINING_RUN, n_iterations=n) for n in (3, 4)]
    request = make_surface(runs=[each.id for each in runs])
    prepared: Any = surface_picture(request, OPTIONS, "png", LIMITS).prepare(local_database)
    assert [path.request["n_iterations"] for path in prepared.paths] == [3, 4]
    for path, row in zip(prepared.paths, runs, strict=True):
        arrays = computations.load_arrays(local_database, row.id)
        np.testing.assert_array_equal(path.weights[:, 0], arrays["w_in"])
        np.testing.assert_array_equal(path.weights[:, 1], arrays["w_rec"])
    with pytest.raises(NotFound):
        load_run_path(RUN, local_database)


def test_a_trajectory_shows_the_result_of_its_run(
    compute: Callable[..., ComputationRow], local_database: Database
) -> None:
    run = compute(TRAINING_RUN, target_cost=1e9, network={"initial_state": 0.5})
    prepared: Any = trajectory_picture(run, OPTIONS, "svg", LIMITS).prepare(local_database)
    assert (prepared.optimizer, prepared.outcome) == ("Rprop", "target_reached")
    assert (prepared.target_cost, prepared.network.initial_state) == (1e9, 0.5)
    assert prepared.optimum.cost == (run.result or {})["optimum"]["cost"]
    assert prepared.columns["iteration"].tolist() == [0]
    assert prepared.style.pixels == (1000, 440)
    assert prepared.approximation == EXACT


def test_a_basin_map_shows_its_arrays(
    compute: Callable[..., ComputationRow], local_database: Database
) -> None:
    body = {"optimizer": {"name": "adam"}, "n_iterations": 2, "window": {"resolution": 3}}
    row = compute(BASIN_MAP, **body)
    prepared: Any = basin_map_picture(row, OPTIONS, "svg", LIMITS).prepare(local_database)
    assert (prepared.optimizer, prepared.suffix) == ("Adam", "svg")
    assert prepared.arrays["outcome"].shape == (3, 3)
    assert prepared.optimum.cost == (row.result or {})["optimum"]["cost"]


def test_count_ones_data_are_drawn_in_the_process_that_renders(local_database: Database) -> None:
    prepared: Any = surface_picture(make_surface(), OPTIONS, "png", LIMITS).prepare(local_database)
    assert prepared.data == (CountOnesDataset(), None)
    request = make_trace(dataset=explicit(2, 2))
    prepared = trace_picture(request, OPTIONS, "png", LIMITS).prepare(local_database)
    assert isinstance(prepared.data.dataset, Dataset)


@pytest.mark.parametrize(
    ("dataset", "limits"),
    [
        ({"n_samples": 11, "n_steps": 10}, Limits(max_cells=109)),
        (explicit(11, 10), Limits(max_cells=109)),
        ({"n_steps": 10}, Limits(max_steps=9)),
    ],
)
def test_the_limits_of_datasets(dataset: Any, limits: Limits, local_database: Database) -> None:
    for picture in (
        surface_picture(make_surface(dataset=dataset), OPTIONS, "png", limits),
        trace_picture(make_trace(dataset=dataset), OPTIONS, "png", limits),
    ):
        with pytest.raises(LimitExceeded):
            picture.prepare(local_database)


def test_traces_that_take_too_long_are_refused(local_database: Database) -> None:
    request = make_trace(dataset={"n_samples": 1000, "n_steps": 1000})
    # 6 points of a million numbers
    with pytest.raises(LimitExceeded) as caught:
        trace_picture(request, OPTIONS, "png", Limits(max_work_seconds=1.0)).prepare(local_database)
    assert [each.pointer for each in caught.value.errors] == ["/points"]
    trace_picture(request, OPTIONS, "png", LIMITS).prepare(local_database)


def test_surfaces_that_take_too_long_are_approximated(
    compute: Callable[..., ComputationRow], local_database: Database
) -> None:
    dataset, tight = {"n_samples": 400, "n_steps": 50}, Limits(max_work_seconds=20.0)
    tanh = {"activation": "tanh"}
    request = make_surface(dataset=dataset, network=tanh)
    run = compute(TRAINING_RUN, dataset=dataset, network=tanh, n_iterations=1)
    for limits, is_exact in [(Limits(max_work_seconds=1e9), True), (tight, False)]:
        for picture in (
            surface_picture(request, OPTIONS, "png", limits),
            trajectory_picture(run, OPTIONS, "png", limits),
        ):
            prepared: Any = picture.prepare(local_database)
            assert (prepared.approximation == EXACT) == is_exact
    # Fewer pixels need less of it.
    small = PictureOptions(width=320, height=240)
    coarse, fine = (
        surface_picture(request, options, "png", tight).prepare(local_database)
        for options in (OPTIONS, small)
    )
    assert fine.approximation.stride < coarse.approximation.stride  # type: ignore[union-attr]


def test_known_moments_make_surfaces_of_stored_data_cheaper(
    compute: Callable[..., ComputationRow], local_database: Database
) -> None:
    body = explicit(300, 200)
    run = compute(TRAINING_RUN, dataset=body, n_iterations=1)
    small = PictureOptions(width=320, height=240)

    def approximate(dataset: Any, seconds: float) -> Any:
        request, limits = make_surface(dataset=dataset), Limits(max_work_seconds=seconds)
        prepared: Any = surface_picture(request, small, "png", limits).prepare(local_database)
        return prepared.approximation

    stored = {"kind": "stored", "id": run.dataset_id}
    assert approximate(stored, 0.005).stride < approximate(body, 0.005).stride
    # The moments of a part of the sequences are not known.
    part = approximate(stored, 0.0015)
    assert part == approximate(body, 0.0015)
    assert part.n_samples < 10


def test_each_figure_has_its_own_size_and_loads_stored_data_before_it_is_drawn(
    compute: Callable[..., ComputationRow], local_database: Database
) -> None:
    run = compute(TRAINING_RUN, dataset=explicit(5, 3), n_iterations=1)
    basin_map = compute(BASIN_MAP, n_iterations=1, window={"resolution": 2})
    stored = {"kind": "stored", "id": run.dataset_id}
    for picture, pixels in [
        (surface_picture(make_surface(dataset=stored), OPTIONS, "png", LIMITS), (1000, 400)),
        (trace_picture(make_trace(dataset=stored), OPTIONS, "png", LIMITS), (760, 440)),
        (trajectory_picture(run, OPTIONS, "png", LIMITS), (1000, 440)),
        (basin_map_picture(basin_map, OPTIONS, "png", LIMITS), (720, 560)),
    ]:
        prepared: Any = picture.prepare(local_database)
        assert prepared.style.pixels == pixels
        if pixels != (720, 560):  # a basin map has no data
            assert "_arrays" in vars(prepared.data.dataset)
