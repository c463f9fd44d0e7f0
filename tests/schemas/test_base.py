"""Numbers and arrays in requests and responses."""

import json
from typing import Annotated, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, TypeAdapter, ValidationError

from service.schemas.arrays import InputMatrix, InputSequences, InputVector, Matrix, Vector
from service.schemas.base import NUMBER, ResponseModel, encode

WHOLE: TypeAdapter[int] = TypeAdapter(Annotated[int, Field(ge=1, le=9), NUMBER])
REAL: TypeAdapter[float] = TypeAdapter(Annotated[float, Field(gt=0), NUMBER])
VECTOR: TypeAdapter[Any] = TypeAdapter(InputVector)
MATRIX: TypeAdapter[Any] = TypeAdapter(InputMatrix)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
SEQUENCES: TypeAdapter[Any] = TypeAdapter(InputSequences)


class Report(ResponseModel):
    """A response with numbers in fields of every kind."""

    one: float | None
    some: Vector
    many: Matrix


def at(adapter: TypeAdapter[Any], value: Any) -> list[Any]:
    """Return the location of the only error."""
    with pytest.raises(ValidationError) as caught:
        adapter.validate_python(value)
    (error,) = caught.value.errors()
    return [*error["loc"], *error.get("ctx", {}).get("at", [])]


def test_integers_may_be_written_as_reals() -> None:
    assert WHOLE.validate_python(3) == WHOLE.validate_python(3.0) == 3
    assert isinstance(WHOLE.validate_python(3.0), int)
    assert REAL.validate_python(2) == 2.0


@pytest.mark.parametrize("value", [True, False, "3", b"3", "", None, 3.5, 0, 10, [3], {}])
def test_invalid_integers(value: Any) -> None:
    with pytest.raises(ValidationError):
        WHOLE.validate_python(value)


@pytest.mark.parametrize("value", [True, "1", None, 0, -1, [1]])
def test_invalid_reals(value: Any) -> None:
    with pytest.raises(ValidationError):
        REAL.validate_python(value)


def test_bounds_are_in_the_schema() -> None:
    assert WHOLE.json_schema() == {"type": "integer", "minimum": 1, "maximum": 9}
    assert REAL.json_schema() == {"type": "number", "exclusiveMinimum": 0}


def test_arrays() -> None:
    np.testing.assert_array_equal(VECTOR.validate_python([1, 2.5, -0.0]), [1, 2.5, 0])
    matrix = MATRIX.validate_python([[1, 2], [3, 4.5]])
    assert (matrix.shape, matrix.dtype) == ((2, 2), np.float64)


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ([], []),
        (3, []),
        ("12", []),
        (None, []),
        ([1, True], [1]),
        ([1, "2"], [1]),
        ([1, None, 3], [1]),
        ([1, [2]], [1]),
        ([0.0, float("nan")], [1]),
        ([float("inf")], [0]),
        ([1, 1.1e100], [1]),
        ([1e-100, 9e-101], [1]),
        ([1, -5e-324], [1]),
        ([1, 1e101], [1]),
    ],
)
def test_errors_in_a_vector_are_located(value: Any, place: list[int]) -> None:
    assert at(VECTOR, value) == place


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ([], []),
        ([[]], [0]),
        ([[1], []], [1]),
        ([[1, 2], [3]], [1]),
        ([[1], 2], [1]),
        ([[1], [True]], [1, 0]),
        ([[1, 2], [3, 1e101]], [1, 1]),
        ([[0, 1e100], [1e-100, -1e100], [0.5, -9e-101]], [2, 1]),
        ([[1], {}], [1]),
        ([[1], "12"], [1]),
    ],
)
def test_errors_in_a_matrix_are_located(value: Any, place: list[int]) -> None:
    assert at(MATRIX, value) == place


@given(st.lists(st.lists(FINITE, min_size=1, max_size=5), min_size=1, max_size=6))
def test_sequences_may_have_any_length(rows: list[list[float]]) -> None:
    found = SEQUENCES.validate_python(rows)
    assert [part.tolist() for part in found] == rows


def test_inputs_of_a_prediction_may_have_any_magnitude() -> None:
    (row,) = SEQUENCES.validate_python([[1e308, 5e-324]])
    assert row.tolist() == [1e308, 5e-324]


@given(st.lists(st.floats(), min_size=1))
def test_numbers_that_are_not_finite_become_null(numbers: list[float]) -> None:
    array = np.array(numbers)
    result = Report(one=numbers[0], some=array, many=np.array([numbers, numbers]).T)
    read = json.loads(encode(result))
    expected = [number if np.isfinite(number) else None for number in numbers]
    assert read == {"one": expected[0], "some": expected, "many": [[x, x] for x in expected]}
    again = Report.model_validate_json(encode(result))
    np.testing.assert_array_equal(again.some, np.where(np.isfinite(array), array, np.nan))


def test_other_types_are_an_error() -> None:
    with pytest.raises(TypeError):
        encode({"a": object()})
