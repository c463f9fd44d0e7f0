"""/v1/cost-surface and /v1/optimum."""

import io
from typing import Any

import numpy as np
import pytest

WINDOW = {"w_in": {"low": 0.5, "high": 2}, "w_rec": {"low": -1, "high": 1}, "resolution": 7}


def test_an_empty_request_is_the_notes(api: Any, note: Any) -> None:
    answers = [
        api.post("/v1/cost-surface", {}),
        api.post("/v1/cost-surface"),
        api.get("/v1/cost-surface"),
    ]
    assert len({answer.content for answer in answers}) == 1
    windows = answers[0].json()["windows"]
    for window, golden in zip(windows, note["surfaces"], strict=True):
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


def test_rows_are_w_rec_and_columns_w_in(api: Any) -> None:
    dataset = {"kind": "explicit", "inputs": [[1, 2]], "targets": [0]}
    question = {"dataset": dataset, "windows": [WINDOW]}
    (window,) = api.post("/v1/cost-surface", question).json()["windows"]
    w_in, w_rec = np.array(window["w_in"]), np.array(window["w_rec"])
    expected = (w_in[None, :] * (w_rec[:, None] + 2)) ** 2
    np.testing.assert_allclose(window["cost"], expected, rtol=1e-12)


def test_overflow_is_null_and_counted(api: Any) -> None:
    question = {
        "dataset": {"n_steps": 1000},
        "windows": [{"w_rec": {"low": -50, "high": 50}, "resolution": 3}],
    }
    (window,) = api.post("/v1/cost-surface", question).json()["windows"]
    cells = [cell for row in window["cost"] for cell in row]
    assert cells.count(None) == window["n_overflowed"] > 0
    assert window["minimum"]["cost"] == min(cell for cell in cells if cell is not None)


def test_nothing_but_overflow_has_no_minimal_cost(api: Any) -> None:
    question = {
        "dataset": {"n_steps": 1000},
        "windows": [
            {"w_in": {"low": 1, "high": 2}, "w_rec": {"low": 40, "high": 50}, "resolution": 2}
        ],
    }
    (window,) = api.post("/v1/cost-surface", question).json()["windows"]
    assert window["cost"] == [[None, None], [None, None]]
    assert window["n_overflowed"] == 4
    assert window["minimum"]["cost"] is None


def test_the_archive_holds_what_the_json_holds(api: Any) -> None:
    question = {"windows": [WINDOW, {"resolution": 3}], "dataset": {"n_steps": 200}}
    windows = api.post("/v1/cost-surface", question).json()["windows"]
    answer = api.post("/v1/cost-surface.npz", question)
    assert answer.headers["content-type"] == "application/x-npz"
    arrays = np.load(io.BytesIO(answer.content))
    assert sorted(arrays) == ["cost_0", "cost_1", "w_in_0", "w_in_1", "w_rec_0", "w_rec_1"]
    for i, window in enumerate(windows):
        for name in ("w_in", "w_rec"):
            np.testing.assert_array_equal(arrays[f"{name}_{i}"], window[name])
        cost = np.array(window["cost"], dtype=float)  # null is nan
        kept = np.where(np.isinf(arrays[f"cost_{i}"]), np.nan, arrays[f"cost_{i}"])
        np.testing.assert_array_equal(kept, cost)


def test_the_spelling_of_get(api: Any) -> None:
    spelled = "n_samples=5&noise=1&activation=relu&w_in=0.5,2&w_rec=-1,1&resolution=7"
    question = {
        "dataset": {"n_samples": 5, "noise": 1},
        "network": {"activation": "relu"},
        "windows": [WINDOW],
    }
    answer = api.post("/v1/cost-surface", question)
    assert api.get(f"/v1/cost-surface?{spelled}").content == answer.content
    archive = api.post("/v1/cost-surface.npz", question)
    again = api.get(f"/v1/cost-surface.npz?{spelled}")
    assert again.content == archive.content
    assert again.headers["etag"] == archive.headers["etag"]


def test_one_parameter_of_a_window_asks_for_one_window(api: Any) -> None:
    for query in ("w_in=0,1", "w_rec=0,1", "resolution=4"):
        windows = api.get(f"/v1/cost-surface?{query}").json()["windows"]
        assert len(windows) == 1
    (window,) = api.get("/v1/cost-surface?w_in=0,1&resolution=3").json()["windows"]
    assert window["w_in"] == [0.0, 0.5, 1.0]
    assert window["w_rec"] == [-3.0, 0.0, 3.0]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("w_in=3,-3", "/windows/0/w_in"),
        ("w_in=3,3", "/windows/0/w_in"),
        ("w_in=1", "/windows/0/w_in"),
        ("w_in=1,2,3", "/windows/0/w_in"),
        ("w_rec=a,2", "/windows/0/w_rec/low"),
        ("w_rec=0,Infinity", "/windows/0/w_rec/high"),
        ("w_rec=0,5e-324", "/windows/0/w_rec"),
        ("w_rec=-1.7e308,1.7e308", "/windows/0/w_rec"),
        ("w_in=0,1&w_in=1,2", "/windows/0/w_in"),
        ("resolution=1", "/windows/0/resolution"),
        ("resolution=10001", "/windows/0/resolution"),
        ("resolution=1e2x", "/windows/0/resolution"),
        ("windows=1", "/windows"),
        ("aggregation=sum", "/aggregation"),
        ("&".join(["run=run_1"] * 9), "/runs"),
    ],
)
def test_a_query_that_is_wrong(api: Any, query: str, pointer: str) -> None:
    api.refused(api.get(f"/v1/cost-surface?{query}"), pointer)


