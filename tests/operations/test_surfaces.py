"""Cost surfaces as a use case."""

import io
from collections.abc import Callable
from math import inf
from typing import Any, cast

import numpy as np
import pytest

from service.errors import Conflict, LimitExceeded, NotFound
from service.operations.limits import Limits
from service.operations.surfaces import compute_surfaces, estimate_surfaces, surfaces_npz
from service.operations.training import TRAINING_RUN
from service.operations.work_estimates import DatasetSize
from service.schemas.base import encode
from service.schemas.cost_surface import CostSurfaceRequest, CostSurfaceResponse
from service.store import Database
from service.store.rows import ComputationRow

NO_DATABASE = cast("Database", None)  # since neither datasets nor runs are stored
LIMITS, SIZE = Limits(), DatasetSize(2, 2)
INPUTS, TARGETS = [[1.0, 2.0], [3.0, -1.0]], [2.0, 0.5]
DATASET = {"kind": "explicit", "inputs": INPUTS, "targets": TARGETS}
WINDOWS = [
    {"w_in": {"low": -1, "high": 2}, "w_rec": {"low": 0, "high": 3}, "resolution": 4},
    {"w_in": {"low": 0.5, "high": 1}, "w_rec": {"low": -2, "high": -1}, "resolution": 3},
]


def make_request(**body: Any) -> CostSurfaceRequest:
    return CostSurfaceRequest.model_validate({"dataset": DATASET, "windows": WINDOWS} | body)


def compute(limits: Limits = LIMITS, **body: Any) -> CostSurfaceResponse:
    return compute_surfaces(make_request(**body), NO_DATABASE, limits)


def cost(w_in: float, w_rec: float) -> float:
    """Return the mean squared error of w_in (w_rec x_1 + x_2)."""
    errors = [w_in * (w_rec * a + b) - t for (a, b), t in zip(INPUTS, TARGETS, strict=True)]
    return sum(error**2 for error in errors) / 2.0


def test_rows_are_w_rec_and_columns_are_w_in() -> None:
    response = compute()
    assert len(response.windows) == 2
    axes = [
        ([-1.0, 0.0, 1.0, 2.0], [0.0, 1.0, 2.0, 3.0]),
        ([0.5, 0.75, 1.0], [-2.0, -1.5, -1.0]),
    ]
    for found, (w_in, w_rec) in zip(response.windows, axes, strict=True):
        assert found.w_in.tolist() == w_in
        assert found.w_rec.tolist() == w_rec
        expected = np.array([[cost(column, row) for column in w_in] for row in w_rec])
        np.testing.assert_allclose(found.cost, expected, rtol=1e-12)
        row, column = np.unravel_index(np.argmin(expected), expected.shape)
        assert found.minimum.weights.w_in == w_in[column]
        assert found.minimum.weights.w_rec == w_rec[row]
        assert found.minimum.cost == pytest.approx(expected.min(), rel=1e-12)
        assert found.n_overflowed == 0


def test_costs_that_overflow_are_counted_and_have_no_minimum() -> None:
    far = {"low": 1e150, "high": 1e160}
    windows = [{"w_in": far, "w_rec": far, "resolution": 3}]
    (found,) = compute(windows=windows).windows
    assert np.isinf(found.cost).all()
    assert found.n_overflowed == 9
    assert found.minimum.cost == inf
    assert b'"minimum":{"weights":{"w_in":null,"w_rec":null},"cost":null}' in encode(found)


def test_the_archive_has_the_arrays_of_all_windows() -> None:
    download = surfaces_npz(make_request(), NO_DATABASE, Limits(max_json_numbers=1))
    with np.load(io.BytesIO(b"".join(download.open()))) as archive:
        found = dict(archive)
    response = compute()
    assert len(found) == 6
    for i, window in enumerate(response.windows):
        for name in ("w_in", "w_rec", "cost"):
            np.testing.assert_array_equal(found[f"{name}_{i}"], getattr(window, name))


@pytest.mark.parametrize(
    ("limits", "pointer"),
    [
        (Limits(max_grid=3), "/windows/0/resolution"),
        (Limits(max_grid=2), "/windows/0/resolution"),
        (Limits(max_work_seconds=1e-9), "/windows"),
    ],
)
def test_grids_and_archives_have_the_same_limits_of_work(limits: Limits, pointer: str) -> None:
    request = make_request()
    for refused in (
        lambda: estimate_surfaces(request, SIZE, limits),
        lambda: surfaces_npz(request, NO_DATABASE, limits),
    ):
        with pytest.raises(LimitExceeded) as caught:
            refused()
        assert [each.pointer for each in caught.value.errors] == [pointer]


def test_a_grid_that_is_too_fine_is_located() -> None:
    with pytest.raises(LimitExceeded) as caught:
        estimate_surfaces(make_request(windows=WINDOWS[::-1]), SIZE, Limits(max_grid=3))
    assert [each.pointer for each in caught.value.errors] == ["/windows/1/resolution"]
    estimate_surfaces(make_request(), SIZE, Limits(max_grid=4))


def test_the_estimate_counts_the_costs_of_all_windows() -> None:
    def seconds(*resolutions: int) -> float:
        windows = [WINDOWS[0] | {"resolution": n} for n in resolutions]
        tanh = {"activation": "tanh"}
        return estimate_surfaces(make_request(windows=windows, network=tanh), SIZE, LIMITS)

    assert seconds(100, 200) == pytest.approx(5.0 * seconds(100))
    assert seconds(50, 50) == pytest.approx(0.5 * seconds(100))


def test_costs_and_axes_count_for_the_limit_of_json() -> None:
    # 4 x 4 and 3 x 3 costs, and two axes each
    compute(Limits(max_json_numbers=39))
    with pytest.raises(LimitExceeded, match="39 numbers") as caught:
        compute(Limits(max_json_numbers=38))
    assert [each.pointer for each in caught.value.errors] == ["/windows"]


def test_the_archive_has_an_etag_and_an_estimate() -> None:
    first, second = (
        surfaces_npz(make_request(windows=[WINDOWS[0] | {"resolution": n}]), NO_DATABASE, LIMITS)
        for n in (10, 20)
    )
    assert first.etag != second.etag
    assert second.writing_seconds == pytest.approx(4.0 * first.writing_seconds)
    assert second.seconds == estimate_surfaces(
        make_request(windows=[WINDOWS[0] | {"resolution": 20}]), SIZE, LIMITS
    )


def test_runs_must_have_succeeded(
    compute: Callable[..., ComputationRow], local_database: Database
) -> None:
    done = compute(TRAINING_RUN, n_iterations=4)
    queued = compute(TRAINING_RUN, n_iterations=5, respond_async=True)
    for use in (compute_surfaces, surfaces_npz):
        use(make_request(runs=[done.id]), local_database, LIMITS)
        with pytest.raises(Conflict):
            use(make_request(runs=[done.id, queued.id]), local_database, LIMITS)
        with pytest.raises(NotFound):
            use(make_request(runs=["run_" + "0" * 32]), local_database, LIMITS)
