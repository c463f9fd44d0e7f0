"""The invalid fields of a request."""

from typing import Any

import pytest
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError

from service.api.field_errors import MAX_FIELDS, field_errors, summarize
from service.errors import FieldError
from service.schemas.training_runs import TrainingRunRequest


def find_errors(body: Any) -> list[FieldError]:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(TrainingRunRequest).validate_python(body)
    return field_errors(caught.value, body)


@pytest.mark.parametrize(
    ("body", "pointer", "detail"),
    [
        ({"x": 1}, "/x", "Unknown field"),
        ({"a/b~c": 1}, "/a~1b~0c", "Unknown field"),
        ([], "", "Input should be an object"),
        ({"network": 1}, "/network", "Input should be an object"),
        ({"dataset": 1}, "/dataset", "Input should be an object"),
        ({"dataset": {"kind": "stored"}}, "/dataset/id", "This field is required"),
        ({"dataset": {"kind": "x"}}, "/dataset/kind", "Input should be one of 'count_ones', "),
        ({"n_iterations": 1.5}, "/n_iterations", "Input should be a valid integer"),
    ],
)
def test_a_field_has_a_pointer_and_a_reason(body: Any, pointer: str, detail: str) -> None:
    (found,) = find_errors(body)
    assert found.pointer == pointer
    assert found.detail.startswith(detail)


def test_values_are_not_repeated() -> None:
    (found,) = find_errors({"n_iterations": "secret"})
    assert "secret" not in found.detail


def test_the_first_fields_are_listed() -> None:
    found = find_errors({f"field_{n}": n for n in range(MAX_FIELDS + 1)})
    assert len(found) == MAX_FIELDS
    assert summarize(found) == f"/field_0: Unknown field (and {MAX_FIELDS - 1} more)"


def test_one_field_or_the_body_is_summarized() -> None:
    assert summarize([FieldError("/a", "Unknown field")]) == "/a: Unknown field"
    assert summarize([FieldError("", "Input should be an object")]).startswith("the body: ")
    assert len(summarize([FieldError("/" + "a" * 1000, "Unknown field")])) < 300


def test_the_place_of_a_parameter_is_not_in_its_pointer() -> None:
    raw = {"type": "extra_forbidden", "loc": ("query", "limit"), "msg": ""}
    (found,) = field_errors(RequestValidationError([raw]), None)
    assert found.pointer == "/limit"
