"""POST /v1/predict."""

import io
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

NOTE_SEQUENCE = [0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 1, 1]


def test_states_match_a_calculation_by_hand(api: Any) -> None:
    request_body = {
        "model": {"w_in": 2, "w_rec": 0.5, "initial_state": 4},
        "inputs": [[1, 0], [3, 0, -8]],
        "return_states": True,
    }
    response = api.post("/v1/predict", request_body).json()
    # 0.5 · 4 + 2 · 1 = 4, then 2; 0.5 · 4 + 2 · 3 = 8, then 4, then 2 - 16.
    assert response["states"] == [[4.0, 4.0, 2.0], [4.0, 8.0, 4.0, -14.0]]
    assert response["outputs"] == [2.0, -14.0]


def test_overflow_is_null_element_by_element(api: Any) -> None:
    request_body = {"model": {"w_rec": 50}, "inputs": [[1] * 1000, [1]], "return_states": True}
    response = api.post("/v1/predict", request_body)
    assert response.status_code == 200
    result = response.json()
    assert result["outputs"] == [None, 1.0]
    assert result["n_overflowed"] == 1
    assert result["states"][0][:4] == [0.0, 1.0, 51.0, 2551.0]
    assert result["states"][0][-1] is None


def test_with_a_training_run(api: Any) -> None:
    run = api.post("/v1/training-runs", {}).json()
    request_body = {"model": {"kind": "run", "id": run["id"]}, "inputs": [NOTE_SEQUENCE]}
    response = api.post("/v1/predict", request_body).json()
    assert round(response["outputs"][0], 5) == 4.99896
    assert response["model"] == {
        "w_in": 1.001355547207059,
        "w_rec": 0.9996744737846419,
        "initial_state": 0.0,
        "activation": "identity",
    }


@pytest.mark.parametrize("run_id", ["run_" + "0" * 32, "run_x", "", "x" * 5000])
def test_an_unknown_run(api: Any, run_id: str) -> None:
    response = api.post("/v1/predict", {"model": {"kind": "run", "id": run_id}})
    assert response.status_code == 404


def test_all_invalid_fields_are_listed(api: Any) -> None:
    response = api.post("/v1/predict", {"model": {"w_in": "1", "w": 2}, "inputs": [[]]})
    pointers = {field["pointer"] for field in response.json()["errors"]}
    assert pointers == {"/model/w_in", "/model/w", "/inputs/0"}


@given(st.lists(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1), min_size=1))
def test_any_finite_numbers_have_a_prediction(api: Any, inputs: list[list[float]]) -> None:
    response = api.post("/v1/predict", {"inputs": inputs}).json()
    sums: list[float | None] = []
    for sequence in inputs:
        total = 0.0
        for number in sequence:
            total += number
        sums.append(total if abs(total) < float("inf") else None)
    assert response["outputs"] == sums
    assert response["n_overflowed"] == sums.count(None)


def test_limits(make_api: Any) -> None:
    api = make_api(max_cells=100, max_json_numbers=50)
    assert api.post("/v1/predict", {"inputs": [[1] * 100]}).status_code == 200
    result = api.refused(api.post("/v1/predict", {"inputs": [[1] * 101]}), "/inputs", "100")
    assert result["type"] == "/problems/limit-exceeded"
    with_states = {"inputs": [[1] * 49], "return_states": True}
    api.refused(api.post("/v1/predict", with_states), "/return_states", "50")
    api.refused(api.post("/v1/predict", {"inputs": [[1]] * 51}), "/inputs", "50")


EXPLICIT = {"kind": "explicit", "inputs": [[1, 2], [3, 4]], "targets": [4, 9]}
LEAKY = {"w_in": 1, "w_rec": 0.5}


def test_the_sequences_of_any_dataset_are_predicted(api: Any) -> None:
    stored = {"kind": "stored", "id": api.post("/v1/datasets", EXPLICIT).json()["id"]}
    expected = api.post("/v1/predict", {"model": LEAKY, "inputs": EXPLICIT["inputs"]})
    assert expected.json()["outputs"] == [2.5, 5.5]
    for dataset in (EXPLICIT, stored):
        response = api.post("/v1/predict", {"model": LEAKY, "dataset": dataset})
        assert response.content == expected.content
    drawn = api.post("/v1/predict", {"dataset": {}}).json()["outputs"]
    table = np.load(io.BytesIO(api.get(api.post("/v1/datasets").json()["links"]["npz"]).content))
    assert drawn == table["targets"].tolist()
    states = api.post("/v1/predict", {"dataset": stored, "return_states": True}).json()["states"]
    assert states == [[0, 1, 3], [0, 3, 7]]


def test_weights_and_a_network_take_the_place_of_a_model(api: Any) -> None:
    whole = {"w_in": 2, "w_rec": 0.5, "initial_state": 4, "activation": "tanh"}
    weights = {"w_in": 2, "w_rec": 0.5}
    network = {"initial_state": 4, "activation": "tanh"}
    expected = api.post("/v1/predict", {"model": whole})
    assert api.post("/v1/predict", {"weights": weights, "network": network}).json() == (
        expected.json()
    )
    for name, value in (("weights", weights), ("network", network)):
        refused = api.post("/v1/predict", {"model": {}, name: value})
        api.refused(refused, "", "model cannot be combined with weights or network")


def test_a_dataset_takes_the_place_of_inputs(api: Any) -> None:
    api.refused(api.post("/v1/predict", {"dataset": {}, "inputs": [[1]]}), "", "mutually exclusive")
    api.refused(api.post("/v1/predict", {"dataset": {"seed": -1}}), "/dataset/seed")
    missing = {"kind": "stored", "id": "ds_" + "0" * 32}
    for path in ("/v1/predict", "/v1/predict.csv"):
        assert api.post(path, {"dataset": missing}).status_code == 404


def test_predictions_as_a_table(api: Any) -> None:
    of_inputs = api.post("/v1/predict.csv", {"inputs": [[1, 2], [3]]})
    assert of_inputs.headers["content-type"] == "text/csv; charset=utf-8"
    assert of_inputs.text == "sequence,output\r\n0,3.0\r\n1,3.0\r\n"
    of_dataset = api.post("/v1/predict.csv", {"model": LEAKY, "dataset": EXPLICIT})
    frame = pd.read_csv(io.StringIO(of_dataset.text))
    assert list(frame) == ["sequence", "output", "target"]
    assert frame.to_numpy().tolist() == [[0, 2.5, 4], [1, 5.5, 9]]
    huge = {"model": {"w_rec": 10}, "inputs": [[1] * 400, [1]]}
    assert api.post("/v1/predict.csv", huge).text == "sequence,output\r\n0,\r\n1,1.0\r\n"
    again = api.post("/v1/predict.csv", {"inputs": [[3, 0], [3]]})
    assert again.headers["etag"] == of_inputs.headers["etag"]
    assert of_dataset.headers["etag"] != of_inputs.headers["etag"]


def test_a_table_has_other_limits_than_json(make_api: Any) -> None:
    api = make_api(max_json_numbers=50)
    api.refused(api.post("/v1/predict", {"dataset": {"n_samples": 51}}), "/dataset", ".csv")
    table = api.post("/v1/predict.csv", {"dataset": {"n_samples": 51}})
    assert len(table.text.splitlines()) == 52

    with_states = {"dataset": {}, "return_states": True}
    api.refused(api.post("/v1/predict.csv", with_states), "/return_states", "JSON")
