"""Arrays from lists: all rows at once if they are valid, otherwise one by one."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from service.schemas.arrays import to_matrix, to_sequences, to_vector

FINITE = st.floats(allow_nan=False, allow_infinity=False)
NUMBERS = st.one_of(FINITE, st.integers(-(2**63), 2**64 - 1), st.sampled_from([0, 1, -0.0]))
ROWS = st.lists(st.lists(NUMBERS, min_size=1, max_size=5), min_size=1, max_size=6)


@given(ROWS)
def test_numbers_become_floats_as_in_python(rows: list[list[float]]) -> None:
    found = to_sequences(rows)
    assert [row.tolist() for row in found] == [[float(each) for each in row] for row in rows]
    assert all(row.dtype == np.float64 for row in found)


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
