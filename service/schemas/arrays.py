"""Fields with numpy arrays, which JSON schemas describe as lists of numbers."""

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PlainSerializer, PlainValidator, TypeAdapter, WithJsonSchema
from pydantic_core import PydanticCustomError

from service.engine.types import Array
from service.values.numbers import LARGEST, SMALLEST, first_outside

NUMBERS = {float, int}


def error_at(kind: str, message: str, *at: int | str) -> PydanticCustomError:
    """Return an error of the element at the given indices of the field."""
    return PydanticCustomError(kind, message, {"at": list(at)})


def magnitude_error(*at: int) -> PydanticCustomError:
    """Return the error of a number whose square is outside the float64 range."""
    message = f"Input should be 0 or have a magnitude from {SMALLEST:g} to {LARGEST:g}"
    return error_at("magnitude", message, *at)


def _in_range(numbers: Array) -> Array:
    """Return numbers of any shape; raises an error unless a dataset can contain them, or nan."""
    outside = first_outside(np.where(np.isnan(numbers), 0.0, numbers))
    if outside is not None:
        raise magnitude_error(*outside)
    return numbers


Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Row = Annotated[list[Number], Field(min_length=1, fail_fast=True)]
Rows = Annotated[list[Row], Field(min_length=1, fail_fast=True)]
OptionalNumbers = Annotated[list[Number | None], Field(min_length=1, fail_fast=True)]
PossiblyEmptyRows = Annotated[
    list[Annotated[list[Number], Field(fail_fast=True)]], Field(min_length=1, fail_fast=True)
]


def _numbers_from(lists: Any) -> PlainValidator:
    """Return a validator of lists of numbers of a dataset, which converts them to an array."""
    adapter = TypeAdapter[list[Any]](lists)

    def read(value: Any) -> Array:
        rows = adapter.validate_python(value)
        for i, row in enumerate(rows):
            if isinstance(row, list) and len(row) != len(rows[0]):
                message = (
                    "All sequences must have the same length: "
                    f"this has {len(row)}, the first {len(rows[0])}"
                )
                raise error_at("ragged", message, i)
        return _in_range(np.array(rows, np.float64))

    return PlainValidator(read, json_schema_input_type=lists)


InputVector = Annotated[Array, _numbers_from(Row)]  # (N,)
InputMatrix = Annotated[Array, _numbers_from(Rows)]  # (N, T)
Observations = Annotated[Array, _numbers_from(OptionalNumbers)]  # (T,), nan for null
Steps = Annotated[Array, _numbers_from(PossiblyEmptyRows)]  # (T, q), q may be 0
_ROW = TypeAdapter[Any](Row)
_STEP_ROWS = TypeAdapter[Any](Steps)
_ROWS = TypeAdapter[list[list[float]]](Rows)
_STEPS = TypeAdapter[list[Array]](Annotated[list[Steps], Field(min_length=1, fail_fast=True)])


def to_sequences(value: Any) -> list[Array]:
    """Validate a list of sequences, of numbers (T,) or of steps with several numbers (T, q)."""
    first = value[0] if isinstance(value, list) and value else None
    if isinstance(first, list) and first and isinstance(first[0], list):
        return _STEPS.validate_python(value)
    return [np.array(row, np.float64) for row in _ROWS.validate_python(value)]


def _list_of(items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": items, **more}


_NUMBER = {"type": "number"}
_NULLABLE = {"anyOf": [{"type": "number"}, {"type": "null"}]}


# Client generators fail if nested arrays are alternatives, so only the steps are.
_STEP = {"type": ["number", "array"], "items": _NUMBER}
InputSequences = Annotated[
    list[Array],
    PlainValidator(to_sequences),
    WithJsonSchema(_list_of(_list_of(_STEP, minItems=1), minItems=1)),
]


def to_steps(value: Any) -> Array:
    """Validate one sequence, of numbers (T,) or of steps with several numbers (T, q)."""
    is_row = isinstance(value, list) and bool(value) and not isinstance(value[0], list)
    adapter = _ROW if is_row else _STEP_ROWS
    return np.asarray(adapter.validate_python(value), np.float64)


InputSteps = Annotated[
    Array,
    PlainValidator(to_steps),
    PlainSerializer(np.ndarray.tolist, when_used="json"),
    WithJsonSchema(_list_of(_STEP, minItems=1)),
]


def _from_response(kind: type[np.float64] | type[np.int64]) -> PlainValidator:
    """Return a validator that accepts arrays, and lists of a JSON response, null as nan."""

    def read(value: Any) -> NDArray[Any]:
        return np.asarray(value, dtype=kind)

    return PlainValidator(read)


# In responses. An element that is not finite becomes null in JSON.
Vector = Annotated[Array, _from_response(np.float64), WithJsonSchema(_list_of(_NULLABLE))]
Matrix = Annotated[Array, _from_response(np.float64), WithJsonSchema(_list_of(_list_of(_NULLABLE)))]
IntegerVector = Annotated[
    NDArray[np.int64], _from_response(np.int64), WithJsonSchema(_list_of({"type": "integer"}))
]
IntegerMatrix = Annotated[
    NDArray[np.int64],
    _from_response(np.int64),
    WithJsonSchema(_list_of(_list_of({"type": "integer"}))),
]
