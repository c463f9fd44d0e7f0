"""Rows of numbers in one array."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.schemas.number_rows import make_rows

LENGTHS = st.lists(st.integers(1, 5), min_size=1, max_size=8)


@given(LENGTHS)
def test_rows_are_one_after_the_other(lengths: list[int]) -> None:
    rows = make_rows(np.arange(float(sum(lengths))), np.array(lengths))
    assert len(rows) == len(lengths)
    assert rows.starts.tolist() == [sum(lengths[:i]) for i in range(len(lengths))]
    assert rows.n_steps == sum(set(lengths))


@given(LENGTHS)
def test_rows_of_one_length_are_a_matrix(lengths: list[int]) -> None:
    numbers = np.arange(float(sum(lengths)))
    matrix = make_rows(numbers, np.array(lengths)).matrix
    if len(set(lengths)) == 1:
        assert matrix is not None
        assert matrix.tolist() == numbers.reshape(len(lengths), lengths[0]).tolist()
    else:
        assert matrix is None
