"""Arrays survive encoding bit by bit, and damage is detected."""

import io
import itertools
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from service.errors import StoreError
from service.store.array_codec import AnyArray, ArrayStream, Buffer, encode

SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=9)
LARGE = np.random.default_rng(1).random((600, 500))


def read(parts: Iterable[Buffer]) -> AnyArray:
    return ArrayStream.decode(parts).read()


def take_all(parts: Iterable[Buffer], n: int) -> AnyArray:
    """Return the elements of an array, taken n at a time."""
    stream = ArrayStream.decode(parts)
    taken = [stream.take(n) for _ in range(0, stream.size, n)]
    assert {len(some) for some in taken[:-1]} <= {n}
    return np.concatenate([np.empty(0, stream.dtype), *taken]).reshape(stream.shape)


def same_bits(one: AnyArray, other: AnyArray) -> bool:
    return (
        one.shape == other.shape and one.dtype == other.dtype and one.tobytes() == other.tobytes()
    )


@given(hnp.arrays(np.uint64, SHAPES), st.integers(1, 20))
def test_every_pattern_of_64_bits_is_preserved(bits: AnyArray, n: int) -> None:
    for array in (np.frombuffer(bits.tobytes()).reshape(bits.shape), bits.astype(np.int64)):
        assert same_bits(read(encode(array)), array)
        assert same_bits(take_all(encode(array), n), array)


@given(hnp.arrays(hnp.integer_dtypes(sizes=(8, 16, 32)) | hnp.boolean_dtypes(), SHAPES))
def test_integer_types_become_int64(array: AnyArray) -> None:
    assert same_bits(read(encode(array)), array.astype(np.int64))


@pytest.mark.parametrize("n", [1000, 131_072, 300_000])
def test_an_array_of_many_parts_is_read_in_order(n: int) -> None:
    assert same_bits(take_all(encode(LARGE), n), LARGE)
    assert same_bits(read(encode(LARGE)), LARGE)


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
    decoded = read(encode(array))
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
    for decode in (read, lambda parts: take_all(parts, 2)):
        try:
            decode(parts)
        except StoreError:
            continue
        return False
    return True


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
        read([*parts, bytes(8)])


def test_the_parts_are_an_npy_file_after_two_checksums() -> None:
    """Stored arrays must remain readable."""
    file = io.BytesIO(b"".join(encode(LARGE))[8:])
    np.testing.assert_array_equal(np.load(file), LARGE, strict=True)
