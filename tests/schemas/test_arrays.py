"""Arrays from lists: all rows at once if they are valid, otherwise one by one."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from service.schemas.arrays import to_matrix, to_sequences, to_vector
from service.schemas.json_numbers import Underflow
from service.schemas.number_rows import InvalidElement, make_rows

FINITE = st.floats(allow_nan=False, allow_infinity=False)
NUMBERS = st.one_of(FINITE, st.integers(-(2**63), 2**64 - 1), st.sampled_from([0, 1, -0.0]))
ROWS = st.lists(st.lists(NUMBERS, min_size=1, max_size=5), min_size=1, max_size=6)


@given(ROWS)
def test_numbers_become_floats_as_in_python(rows: list[list[float]]) -> None:
    found = to_sequences(rows)
    assert found.numbers.tolist() == [float(each) for row in rows for each in row]
    assert found.lengths.tolist() == [len(row) for row in rows]
    assert found.numbers.dtype == np.float64


@given(
    ROWS,
    st.sampled_from(
        [
            (True, "number_type"),
            (False, "number_type"),
            ("1", "number_type"),
            (None, "number_type"),
            ([1.0], "number_type"),
            ({"1": 1}, "number_type"),
            (float("inf"), "finite_number"),
            (float("nan"), "finite_number"),
            (10**400, "finite_number"),
        ]
    ),
    st.data(),
)
def test_elements_that_are_not_finite_numbers_are_located(
    rows: list[list[Any]], wrong: tuple[Any, str], data: st.DataObject
) -> None:
    i = data.draw(st.integers(0, len(rows) - 1))
    j = data.draw(st.integers(0, len(rows[i]) - 1))
    rows[i][j], kind = wrong
    with pytest.raises(PydanticCustomError) as caught:
        to_sequences(rows)
    assert (caught.value.type, caught.value.context) == (kind, {"at": [i, j]})


@pytest.mark.parametrize(
    ("rows", "kind", "at"),
    [
        ("12", "list_type", []),
        ([], "too_short", []),
        ([[1], []], "too_short", [1]),
        ([[1], "12"], "list_type", [1]),
        ([[1], {}], "list_type", [1]),
        ([[1], 2], "list_type", [1]),
    ],
)
def test_values_that_are_not_lists_of_sequences(rows: Any, kind: str, at: list[int]) -> None:
    with pytest.raises(PydanticCustomError) as caught:
        to_sequences(rows)
    assert (caught.value.type, caught.value.context) == (kind, {"at": at})


@pytest.mark.parametrize("size", [1e101, -1e101, 9e-101, 5e-324])
def test_the_numbers_of_a_dataset_have_finite_squares(size: float) -> None:
    with pytest.raises(PydanticCustomError) as caught:
        to_matrix([[0, 1e100], [1e-100, -1e100], [0.5, size]])
    assert (caught.value.type, caught.value.context) == ("magnitude", {"at": [2, 1]})
    with pytest.raises(PydanticCustomError) as caught:
        to_vector([0.0, size])
    assert (caught.value.type, caught.value.context) == ("magnitude", {"at": [1]})


def test_the_rows_of_a_dataset_have_one_length() -> None:
    with pytest.raises(PydanticCustomError) as caught:
        to_matrix([[1, 2], [3, 4], [5]])
    assert (caught.value.type, caught.value.context) == ("ragged", {"at": [2]})


NUMBER_ERROR = ("number_type", "Input should be a number")
UNDERFLOW_ERROR = ("underflow", "Input underflows float64 to 0")
LIST_ERROR = ("list_type", "Input should be a list of numbers")
ROWS_OF_2 = make_rows(np.arange(4.0), np.array([2, 2]))


@pytest.mark.parametrize("read", [to_matrix, to_sequences])
@pytest.mark.parametrize(
    ("value", "error", "at"),
    [
        (np.arange(4.0), LIST_ERROR, [0]),
        (InvalidElement((2,), None), LIST_ERROR, [2]),
        (InvalidElement((2,), []), ("too_short", "A sequence needs at least one number"), [2]),
        (InvalidElement((2, 3), None), NUMBER_ERROR, [2, 3]),
        (InvalidElement((2, 3), Underflow("1e-400")), UNDERFLOW_ERROR, [2, 3]),
    ],
)
def test_what_the_parser_of_arrays_found_invalid_is_located(
    read: Callable[[Any], Any], value: Any, error: tuple[str, str], at: list[int]
) -> None:
    with pytest.raises(PydanticCustomError) as caught:
        read(value)
    assert (caught.value.type, caught.value.message()) == error
    assert caught.value.context == {"at": at}


@pytest.mark.parametrize(
    ("value", "error", "at"),
    [
        (ROWS_OF_2, NUMBER_ERROR, [0]),
        (InvalidElement((2,), True), NUMBER_ERROR, [2]),
        (InvalidElement((2,), Underflow("1e-400")), UNDERFLOW_ERROR, [2]),
        (InvalidElement((2, 3), None), NUMBER_ERROR, [2]),
    ],
)
def test_what_is_not_a_vector_is_located(value: Any, error: tuple[str, str], at: list[int]) -> None:
    with pytest.raises(PydanticCustomError) as caught:
        to_vector(value)
    assert (caught.value.type, caught.value.message()) == error
    assert caught.value.context == {"at": at}


def test_arrays_are_valid_if_their_numbers_are_in_range() -> None:
    assert to_vector(np.arange(4.0)).tolist() == [0, 1, 2, 3]
    assert to_matrix(ROWS_OF_2).tolist() == [[0, 1], [2, 3]]
    assert to_sequences(ROWS_OF_2) is ROWS_OF_2
    with pytest.raises(PydanticCustomError) as caught:
        to_vector(np.array([1.0, 1e101]))
    assert caught.value.context == {"at": [1]}
    with pytest.raises(PydanticCustomError) as caught:
        to_matrix(make_rows(np.array([1.0, 1e101]), np.array([1, 1])))
    assert caught.value.context == {"at": [1, 0]}
