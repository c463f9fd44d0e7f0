"""Gradient traces and gradient checks as use cases."""

import csv
import io
from typing import Any, cast

import numpy as np
import pytest

from service.errors import LimitExceeded, NotFound
from service.operations.limits import Limits
from service.operations.traces import (
    check_gradient,
    estimate_check,
    estimate_traces,
    trace_csv,
    trace_gradients,
)
from service.operations.work_estimates import BACKWARD, DatasetSize, backpropagation_seconds
from service.schemas.gradient_check import GradientCheckRequest
from service.schemas.gradient_trace import GradientTraceRequest, GradientTraceResponse
from service.store import Database

NO_DATABASE = cast("Database", None)  # since no dataset is stored
LIMITS = Limits()
INPUTS, TARGETS = [[1.0, 2.0], [3.0, -1.0]], [2.0, 0.5]
DATASET = {"kind": "explicit", "inputs": INPUTS, "targets": TARGETS}
POINTS = [{"w_in": 0.5, "w_rec": 2.0}, {"w_in": -1.0, "w_rec": 0.25}]
FINITE = [(0.5, 2.0), (-1.0, 0.25)]


def make_request(**body: Any) -> GradientTraceRequest:
    return GradientTraceRequest.model_validate({"dataset": DATASET, "points": POINTS} | body)


def trace(limits: Limits = LIMITS, **body: Any) -> GradientTraceResponse:
    return trace_gradients(make_request(**body), NO_DATABASE, limits)


def last_gradient(w_in: float, w_rec: float) -> float:
    """Return the derivative of the mean squared error by S_2, summed over both sequences."""
    outputs = [w_in * (w_rec * a + b) for a, b in INPUTS]
    return sum(output - target for output, target in zip(outputs, TARGETS, strict=True))


def test_each_point_has_the_trace_of_its_weights() -> None:
    response = trace()
    assert len(response.traces) == 2
    for found, (w_in, w_rec) in zip(response.traces, FINITE, strict=True):
        assert (found.point.w_in, found.point.w_rec) == (w_in, w_rec)
        # Each step back multiplies the gradient by w_rec.
        expected = last_gradient(w_in, w_rec) * w_rec ** np.array([2.0, 1.0, 0.0])
        np.testing.assert_allclose(found.gradient, expected, rtol=1e-13)
        np.testing.assert_allclose(found.log10_magnitude, np.log10(abs(expected)), rtol=1e-12)
        np.testing.assert_array_equal(found.sign, np.sign(expected))
        assert found.sign.dtype == np.int64
        assert found.growth_per_step == pytest.approx(w_rec)
    assert [str(found.regime) for found in response.traces] == ["exploding", "vanishing"]


def test_the_aggregation_of_the_tutorial_is_n_times_the_sum() -> None:
    for tutorial, total in zip(trace(aggregation="tutorial").traces, trace().traces, strict=True):
        np.testing.assert_allclose(tutorial.gradient, 2.0 * total.gradient, rtol=1e-13)


def test_the_table_has_a_row_for_each_state_of_each_point() -> None:
    network = {"activation": "tanh", "initial_state": 0.3}
    download = trace_csv(make_request(network=network), NO_DATABASE, LIMITS)
    header, *rows = csv.reader(io.StringIO(b"".join(download.open()).decode()))
    assert header == ["w_in", "w_rec", "k", "gradient", "log10_magnitude", "sign"]
    numbers = np.array(rows, np.float64).reshape(2, 3, 6)
    for table, found, weights in zip(numbers, trace(network=network).traces, FINITE, strict=True):
        np.testing.assert_array_equal(table[:, :2], [weights] * 3)
        assert table[:, 2].tolist() == [0.0, 1.0, 2.0]
        columns = np.column_stack([found.gradient, found.log10_magnitude, found.sign])
        np.testing.assert_array_equal(table[:, 3:], columns)
    assert [row[2] for row in rows[:3]] == ["0", "1", "2"]
    assert {row[5] for row in rows} == {"1", "-1"}


def test_the_numbers_of_all_points_count_for_the_limit_of_json() -> None:
    # 3 numbers for each of 3 states and 2 points
    trace(Limits(max_json_numbers=18))
    with pytest.raises(LimitExceeded, match="18 numbers") as caught:
        trace(Limits(max_json_numbers=17))
    assert [each.pointer for each in caught.value.errors] == ["/points"]


