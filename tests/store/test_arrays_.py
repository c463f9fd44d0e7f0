"""Arrays: encoded bit by bit, and stored under the id of their owner."""

import io
import itertools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sqlalchemy import select, update

from service.errors import NotFound, StoreError
from service.store import Database, arrays
from service.store.tables import arrays as table
from service.values.array_codec import AnyArray, decode, encode
from tests.store.conftest import count_arrays

SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=9)
LARGE = np.random.default_rng(1).random((600, 500))


def same_bits(one: AnyArray, other: AnyArray) -> bool:
    return (
        one.shape == other.shape and one.dtype == other.dtype and one.tobytes() == other.tobytes()
    )


@given(hnp.arrays(np.uint64, SHAPES))
def test_every_pattern_of_64_bits_is_preserved(bits: AnyArray) -> None:
    for array in (np.frombuffer(bits.tobytes()).reshape(bits.shape), bits.astype(np.int64)):
        assert same_bits(decode(encode(array)), array)


@given(hnp.arrays(hnp.integer_dtypes(sizes=(8, 16, 32)) | hnp.boolean_dtypes(), SHAPES))
def test_integer_types_become_int64(array: AnyArray) -> None:
    assert same_bits(decode(encode(array)), array.astype(np.int64))


def test_an_array_of_many_parts_is_read_in_order() -> None:
    assert same_bits(decode(encode(LARGE)), LARGE)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12.0).reshape(3, 4).T,
        np.arange(12.0)[::-2],
        np.arange(12.0).astype(">f8"),
        np.broadcast_to(np.float32(0.5), (3, 4)),
        np.asfortranarray(LARGE),
    ],
    ids=["transposed", "reversed", "big-endian", "broadcast", "fortran"],
)
def test_the_layout_in_memory_does_not_matter(array: AnyArray) -> None:
    decoded = decode(encode(array))
    np.testing.assert_array_equal(decoded, array)
    assert decoded.dtype == np.float64
    assert decoded.flags.writeable
    assert decoded.flags.c_contiguous


@pytest.mark.parametrize(
    "array",
    [np.array([1j]), np.array([None]), np.array([1], np.uint64)],
    ids=["complex", "object", "uint64"],
)
def test_other_types_are_rejected(array: AnyArray) -> None:
    with pytest.raises(TypeError):
        list(encode(array))


def is_damaged(parts: list[bytes]) -> bool:
    try:
        decode(parts)
    except StoreError:
        return True
    return False


@given(st.data())
def test_any_changed_byte_is_detected(data: st.DataObject) -> None:
    parts = [bytearray(part) for part in encode(np.linspace(0, 1, 6).reshape(2, 3))]
    part = data.draw(st.sampled_from(parts))
    part[data.draw(st.integers(0, len(part) - 1))] ^= data.draw(st.integers(1, 255))
    assert is_damaged([bytes(part) for part in parts])


def test_any_missing_byte_is_detected() -> None:
    head, elements = map(bytes, encode(np.linspace(0, 1, 5)))
    assert is_damaged([])
    assert all(is_damaged([head[:length], elements]) for length in range(len(head)))
    assert all(is_damaged([head, elements[:length]]) for length in range(len(elements)))


def test_missing_and_swapped_parts_are_detected() -> None:
    parts = [bytes(part) for part in encode(LARGE)]
    for order in itertools.permutations(parts):
        assert is_damaged(list(order)) == (list(order) != parts)
    assert is_damaged(parts[:-1])
    with pytest.raises(StoreError, match="damaged"):
        decode([*parts, bytes(8)])


def test_the_parts_are_an_npy_file_after_two_checksums() -> None:
    """Stored arrays must remain readable."""
    file = io.BytesIO(b"".join(encode(LARGE))[8:])
    np.testing.assert_array_equal(np.load(file), LARGE, strict=True)


def test_arrays_are_replaced_and_deleted_by_owner_and_prefix(database: Database) -> None:
    with database.transaction() as connection:
        for owner in ("run_1", "run_2"):
            arrays.write(connection, owner, {"a.x": np.ones(2), "a.y": np.ones(3), "b": np.ones(1)})
        arrays.delete(connection, "run_1", "a.")
        arrays.replace(connection, "run_2", {"c": np.zeros(2)})
    assert arrays.list_names(database, "run_1") == ["b"]
    assert arrays.list_names(database, "run_2") == ["c"]
    assert arrays.load(database, "run_2")["c"].tolist() == [0.0, 0.0]
    with database.transaction() as connection:
        arrays.delete(connection, "run_1")
    with pytest.raises(NotFound, match="'run_1' does not exist"):
        arrays.load(database, "run_1")
    assert count_arrays(database) == 2


def test_reading_a_large_array_needs_its_size_once(database: Database) -> None:
    large = np.random.default_rng(1).random((5000, 1000))
    with database.transaction() as connection:
        arrays.write(connection, "ds_1", {"inputs": large})
    assert count_arrays(database) == 1 + -(-40_000_000 // 2**20)
    tracemalloc.start()
    stored = arrays.load(database, "ds_1")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(stored["inputs"], large, strict=True)
    assert peak < 40_000_000 + 20_000_000


def test_a_damaged_array_is_reported(database: Database) -> None:
    with database.transaction() as connection:
        arrays.write(connection, "ds_1", {"inputs": np.linspace(0, 1, 5)})
        elements = table.c.part == 1
        data = connection.execute(select(table.c.data).where(elements)).scalar_one()
        connection.execute(update(table).where(elements).values(data=data[:-1] + b"\xff"))
    with pytest.raises(StoreError, match="damaged"):
        arrays.load(database, "ds_1")
