"""/v1/cost-surface."""

import io
from typing import Any

import numpy as np
import pytest

SQUARE = {"w_in": {"low": 0, "high": 2}, "w_rec": {"low": 0, "high": 2}}
WINDOW = {"w_in": {"low": 0.5, "high": 2}, "w_rec": {"low": -1, "high": 1}, "resolution": 7}


def test_an_empty_request_repeats_the_tutorial(api: Any, tutorial: Any) -> None:
    body = {"windows": [{"resolution": 100}, {"resolution": 100, **SQUARE}]}
    responses = [api.post("/v1/cost-surface", body)]
    windows = responses[0].json()["windows"]
    for window, golden in zip(windows, tutorial["surfaces"], strict=True):
        cost = np.array(window["cost"])
        assert cost.shape == (100, 100)
        axis = np.linspace(golden["low"], golden["high"], 100)
        np.testing.assert_array_equal(window["w_in"], axis)
        np.testing.assert_array_equal(window["w_rec"], axis)
        corners = [cost[0, 0], cost[0, -1], cost[-1, 0], cost[-1, -1]]
        np.testing.assert_allclose(corners, list(golden["corners"].values()), rtol=1e-12)
        assert cost.mean() == pytest.approx(golden["mean"], rel=1e-12)
        row, column = golden["argmin"]  # rows are w_rec
        least = window["minimum"]["weights"]
        assert (least["w_in"], least["w_rec"]) == (axis[column], axis[row])
        assert window["minimum"]["cost"] == pytest.approx(golden["min"], rel=1e-9, abs=1e-25)
        assert window["n_overflowed"] == 0


def test_the_default_resolution_depends_on_the_format(api: Any) -> None:
    body = {"windows": [{}, SQUARE]}
    for suffix, read, n_points in (("", read_json, 25), (".npz", read_npz, 100)):
        path = f"/v1/cost-surface{suffix}"
        responses = [api.post(path, {}), api.post(path), api.get(path), api.post(path, body)]
        assert len({response.content for response in responses}) == 1
        assert len(responses[0].content) < 40_000 or suffix
        one = api.get(f"{path}?w_in=0,2&w_rec=0,2")
        for cost in [*read(responses[0]), *read(one)]:
            assert cost.shape == (n_points, n_points)
        np.testing.assert_array_equal(read(one)[0], read(responses[0])[1])


def read_json(response: Any) -> list[Any]:
    return [np.array(window["cost"]) for window in response.json()["windows"]]


def read_npz(response: Any) -> list[Any]:
    arrays = np.load(io.BytesIO(response.content))
    return [arrays[name] for name in sorted(arrays) if name.startswith("cost")]


def test_overflow_is_null_and_counted(api: Any) -> None:
    body = {
        "dataset": {"n_steps": 1000},
        "windows": [
            {"w_rec": {"low": -50, "high": 50}, "resolution": 3},
            {"w_in": {"low": 1, "high": 2}, "w_rec": {"low": 40, "high": 50}, "resolution": 2},
        ],
    }
    window, beyond = api.post("/v1/cost-surface", body).json()["windows"]
    cells = [cell for row in window["cost"] for cell in row]
    assert cells.count(None) == window["n_overflowed"] > 0
    assert window["minimum"]["cost"] == min(cell for cell in cells if cell is not None)
    assert beyond["cost"] == [[None, None], [None, None]]
    assert (beyond["n_overflowed"], beyond["minimum"]["cost"]) == (4, None)


def test_the_archive_and_the_json_have_the_same_numbers(api: Any) -> None:
    body = {"windows": [WINDOW, {"resolution": 3}], "dataset": {"n_steps": 200}}
    windows = api.post("/v1/cost-surface", body).json()["windows"]
    response = api.post("/v1/cost-surface.npz", body)
    assert response.headers["content-type"] == "application/x-npz"
    arrays = np.load(io.BytesIO(response.content))
    assert sorted(arrays) == ["cost_0", "cost_1", "w_in_0", "w_in_1", "w_rec_0", "w_rec_1"]
    for i, window in enumerate(windows):
        for name in ("w_in", "w_rec"):
            np.testing.assert_array_equal(arrays[f"{name}_{i}"], window[name])
        cost = np.array(window["cost"], dtype=float)  # null is nan
        with_nan = np.where(np.isinf(arrays[f"cost_{i}"]), np.nan, arrays[f"cost_{i}"])
        np.testing.assert_array_equal(with_nan, cost)


def test_get_and_post_agree(api: Any) -> None:
    spelled = "n_samples=5&noise=1&activation=relu&w_in=0.5,2&w_rec=-1,1&resolution=7"
    body = {
        "dataset": {"n_samples": 5, "noise": 1},
        "network": {"activation": "relu"},
        "windows": [WINDOW],
    }
    response = api.post("/v1/cost-surface", body)
    assert api.get(f"/v1/cost-surface?{spelled}").content == response.content
    archive = api.post("/v1/cost-surface.npz", body)
    again = api.get(f"/v1/cost-surface.npz?{spelled}")
    assert again.content == archive.content
    assert again.headers["etag"] == archive.headers["etag"]


def test_a_range_selects_one_window_and_a_resolution_changes_both(api: Any) -> None:
    for query in ("w_in=0,1", "w_rec=0,1"):
        windows = api.get(f"/v1/cost-surface?{query}").json()["windows"]
        assert len(windows) == 1
    windows = api.get("/v1/cost-surface?resolution=3").json()["windows"]
    assert [window["w_in"] for window in windows] == [[-3, 0, 3], [0, 1, 2]]
    (window,) = api.get("/v1/cost-surface?w_in=0,1&resolution=3").json()["windows"]
    assert window["w_in"] == [0.0, 0.5, 1.0]
    assert window["w_rec"] == [-3.0, 0.0, 3.0]


@pytest.mark.parametrize("w_rec", ["0,5e-324", "-1.7e308,1.7e308"])
def test_invalid_windows(api: Any, w_rec: str) -> None:
    api.refused(api.get(f"/v1/cost-surface?w_rec={w_rec}"), "w_rec")


def test_limits(make_api: Any) -> None:
    api = make_api(max_grid=20, max_json_numbers=300)
    result = api.refused(api.get("/v1/cost-surface?resolution=21"), "resolution", "limit is 20")
    assert result["type"] == "/problems/limit-exceeded"
    api.refused(api.get("/v1/cost-surface.npz?resolution=21"), "resolution")
    result = api.refused(api.get("/v1/cost-surface?resolution=12"), "resolution", "300", ".npz")
    assert result["type"] == "/problems/limit-exceeded"
    assert api.get("/v1/cost-surface.npz?resolution=17").status_code == 200
    assert api.get("/v1/cost-surface?resolution=11").status_code == 200