def test_traces_and_tables_have_the_same_limit_of_work() -> None:
    size, request = DatasetSize(2, 2), make_request()
    seconds = estimate_traces(request, size, LIMITS)
    assert estimate_traces(make_request(points=POINTS[:1]), size, LIMITS) == seconds / 2.0
    download = trace_csv(request, NO_DATABASE, Limits(max_work_seconds=seconds, max_json_numbers=1))
    assert download.seconds == seconds
    one = trace_csv(make_request(points=POINTS[:1]), NO_DATABASE, LIMITS)
    assert download.writing_seconds == 2.0 * one.writing_seconds > 0.0
    tight = Limits(max_work_seconds=0.9 * seconds)
    for refused in (
        lambda: estimate_traces(request, size, tight),
        lambda: trace_csv(request, NO_DATABASE, tight),
    ):
        with pytest.raises(LimitExceeded) as caught:
            refused()
        assert [each.pointer for each in caught.value.errors] == ["/points"]


def test_the_etag_of_a_table_depends_on_the_request() -> None:
    def etag(**body: Any) -> str:
        return trace_csv(make_request(**body), NO_DATABASE, LIMITS).etag

    assert etag() == etag()
    assert len({etag(), etag(aggregation="tutorial"), etag(points=POINTS[:1])}) == 3


@pytest.mark.parametrize("activation", ["identity", "tanh", "relu", "sigmoid"])
def test_a_gradient_matches_its_differences(activation: str) -> None:
    body = {"dataset": DATASET, "network": {"activation": activation}, "weights": POINTS[0]}
    request = GradientCheckRequest.model_validate(body)
    found = check_gradient(request, NO_DATABASE, LIMITS)
    for analytic, numeric in [
        (found.analytic.w_in, found.numeric.w_in),
        (found.analytic.w_rec, found.numeric.w_rec),
    ]:
        assert numeric == pytest.approx(analytic, rel=1e-6)
    assert found.relative_error is not None
    assert found.relative_error < 1e-6
    if activation == "identity":
        w_in, w_rec = FINITE[0]
        errors = [w_in * (w_rec * a + b) - t for (a, b), t in zip(INPUTS, TARGETS, strict=True)]
        by_w_in = sum(e * (w_rec * a + b) for e, (a, b) in zip(errors, INPUTS, strict=True))
        by_w_rec = sum(e * w_in * a for e, (a, _) in zip(errors, INPUTS, strict=True))
        assert found.analytic.w_in == pytest.approx(by_w_in)
        assert found.analytic.w_rec == pytest.approx(by_w_rec)


def test_the_step_of_the_differences_is_that_of_the_request() -> None:
    def error(step: float) -> float:
        network = {"activation": "tanh"}  # not a polynomial, for which differences are exact
        body = {"dataset": DATASET, "network": network, "weights": POINTS[1], "step": step}
        request = GradientCheckRequest.model_validate(body)
        found = check_gradient(request, NO_DATABASE, LIMITS).relative_error
        assert found is not None
        return found

    assert error(1e-2) > 10.0 * error(1e-4)


def test_a_check_takes_several_passes() -> None:
    request, size = GradientCheckRequest(), DatasetSize(1000, 100)
    seconds = estimate_check(request, size, LIMITS)
    # A gradient, and the costs of four pairs of weights, which are a forward pass each.
    gradient = backpropagation_seconds("identity", size)
    assert seconds > gradient + 4.0 * gradient / BACKWARD
    assert estimate_check(request, size, Limits(max_work_seconds=seconds)) == seconds
    with pytest.raises(LimitExceeded) as caught:
        estimate_check(request, size, Limits(max_work_seconds=0.9 * seconds))
    assert [each.pointer for each in caught.value.errors] == ["/dataset"]


def test_unknown_datasets(local_database: Database) -> None:
    stored = {"kind": "stored", "id": "ds_" + "0" * 32}
    with pytest.raises(NotFound):
        trace_gradients(make_request(dataset=stored), local_database, LIMITS)
    with pytest.raises(NotFound):
        trace_csv(make_request(dataset=stored), local_database, LIMITS)
    check = GradientCheckRequest.model_validate({"dataset": stored})
    with pytest.raises(NotFound):
        check_gradient(check, local_database, LIMITS)
