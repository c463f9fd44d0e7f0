"""Writing CSV tables and npz archives."""

import csv
import io
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from service.operations import writers
from service.store.array_codec import AnyArray, ArrayBlocks


def table(columns: dict[str, AnyArray]) -> bytes:
    blocks = {name: ArrayBlocks.of(column) for name, column in columns.items()}
    return b"".join(writers.write_csv(blocks))


def archive(**named: AnyArray) -> bytes:
    blocks = {name: ArrayBlocks.of(array) for name, array in named.items()}
    return b"".join(writers.write_npz(blocks))


def in_blocks(array: AnyArray, n: int) -> ArrayBlocks:
    return ArrayBlocks(array.shape, array.dtype, np.array_split(array.ravel(), n))


numbers = st.floats(allow_nan=True, allow_infinity=True)


@given(st.lists(st.tuples(numbers, st.integers(-(2**63), 2**63 - 1)), min_size=1))
def test_a_table_reads_back_exactly(rows: list[tuple[float, int]]) -> None:
    reals, whole = (np.array(column) for column in zip(*rows, strict=True))
    text = table({"real": reals, "whole": whole}).decode("ascii")
    read = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [int(row["whole"]) for row in read] == whole.tolist()
    for row, number in zip(read, reals.tolist(), strict=True):
        assert row["real"] == "" if not np.isfinite(number) else float(row["real"]) == number
    assert text.endswith("\r\n")
    assert text.count("\r\n") == text.count("\n") == len(rows) + 1


@pytest.mark.parametrize("part", [1, 7, 30])
def test_blocks_and_parts_do_not_change_a_table(monkeypatch: pytest.MonkeyPatch, part: int) -> None:
    columns = {"a": np.arange(10.0), "b": np.arange(10)}
    whole = table(columns)
    assert whole.startswith(b"a,b\r\n0.0,0\r\n")
    monkeypatch.setattr(writers, "PART", part)
    for n in (1, 3, 10):
        blocks = {"a": in_blocks(columns["a"], n), "b": in_blocks(columns["b"], 2)}
        parts = list(writers.write_csv(blocks))
        assert b"".join(parts) == whole
        assert len(parts) == 1 + -(-10 // max(1, part // 2))


@pytest.mark.parametrize("n_blocks", [1, 2, 5, 20])
@pytest.mark.parametrize("part", [1, 7, 20_000])
def test_blocks_and_parts_do_not_change_the_table_of_a_dataset(
    monkeypatch: pytest.MonkeyPatch, n_blocks: int, part: int
) -> None:
    monkeypatch.setattr(writers, "PART", part)
    inputs = np.arange(20.0).reshape(10, 2) / 7
    targets = inputs.sum(axis=1)
    blocks = in_blocks(inputs, n_blocks), in_blocks(targets, n_blocks)
    text = b"".join(writers.write_dataset_csv(*blocks)).decode("ascii")
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    assert header == ["x_1", "x_2", "target"]
    assert [list(map(float, row)) for row in rows] == np.column_stack([inputs, targets]).tolist()


@given(arrays(np.float64, array_shapes(max_dims=2, max_side=5), elements=numbers))
def test_an_archive_reads_back_and_is_deterministic(array: NDArray[np.float64]) -> None:
    body = archive(a=array, b=np.arange(3))
    assert body == archive(a=array.copy(), b=np.arange(3))
    with np.load(io.BytesIO(body), allow_pickle=False) as read:
        np.testing.assert_array_equal(read["a"], array)
        assert read["a"].dtype == np.float64
        assert sorted(read) == ["a", "b"]


def test_an_archive_is_compressed() -> None:
    assert len(archive(a=np.zeros(100_000))) < 10_000


def test_every_block_gives_a_part_even_if_it_shrinks_to_nothing() -> None:
    blocks = {"a": in_blocks(np.zeros(1_000_000), 100)}
    assert len(list(writers.write_npz(blocks))) == 101


@pytest.mark.parametrize("write", [writers.write_npz, writers.write_csv])
def test_an_array_in_memory_is_not_copied(
    write: Callable[[dict[str, ArrayBlocks]], Iterator[bytes]],
) -> None:
    array = np.random.default_rng(1).integers(0, 9, 1_000_000).astype(float)
    tracemalloc.start()
    parts = write({"a": ArrayBlocks.of(array)})
    for _ in range(3):
        next(parts)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4_000_000 < array.nbytes


def test_an_archive_is_written_in_parts(tmp_path: Path) -> None:
    array = np.random.default_rng(1).random((300, 1000))
    tracemalloc.start()
    parts = 0
    with (tmp_path / "a.npz").open("wb") as file:
        for part in writers.write_npz({"a": in_blocks(array, 60), "b": in_blocks(array[:1], 2)}):
            file.write(part)
            parts += 1
            del part
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert parts > 20
    assert peak < 1_000_000 < array.nbytes
    with np.load(tmp_path / "a.npz") as read:
        assert np.array_equal(read["a"], array)
        assert np.array_equal(read["b"], array[:1])
    with zipfile.ZipFile(tmp_path / "a.npz") as archived:
        assert archived.testzip() is None
