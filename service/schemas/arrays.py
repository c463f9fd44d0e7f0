"""Fields that hold numpy arrays, and that JSON schemas describe as lists of numbers."""

from collections.abc import Iterator
from itertools import chain
from math import isfinite
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from service.schemas.base import number_error
from service.schemas.number_rows import Array, InvalidElement, NumberRows, make_rows

# The magnitudes of the numbers of a dataset, except 0: no square or product overflows float64.
SMALLEST, LARGEST = 1e-100, 1e100
MAX_SEQUENCES = 1_000_000  # each becomes an array, of any length
PIECE = 1 << 18  # numbers checked at a time, which bounds the memory for masks


def error_at(kind: str, message: str, *at: int) -> PydanticCustomError:
    """Return an error of the element at the given indices of the field."""
    return PydanticCustomError(kind, message, {"at": list(at)})


def magnitude_error(*at: int) -> PydanticCustomError:
    """Return the error of a number whose square is outside the float64 range."""
    message = f"Input should be 0 or have a magnitude from {SMALLEST:g} to {LARGEST:g}"
    return error_at("magnitude", message, *at)


def _numbers(row: Any, *at: int) -> Array:
    """Return a list of numbers as an array (T,)."""
    if not isinstance(row, list) or not row:
        raise _row_error(row, *at)
    if not set(map(type, row)) <= {float, int}:
        wrong = next(j for j, each in enumerate(row) if type(each) not in (float, int))
        raise number_error(row[wrong], at=[*at, wrong])
    try:
        numbers = np.array(row, dtype=np.float64)
    except OverflowError:
        numbers = np.array([_as_float(each) for each in row])
    finite = np.isfinite(numbers)
    if not finite.all():
        wrong = int(np.argmin(finite))
        raise error_at("finite_number", "Input should be a finite number", *at, wrong)
    return numbers


def pieces(array: NDArray[Any]) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield views of a few rows at a time, and the index of the first row of each."""
    rows = max(1, PIECE * len(array) // max(1, array.size))
    for start in range(0, len(array), rows):
        yield start, array[start : start + rows]


def in_range(numbers: Array) -> NDArray[np.bool_]:
    """Return for each number whether a dataset may hold it."""
    sizes = np.abs(numbers)
    valid: NDArray[np.bool_] = (sizes <= LARGEST) & ((sizes >= SMALLEST) | (sizes == 0.0))
    return valid


def first_outside(numbers: Array) -> tuple[int, ...] | None:
    """Return the indices of the first number that a dataset may not hold, or None."""
    for start, piece in pieces(numbers):
        valid = in_range(piece)
        if not valid.all():
            row, *others = map(int, np.unravel_index(int(np.argmin(valid)), valid.shape))
            return start + row, *others
    return None


def explain_out_of_range(number: float) -> str:
    """Return why a dataset may not hold a number."""
    if not np.isfinite(number):
        return "a number must be finite"
    return f"{number!r} must be 0 or have a magnitude from {SMALLEST:g} to {LARGEST:g}"


def _in_range(numbers: Array) -> Array:
    """Return numbers of any shape, all of which a dataset may hold."""
    outside = first_outside(numbers)
    if outside is not None:
        raise magnitude_error(*outside)
    return numbers


def _as_float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        return float("inf")


def _row_error(row: Any, *at: int) -> PydanticCustomError:
    """Return the error of a row that is not a list of at least one number."""
    if isinstance(row, list) and not row:
        return error_at("too_short", "A sequence needs at least one number", *at)
    return error_at("list_type", "Input should be a list of numbers", *at)


def _check_rows(value: Any) -> None:
    if isinstance(value, InvalidElement):
        if len(value.at) == 1:
            raise _row_error(value.value, *value.at)
        raise number_error(value.value, at=list(value.at))
    if isinstance(value, np.ndarray):
        raise _row_error(value[0], 0)
    if not isinstance(value, (list, NumberRows)):
        raise error_at("list_type", "Input should be a list of sequences")
    if not len(value):
        raise error_at("too_short", "At least one sequence is needed")


def _read_rows(value: list[Any] | NumberRows) -> NumberRows:
    """Validate rows of finite numbers, whose lengths may differ."""
    if isinstance(value, NumberRows):
        return value
    numbers = _read_together(value)
    if numbers is None:
        numbers = np.concatenate([_numbers(row, i) for i, row in enumerate(value)])
    return make_rows(numbers, np.fromiter(map(len, value), np.intp, len(value)))


def _read_together(rows: list[Any]) -> Array | None:
    """Return all rows concatenated, or None where one may be invalid."""
    if set(map(type, rows)) != {list} or not all(rows):
        return None
    numbers = list(chain.from_iterable(rows))
    try:
        # The sum is not finite if a number is not. It may overflow although all numbers are.
        if set(map(type, numbers)) <= {float, int} and isfinite(sum(numbers)):
            return np.array(numbers, dtype=np.float64)
    except OverflowError:  # a large whole number
        pass
    return None


def to_vector(value: Any) -> Array:
    """Validate a list of numbers of a dataset as an array (N,)."""
    if isinstance(value, NumberRows):
        raise number_error(value, at=[0])
    if isinstance(value, InvalidElement):
        raise number_error(value.value, at=[value.at[0]])
    return _in_range(value if isinstance(value, np.ndarray) else _numbers(value))


def to_sequences(value: Any) -> NumberRows:
    """Validate a list of sequences, whose lengths may differ."""
    _check_rows(value)
    if len(value) > MAX_SEQUENCES:
        raise error_at("too_long", f"There may be at most {MAX_SEQUENCES} sequences")
    return _read_rows(value)


def to_matrix(value: Any) -> Array:
    """Validate a list of sequences of one length as an array (N, T)."""
    _check_rows(value)
    rows = _read_rows(value)
    matrix = rows.matrix
    if matrix is None:
        first = rows.lengths[0]
        i = int(np.argmax(rows.lengths != first))
        message = (
            "All sequences must have the same length: "
            f"this has {rows.lengths[i]}, the first {first}"
        )
        raise error_at("ragged", message, i)
    return _in_range(matrix)


def _list_of(items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": items, **more}


_NUMBER = {"type": "number"}
_NULLABLE = {"anyOf": [{"type": "number"}, {"type": "null"}]}

InputVector = Annotated[
    Array, PlainValidator(to_vector), WithJsonSchema(_list_of(_NUMBER, minItems=1))
]
InputMatrix = Annotated[
    Array,
    PlainValidator(to_matrix),
    WithJsonSchema(_list_of(_list_of(_NUMBER, minItems=1), minItems=1)),
]
InputSequences = Annotated[
    NumberRows,
    PlainValidator(to_sequences),
    WithJsonSchema(_list_of(_list_of(_NUMBER, minItems=1), minItems=1, maxItems=MAX_SEQUENCES)),
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
