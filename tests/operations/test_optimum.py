"""The exact optimum as a use case."""

from math import log10
from typing import Any, cast

import pytest

from service.errors import Invalid, LimitExceeded
from service.operations.limits import Limits
from service.operations.optimum import estimate_optimum, find_optimum
from service.operations.work_estimates import DatasetSize
from service.schemas.base import encode
from service.schemas.optimum import OptimumRequest, OptimumResponse
from service.store import Database

NO_DATABASE = cast("Database", None)  # since no dataset is stored
LIMITS = Limits()


def find(
    inputs: list[list[float]], targets: list[float], limits: Limits = LIMITS, **body: Any
) -> OptimumResponse:
    dataset = {"kind": "explicit", "inputs": inputs, "targets": targets}
    request = OptimumRequest.model_validate({"dataset": dataset, **body})
    return find_optimum(request, NO_DATABASE, limits)


def test_two_sequences_are_fitted_exactly() -> None:
    # -2 (0.5 + 1) and -2 (0.5 · 3 - 1)
    found = find([[1.0, 1.0], [3.0, -1.0]], [-3.0, -1.0])
    assert (found.weights.w_in, found.weights.w_rec) == (-2.0, 0.5)
    assert (found.cost, found.attained, found.unique) == (0.0, True, True)
    assert (found.w_in_sign, found.log10_abs_w_in) == (-1, log10(2.0))
    assert b'"log10_cost":null' in encode(found)


def test_the_initial_state_of_the_network_counts() -> None:
    # The last state of one step is 2 w_rec + w_in x.
    found = find([[1.0], [2.0]], [5.0, 6.0], network={"initial_state": 2.0})
    assert (found.weights.w_in, found.weights.w_rec) == (1.0, 2.0)


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid"])
def test_other_activations_have_no_exact_optimum(activation: str) -> None:
    with pytest.raises(Invalid, match="identity activation only") as caught:
        find([[1.0]], [1.0], network={"activation": activation})
    assert [each.pointer for each in caught.value.errors] == ["/network/activation"]


def test_datasets_that_take_too_long_are_refused() -> None:
    size = DatasetSize(1000, 100)
    seconds = estimate_optimum(OptimumRequest(), size, LIMITS)
    assert estimate_optimum(OptimumRequest(), size, Limits(max_work_seconds=seconds)) == seconds
    with pytest.raises(LimitExceeded) as caught:
        estimate_optimum(OptimumRequest(), size, Limits(max_work_seconds=0.9 * seconds))
    assert [each.pointer for each in caught.value.errors] == ["/dataset"]
