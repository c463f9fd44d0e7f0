"""POST /v1/predict."""

from math import isclose
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

NOTE_SEQUENCE = [0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 1, 1]


def test_an_empty_request_is_the_notes(api: Any) -> None:
    for answer in (api.post("/v1/predict", {}), api.post("/v1/predict")):
        assert answer.status_code == 200
        assert answer.json() == {
            "outputs": [5.0],
            "states": None,
            "n_overflowed": 0,
            "model": {"w_in": 1.0, "w_rec": 1.0, "initial_state": 0.0, "activation": "identity"},
        }


def test_states_are_worked_out_by_hand(api: Any) -> None:
    question = {
        "model": {"w_in": 2, "w_rec": 0.5, "initial_state": 4},
        "inputs": [[1, 0], [3, 0, -8]],
        "return_states": True,
    }
    answer = api.post("/v1/predict", question).json()
    # 0.5 · 4 + 2 · 1 = 4, then 2; 0.5 · 4 + 2 · 3 = 8, then 4, then 2 - 16.
    assert answer["states"] == [[4.0, 4.0, 2.0], [4.0, 8.0, 4.0, -14.0]]
    assert answer["outputs"] == [2.0, -14.0]


def test_outputs_come_in_the_order_of_the_sequences_whatever_their_lengths(api: Any) -> None:
    sequences = [[1] * length for length in (3, 1, 2, 1, 3)]
    assert api.post("/v1/predict", {"inputs": sequences}).json()["outputs"] == [3, 1, 2, 1, 3]


@pytest.mark.parametrize(
    ("activation", "output"),
    [("tanh", 0.46211715726000975), ("relu", 0.5), ("sigmoid", 0.6224593312018546)],
)
def test_activations(api: Any, activation: str, output: float) -> None:
    question = {"model": {"activation": activation, "w_in": 0.5}, "inputs": [[1]]}
    answer = api.post("/v1/predict", question).json()
    assert isclose(answer["outputs"][0], output, rel_tol=1e-15)
    assert answer["model"]["activation"] == activation


def test_overflow_is_null_element_by_element(api: Any) -> None:
    question = {"model": {"w_rec": 50}, "inputs": [[1] * 1000, [1]], "return_states": True}
    answer = api.post("/v1/predict", question)
    assert answer.status_code == 200
    told = answer.json()
    assert told["outputs"] == [None, 1.0]
    assert told["n_overflowed"] == 1
    assert told["states"][0][:4] == [0.0, 1.0, 51.0, 2551.0]
    assert told["states"][0][-1] is None


def test_with_a_training_run(api: Any) -> None:
    run = api.post("/v1/training-runs", {}).json()
    question = {"model": {"kind": "run", "id": run["id"]}, "inputs": [NOTE_SEQUENCE]}
    answer = api.post("/v1/predict", question).json()
    assert round(answer["outputs"][0], 5) == 4.99896
    assert answer["model"] == {
        "w_in": 1.001355547207059,
        "w_rec": 0.9996744737846419,
        "initial_state": 0.0,
        "activation": "identity",
    }


@pytest.mark.parametrize("run_id", ["run_" + "0" * 32, "run_x", "", "x" * 5000])
def test_an_unknown_run(api: Any, run_id: str) -> None:
    answer = api.post("/v1/predict", {"model": {"kind": "run", "id": run_id}})
    assert answer.status_code == 404


def test_a_run_that_diverged_has_no_weights(api: Any) -> None:
    diverging = {
        "optimizer": {"name": "gradient_descent", "learning_rate": 1},
        "initial_weights": {"w_in": 3, "w_rec": 3},
    }
    run = api.post("/v1/training-runs", diverging).json()
    assert run["outcome"] == "diverged"
    answer = api.post("/v1/predict", {"model": {"kind": "run", "id": run["id"]}})
    assert answer.status_code == 409
    assert answer.json()["type"] == "/problems/conflict"


