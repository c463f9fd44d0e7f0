"""Arrays in JSON: fields that hold numpy arrays and describe themselves as lists of numbers."""

import struct
from collections.abc import Sequence
from itertools import accumulate, chain
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

Array = NDArray[np.float64]

# Magnitudes of the numbers in a dataset, besides 0: their squares and products stay in float64.
SMALLEST, LARGEST = 1e-100, 1e100
FEW = 200  # numbers whose types are looked at sooner than numpy finds a 0


def refusal(kind: str, message: str, *at: int) -> PydanticCustomError:
    """Return an error of the element at the given indices of the field."""
    return PydanticCustomError(kind, message, {"at": list(at)})


def magnitude(*at: int) -> PydanticCustomError:
    """Return the error of a number whose square float64 does not hold."""
    message = f"Input should be 0 or of a magnitude from {SMALLEST:g} to {LARGEST:g}"
    return refusal("magnitude", message, *at)


def _numbers(row: Any, *at: int) -> Array:
    """Return one list of numbers as (T,); the type check is one pass in C."""
    if not isinstance(row, list):
        raise refusal("list_type", "Input should be a list of numbers", *at)
    if not row:
        raise refusal("too_short", "A sequence needs at least one number", *at)
    if not set(map(type, row)) <= {float, int}:
        wrong = next(j for j, each in enumerate(row) if type(each) not in (float, int))
        raise refusal("number_type", "Input should be a number", *at, wrong)
    try:
        numbers = np.array(row, dtype=np.float64)
    except OverflowError:
        numbers = np.array([_as_float(each) for each in row])
    finite = np.isfinite(numbers)
    if not finite.all():
        wrong = int(np.argmin(finite))
        raise refusal("finite_number", "Input should be a finite number", *at, wrong)
    return numbers


def _in_range(numbers: Array) -> Array:
    """Return numbers of a dataset, of any shape, whose moments float64 can hold."""
    size = np.abs(numbers)
    outside = (size > LARGEST) | ((size < SMALLEST) & (size > 0.0))
    if outside.any():
        first = np.unravel_index(int(np.argmax(outside)), outside.shape)
        raise magnitude(*map(int, first))
    return numbers


def _as_float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        return float("inf")


def _rows(value: Any) -> list[Array]:
    if not isinstance(value, list):
        raise refusal("list_type", "Input should be a list of sequences")
    if not value:
        raise refusal("too_short", "At least one sequence is needed")
    rows = _read_together(value)
    return [_numbers(row, i) for i, row in enumerate(value)] if rows is None else rows


def _read_together(rows: list[Any]) -> list[Array] | None:
    """Return all rows (T_i,), or None if a row may be wrong: then one by one tells which.

    ``pack`` takes nothing but numbers and bools. A bool becomes 0 or 1, so types are looked at
    only where there are such numbers.
    """
    if set(map(type, rows)) != {list} or not all(rows):
        return None
    try:
        packed = b"".join([struct.pack(f"{len(row)}d", *row) for row in rows])
    except (struct.error, OverflowError):
        return None
    numbers = np.frombuffer(packed)
    if not np.isfinite(numbers).all():
        return None
    suspect = len(numbers) < FEW or ((numbers == 0.0) | (numbers == 1.0)).any()
    if suspect and bool in set(map(type, chain.from_iterable(rows))):
        return None
    ends = list(accumulate(map(len, rows)))
    return [numbers[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def to_vector(value: Any) -> Array:
    """Validate a list of a dataset's numbers as an array (N,)."""
    if isinstance(value, np.ndarray):
        return value
    return _in_range(_numbers(value))


def to_sequences(value: Any) -> Sequence[Array]:
    """Validate a list of sequences, each (T_i,), whose lengths may differ."""
    return _rows(value)


def to_matrix(value: Any) -> Array:
    """Validate a list of a dataset's sequences, of one length, as an array (N, T)."""
    if isinstance(value, np.ndarray):
        return value
    rows = _rows(value)
    length = len(rows[0])
    for i, row in enumerate(rows):
        if len(row) != length:
            message = f"All sequences need one length: this has {len(row)}, the first {length}"
            raise refusal("ragged", message, i)
    return _in_range(np.array(rows))


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
    Sequence[Array],
    PlainValidator(to_sequences),
    WithJsonSchema(_list_of(_list_of(_NUMBER, minItems=1), minItems=1)),
]


def _from_answer(kind: type[np.float64] | type[np.int64]) -> PlainValidator:
    """Take arrays as they are, and lists of a JSON answer as arrays, null as nan."""

    def read(value: Any) -> NDArray[Any]:
        return np.asarray(value, dtype=kind)

    return PlainValidator(read)


# In answers, where an element that is not finite is written as null.
Vector = Annotated[Array, _from_answer(np.float64), WithJsonSchema(_list_of(_NULLABLE))]
Matrix = Annotated[Array, _from_answer(np.float64), WithJsonSchema(_list_of(_list_of(_NULLABLE)))]
IntegerVector = Annotated[
    NDArray[np.int64], _from_answer(np.int64), WithJsonSchema(_list_of({"type": "integer"}))
]
IntegerMatrix = Annotated[
    NDArray[np.int64],
    _from_answer(np.int64),
    WithJsonSchema(_list_of(_list_of({"type": "integer"}))),
]
