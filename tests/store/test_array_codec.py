"""Arrays survive encoding bit by bit, and damage is detected."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from service.errors import StoreError
from service.store.array_codec import (
    BLOCK_ELEMENTS,
    PART_BYTES,
    AnyArray,
    ArrayBlocks,
    decode,
    decode_blocks,
    encode,
)

VECTOR_HEADER = 24
SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=9)


def encoded_size(array: AnyArray) -> int:
    return sum(len(part) for part in encode(array))


def same_bits(one: AnyArray, other: AnyArray) -> bool:
    return (
        one.shape == other.shape and one.dtype == other.dtype and one.tobytes() == other.tobytes()
    )


@given(hnp.arrays(np.uint64, SHAPES))
def test_every_pattern_of_64_bits_is_preserved(bits: AnyArray) -> None:
    array = bits.view(np.float64) if bits.ndim else bits.reshape(1).view(np.float64).reshape(())
    assert same_bits(decode(encode(array)), array)


@given(
    hnp.arrays(np.float64, SHAPES, elements=st.integers(-(2**33), 2**33).map(float)),
    st.sampled_from([0.0, -0.0, 0.5, np.inf, -np.inf, np.nan, 1e300]),
    st.booleans(),
)
def test_integers_are_preserved_also_with_another_number_among_them(
    array: AnyArray, other: float, place: bool
) -> None:
    if place and array.size:
        array.flat[array.size // 2] = other
    assert same_bits(decode(encode(array)), array)


@given(hnp.arrays(hnp.integer_dtypes(sizes=(8, 16, 32)) | hnp.boolean_dtypes(), SHAPES))
def test_integer_types_become_int64(array: AnyArray) -> None:
    assert same_bits(decode(encode(array)), array.astype(np.int64))


@given(hnp.arrays(np.int64, SHAPES))
def test_int64_is_preserved(array: AnyArray) -> None:
    assert same_bits(decode(encode(array)), array)


@pytest.mark.parametrize(
    ("low", "high", "bits"),
    [
        (0, 1, 1),
        (0, 2, 8),
        (0, 255, 8),
        (-1, 127, 8),
        (-128, 127, 8),
        (0, 256, 16),
        (0, 65535, 16),
        (-129, 0, 16),
        (-32768, 32767, 16),
        (0, 65536, 32),
        (-(2**31), 2**31 - 1, 32),
        (0, 2**31, 64),
        (0, 0.5, 64),
        (-0.0, 1, 64),
        (-0.0, -1, 64),
        (0, np.inf, 64),
        (0, np.nan, 64),
    ],
)
def test_elements_use_the_fewest_bits_that_fit(low: float, high: float, bits: int) -> None:
    array = np.resize(np.array([low, high], dtype=np.float64), 8000)
    assert encoded_size(array) == VECTOR_HEADER + 1000 * bits


def test_parts_are_full_and_views_of_the_array() -> None:
    array = np.random.default_rng(1).random(PART_BYTES // 4)
    parts = list(encode(array))
    assert [len(part) for part in parts] == [PART_BYTES, PART_BYTES, VECTOR_HEADER]
    assert all(np.shares_memory(np.frombuffer(part, np.uint8), array) for part in parts[1:])
    assert same_bits(decode(parts), array)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12.0).reshape(3, 4).T + 0.5,
        np.arange(12.0)[::-2] + 0.5,
        np.arange(12.0).astype(">f8") + 0.5,
        np.broadcast_to(np.float64(0.5), (3, 4)),
        np.asfortranarray(np.random.default_rng(1).random((5, 6))),
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
    [np.array([1j]), np.array([None]), np.array(["1"]), np.array([1], np.uint64)],
    ids=["complex", "object", "text", "uint64"],
)
def test_other_types_are_rejected(array: AnyArray) -> None:
    with pytest.raises(TypeError, match="cannot be stored"):
        list(encode(array))


@given(st.data())
def test_any_changed_byte_is_detected(data: st.DataObject) -> None:
    values: list[Any] = [0.5, 3, 1]
    array = np.full((2, 3), data.draw(st.sampled_from(values)), dtype=np.float64)
    encoded = bytearray(b"".join(encode(array)))
    place = data.draw(st.integers(0, len(encoded) - 1))
    encoded[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(StoreError, match="damaged"):
        decode([bytes(encoded)])


def test_any_missing_or_added_byte_is_detected() -> None:
    encoded = b"".join(encode(np.linspace(0, 1, 5)))
    for length in range(len(encoded)):
        with pytest.raises(StoreError, match="damaged"):
            decode([encoded[:length]])
    with pytest.raises(StoreError, match="damaged"):
        decode([encoded, b"\0"])
    with pytest.raises(StoreError, match="damaged"):
        decode([])


def test_parts_in_another_order_are_detected() -> None:
    parts = list(encode(np.random.default_rng(1).random(2 * PART_BYTES // 8)))
    for order in itertools.permutations(parts):
        if list(order) != parts:
            with pytest.raises(StoreError, match="damaged"):
                decode(order)


def test_the_format_does_not_change() -> None:
    """Stored arrays must remain readable. The bytes are derived by hand from the description."""
    encoded = b"".join(encode(np.array([[1.0, 2.0, 258.0]])))
    assert encoded[:8] == b"LRN1Hd\x02\x00"
    assert encoded[12:28] == bytes([1, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0])
    assert encoded[32:] == bytes([1, 0, 2, 0, 2, 1])
    assert b"".join(encode(np.array([1, 0, 1, 1])))[24:] == bytes([0b10110000])


@pytest.mark.parametrize("n", [0, 1, BLOCK_ELEMENTS, 2 * BLOCK_ELEMENTS + 2])
def test_blocks_of_an_array_in_memory_are_views(n: int) -> None:
    array = np.arange(float(n)).reshape(n // 2, -1) if n > 1 else np.arange(float(n))
    read = ArrayBlocks.of(array)
    blocks = list(read.blocks)
    assert (read.shape, read.dtype) == (array.shape, array.dtype)
    assert same_bits(np.concatenate([array.ravel()[:0], *blocks]), array.ravel())
    assert all(len(block) <= BLOCK_ELEMENTS for block in blocks)
    assert all(np.shares_memory(block, array) for block in blocks)


def test_blocks_are_the_elements_in_order() -> None:
    whole = np.arange(100_003)
    for array in (whole / 7, whole % 2, whole % 200, whole, whole - 50_000, whole[:0], whole[:3]):
        encoded = b"".join(encode(array))
        for size in (len(encoded), 50_001):
            parts = [encoded[at : at + size] for at in range(0, len(encoded), size)]
            read = decode_blocks(parts)
            assert (read.shape, read.dtype) == (array.shape, array.dtype)
            blocks = list(read.blocks)
            assert same_bits(np.concatenate([array[:0], *blocks]), array)
            assert max(map(len, blocks), default=0) < 100_000


@pytest.mark.parametrize("position", [5, 100, 100_000])
def test_damage_is_detected_at_the_latest_after_the_last_block(position: int) -> None:
    encoded = bytearray(b"".join(encode(np.arange(50_000) / 7)))
    encoded[position] ^= 1
    with pytest.raises(StoreError):
        list(decode_blocks([bytes(encoded)]).blocks)
    encoded[position] ^= 1
    with pytest.raises(StoreError):
        list(decode_blocks([bytes(encoded[:-8])]).blocks)
