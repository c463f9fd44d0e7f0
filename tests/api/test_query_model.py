"""Reading query parameters."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from service.api.query_model import parse_number
from service.api.query_params import CostSurfaceQuery, GradientTraceQuery, QueryRange
from service.errors import Invalid


@pytest.mark.parametrize(("text", "number"), [("12", 12), ("-1e-3", -0.001), ("0.5", 0.5)])
def test_numbers(text: str, number: float) -> None:
    assert parse_number(text) == number


@pytest.mark.parametrize("text", ["", "x", "true", "null", "[1]", '"1"', "NaN", "Infinity", "1,2"])
def test_other_text_is_left_for_validation(text: str) -> None:
    assert parse_number(text) == text


def test_a_pair_of_numbers() -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(QueryRange)
    found = adapter.validate_python("-1,2.5")
    assert (found.low, found.high) == (-1.0, 2.5)
    for text in ("1", "1,2,3", "a,b", "2,1"):
        with pytest.raises(ValidationError):
            adapter.validate_python(text)


def test_only_given_parameters_are_in_the_request() -> None:
    request = GradientTraceQuery.model_validate({}).to_request()
    assert request.model_fields_set == {"dataset", "network"}
    assert len(request.points) == 6
    request = GradientTraceQuery.model_validate({"point": ["1,2"], "seed": "7"}).to_request()
    assert [(point.w_in, point.w_rec) for point in request.points] == [(1.0, 2.0)]
    assert request.dataset.model_dump(exclude_unset=True) == {"kind": "count_ones", "seed": 7}


def test_a_parameter_of_a_window_replaces_both_windows() -> None:
    assert len(CostSurfaceQuery.model_validate({}).to_request().windows) == 2
    (window,) = CostSurfaceQuery.model_validate({"resolution": "5"}).to_request().windows
    assert window.resolution == 5
    (window,) = CostSurfaceQuery.model_validate({"w_in": "0,1"}).to_request().windows
    assert "resolution" not in window.model_fields_set


def test_a_stored_dataset_excludes_the_parameters_of_a_drawn_one() -> None:
    query = GradientTraceQuery.model_validate({"dataset": "ds_1", "n_steps": "3"})
    with pytest.raises(Invalid, match="n_steps"):
        query.to_request()