@pytest.mark.parametrize(
    ("question", "pointer"),
    [
        ({"windows": []}, "/windows"),
        ({"windows": [{}] * 5}, "/windows"),
        ({"windows": [{"w_in": {"low": 1, "high": 0}}]}, "/windows/0/w_in"),
        ({"windows": [{}, {"w_in": {"low": "0"}}]}, "/windows/1/w_in/low"),
        ({"windows": [{}, {"resolution": 2.5}]}, "/windows/1/resolution"),
        ({"windows": {}}, "/windows"),
        ({"runs": ["run_1"] * 9}, "/runs"),
        ({"runs": [1]}, "/runs/0"),
        ({"points": [{"w_in": 1, "w_rec": True}]}, "/points/0/w_rec"),
    ],
)
def test_a_question_that_is_wrong(api: Any, question: Any, pointer: str) -> None:
    api.refused(api.post("/v1/cost-surface", question), pointer)


def test_runs_have_to_be_there(api: Any) -> None:
    for suffix in ("", ".png", ".npz"):
        for run_id in ("run_" + "0" * 32, "run_1", "ds_05aa9c3d3afdbff0f9faa5baec15c674"):
            answer = api.get(f"/v1/cost-surface{suffix}?run={run_id}")
            assert answer.status_code == 404


def test_limits(make_api: Any) -> None:
    api = make_api(max_grid=20, max_json_numbers=300)
    told = api.refused(
        api.get("/v1/cost-surface?resolution=21"), "/windows/0/resolution", "limit is 20"
    )
    assert told["type"] == "/problems/limit-exceeded"
    api.refused(api.get("/v1/cost-surface.npz?resolution=21"), "/windows/0/resolution")
    told = api.refused(api.get("/v1/cost-surface?resolution=17"), "/windows", "300", ".npz")
    assert told["type"] == "/problems/limit-exceeded"
    assert api.get("/v1/cost-surface.npz?resolution=17").status_code == 200
    assert api.get("/v1/cost-surface?resolution=16").status_code == 200


def test_no_weights_are_lowest_where_no_cost_is_known(api: Any) -> None:
    question = {
        "dataset": {"n_steps": 1000},
        "windows": [{"w_rec": {"low": 40, "high": 50}, "w_in": {"low": 1, "high": 2}}],
    }
    (surface,) = api.post("/v1/cost-surface", question).json()["windows"]
    assert surface["n_overflowed"] == 100 * 100
    assert surface["minimum"] == {"weights": {"w_in": None, "w_rec": None}, "cost": None}


def test_too_much_work(make_api: Any) -> None:
    api = make_api(max_work_seconds=0.01)
    query = "activation=tanh&n_steps=1000"
    api.refused(api.get(f"/v1/cost-surface?{query}"), "/windows", "0.01")
    api.refused(api.get(f"/v1/cost-surface.npz?{query}"), "/windows", "0.01")
    api.refused(api.post("/v1/optimum", {"dataset": {"n_steps": 10_000}}), "/dataset", "0.01")


def test_the_notes_optimum(api: Any) -> None:
    for answer in (api.post("/v1/optimum", {}), api.post("/v1/optimum")):
        assert answer.json() == {
            "weights": {"w_in": 1.0, "w_rec": 1.0},
            "cost": 0.0,
            "log10_cost": None,
            "attained": True,
            "unique": True,
            "w_in_sign": 1,
            "log10_abs_w_in": 0.0,
        }


def test_an_optimum_that_is_not_attained(api: Any) -> None:
    """Remember the first input: the weights go to infinity, and no cost is least."""
    dataset = {
        "kind": "explicit",
        "inputs": [[1, 0, 1], [0, 1, 1], [1, 1, 0], [0, 0, 1]],
        "targets": [1, 0, 1, 0],
    }
    told = api.post("/v1/optimum", {"dataset": dataset}).json()
    assert told["attained"] is False
    assert told["weights"]["w_rec"] is None
    assert told["cost"] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid"])
def test_other_activations_have_no_exact_optimum(api: Any, activation: str) -> None:
    answer = api.post("/v1/optimum", {"network": {"activation": activation}})
    api.refused(answer, "/network/activation", "identity")
