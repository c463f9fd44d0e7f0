"""Predictions for sequences of any lengths."""

from typing import Any, cast

import numpy as np
import pytest

from service.errors import LimitExceeded
from service.operations.limits import Limits
from service.operations.predict import SMALL, estimate_prediction, is_small, predict
from service.schemas.predict import PredictRequest, PredictResponse
from service.store import Database

NO_DATABASE = cast("Database", None)  # since the model is not a run
MODEL = {"kind": "weights", "w_in": 0.5, "w_rec": -2.0, "initial_state": 1.5}
SEQUENCES = [[1.0, 2.0], [3.0], [0.0, 1.0, 4.0], [5.0], [2.0, 1.0]]


def make_request(inputs: Any = SEQUENCES, **more: Any) -> PredictRequest:
    return PredictRequest.model_validate({"model": MODEL, "inputs": inputs} | more)


def run(request: PredictRequest, **limits: Any) -> PredictResponse:
    return predict(request, NO_DATABASE, Limits(**limits))


@pytest.mark.parametrize("return_states", [False, True])
def test_sequences_of_several_lengths_keep_their_order(return_states: bool) -> None:
    response = run(make_request(return_states=return_states))
    for i, sequence in enumerate(SEQUENCES):
        states = [1.5]
        for x in sequence:
            states.append(-2.0 * states[-1] + 0.5 * x)
        assert response.outputs[i] == states[-1]
        if return_states:
            assert response.states is not None
            np.testing.assert_array_equal(response.states[i], states)
    assert (response.states is not None) == return_states
    assert response.n_overflowed == 0


def test_outputs_that_overflow_are_counted() -> None:
    assert run(make_request([[1.0] * 2000, [1.0]])).n_overflowed == 1


@pytest.mark.parametrize(
    ("return_states", "limits", "pointer"),
    [
        (False, {"max_cells": 8}, "/inputs"),
        (False, {"max_json_numbers": 4}, "/inputs"),
        (True, {"max_json_numbers": 18}, "/return_states"),
    ],
)
def test_a_limit_is_allowed_and_one_more_is_not(
    return_states: bool, limits: dict[str, int], pointer: str
) -> None:
    request = make_request(return_states=return_states)
    # There are 9 inputs and as many states, with two more per sequence of the five.
    ((name, limit),) = limits.items()
    run(request, **{name: limit + 1})
    with pytest.raises(LimitExceeded) as caught:
        run(request, **limits)
    assert [each.pointer for each in caught.value.errors] == [pointer]


def test_only_many_inputs_are_limited_in_time() -> None:
    few, many = ([[1.0] * n] for n in (SMALL, SMALL + 1))
    run(make_request(few), max_work_seconds=1e-9)
    with pytest.raises(LimitExceeded):
        run(make_request(many), max_work_seconds=1e-9)
    assert estimate_prediction(make_request(many)) > estimate_prediction(make_request(few))


@pytest.mark.parametrize("activation", ["identity", "tanh"])
@pytest.mark.parametrize("return_states", [False, True])
def test_a_prediction_of_many_steps_is_small_only_without_numpy(
    activation: str, return_states: bool
) -> None:
    model = MODEL | {"activation": activation}
    for inputs in ([[1.0] * SMALL], [[1.0] * n for n in range(1, 60)]):
        request = make_request(inputs, model=model, return_states=return_states)
        assert is_small(request) == (activation == "identity" and not return_states)
    stored = {"kind": "run", "id": "run_1"}
    assert not is_small(make_request([[1.0] * SMALL], model=stored))
    for inputs in ([[1.0] * 10] * (SMALL // 10), [[1.0]] * SMALL):
        request = make_request(inputs, model=model, return_states=return_states)
        assert is_small(request)
    assert not is_small(make_request([[1.0]] * (SMALL + 1)))
