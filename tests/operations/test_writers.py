"""Writing CSV tables and npz archives."""

import csv
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from service.operations import writers

numbers = st.floats(allow_nan=True, allow_infinity=True)


@given(st.lists(st.tuples(numbers, st.integers(-(2**63), 2**63 - 1)), min_size=1))
def test_a_table_reads_back_exactly(rows: list[tuple[float, int]]) -> None:
    reals, whole = (np.array(column) for column in zip(*rows, strict=True))
    text = writers.write_csv({"real": reals, "whole": whole}).decode("ascii")
    read = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [int(row["whole"]) for row in read] == whole.tolist()
    for row, number in zip(read, reals.tolist(), strict=True):
        assert row["real"] == "" if not np.isfinite(number) else float(row["real"]) == number
    assert text.endswith("\r\n")
    assert text.count("\r\n") == text.count("\n") == len(rows) + 1


def test_chunks_do_not_change_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = {"a": np.arange(10.0), "b": np.arange(10)}
    whole = writers.write_csv(columns)
    assert whole.startswith(b"a,b\r\n0.0,0\r\n")
    for chunk in (1, 7, 30):
        monkeypatch.setattr(writers, "CHUNK", chunk)
        assert writers.write_csv(columns) == whole


@pytest.mark.parametrize("n_blocks", [1, 2, 5, 20])
@pytest.mark.parametrize("part", [1, 7, 20_000])
def test_blocks_and_parts_do_not_change_the_table_of_a_dataset(
    monkeypatch: pytest.MonkeyPatch, n_blocks: int, part: int
) -> None:
    monkeypatch.setattr(writers, "PART", part)
    inputs = np.arange(20.0).reshape(10, 2) / 7
    targets = inputs.sum(axis=1)
    blocks = np.array_split(inputs.ravel(), n_blocks), np.array_split(targets, n_blocks)
    text = b"".join(writers.write_dataset_csv(inputs.shape, *blocks)).decode("ascii")
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    assert header == ["x_1", "x_2", "target"]
    assert [list(map(float, row)) for row in rows] == np.column_stack([inputs, targets]).tolist()


@given(arrays(np.float64, array_shapes(max_dims=2, max_side=5), elements=numbers))
def test_an_archive_reads_back_and_is_deterministic(array: NDArray[np.float64]) -> None:
    body = writers.write_npz({"a": array, "b": np.arange(3)})
    assert body == writers.write_npz({"a": array.copy(), "b": np.arange(3)})
    with np.load(io.BytesIO(body), allow_pickle=False) as read:
        np.testing.assert_array_equal(read["a"], array)
        assert read["a"].dtype == np.float64
        assert sorted(read) == ["a", "b"]