@pytest.mark.parametrize(
    ("inputs", "pointer"),
    [
        ([], "/inputs"),
        ([[]], "/inputs/0"),
        ([[1], []], "/inputs/1"),
        ({}, "/inputs"),
        ("abc", "/inputs"),
        (None, "/inputs"),
        ([1], "/inputs/0"),
        ([[1, 2], 3], "/inputs/1"),
        ([[1, "2"]], "/inputs/0/1"),
        ([[1, 2], [3, True]], "/inputs/1/1"),
        ([[1, None]], "/inputs/0/1"),
        ([[1, [2]]], "/inputs/0/1"),
    ],
)
def test_inputs_that_are_not_sequences(api: Any, inputs: Any, pointer: str) -> None:
    api.refused(api.post("/v1/predict", {"inputs": inputs}), pointer)


@pytest.mark.parametrize(
    ("question", "pointer"),
    [
        ({"model": {"kind": "weights", "w_in": "1"}}, "/model/w_in"),
        ({"model": {"w_rec": True}}, "/model/w_rec"),
        ({"model": {"w_rec": None}}, "/model/w_rec"),
        ({"model": {"w": 1}}, "/model/w"),
        ({"model": {"activation": "gelu"}}, "/model/activation"),
        ({"model": {"kind": "oracle"}}, "/model/kind"),
        ({"model": {"kind": "run"}}, "/model/id"),
        ({"model": {"kind": "run", "id": 3}}, "/model/id"),
        ({"model": []}, "/model"),
        ({"return_states": "yes"}, "/return_states"),
        ({"return_states": 1}, "/return_states"),
        ({"Inputs": [[1]]}, "/Inputs"),
        ({"a/b~c": 1}, "/a~1b~0c"),
    ],
)
def test_fields_that_are_wrong(api: Any, question: Any, pointer: str) -> None:
    api.refused(api.post("/v1/predict", question), pointer)


def test_all_wrong_fields_are_named_at_once(api: Any) -> None:
    answer = api.post("/v1/predict", {"model": {"w_in": "1", "w": 2}, "inputs": [[]]})
    pointers = {field["pointer"] for field in answer.json()["errors"]}
    assert pointers == {"/model/w_in", "/model/w", "/inputs/0"}


@given(st.lists(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1), min_size=1))
def test_any_finite_numbers_have_an_answer(api: Any, inputs: list[list[float]]) -> None:
    answer = api.post("/v1/predict", {"inputs": inputs}).json()
    sums: list[float | None] = []
    for sequence in inputs:
        total = 0.0
        for number in sequence:
            total += number
        sums.append(total if abs(total) < float("inf") else None)
    assert answer["outputs"] == sums
    assert answer["n_overflowed"] == sums.count(None)


def test_limits(make_api: Any) -> None:
    api = make_api(max_cells=100, max_json_numbers=50)
    assert api.post("/v1/predict", {"inputs": [[1] * 100]}).status_code == 200
    told = api.refused(api.post("/v1/predict", {"inputs": [[1] * 101]}), "/inputs", "100")
    assert told["type"] == "/problems/limit-exceeded"
    with_states = {"inputs": [[1] * 49], "return_states": True}
    api.refused(api.post("/v1/predict", with_states), "/return_states", "50")
    api.refused(api.post("/v1/predict", {"inputs": [[1]] * 51}), "/inputs", "50")


def test_a_sequence_that_takes_too_long(make_api: Any) -> None:
    api = make_api(max_work_seconds=0.01)
    told = api.refused(api.post("/v1/predict", {"inputs": [[1] * 10_000]}), "/inputs", "0.01")
    assert told["type"] == "/problems/limit-exceeded"


def test_more_sequences_than_are_read(api: Any) -> None:
    body = b'{"inputs": [' + b"[1]," * 1_000_000 + b"[1]]}"
    api.refused(api.post_text("/v1/predict", body), "/inputs", "1000000")
