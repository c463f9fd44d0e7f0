"""Reading datasets from npz archives."""

import io
import tracemalloc
import warnings
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.errors import LimitExceeded, Malformed, ServiceError


def npy(array: Any, **more: Any) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asanyarray(array), **more)
    return file.getvalue()


def archive(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as target:
        for name, content in members.items():
            target.writestr(name, content)
    return file.getvalue()


def npz(inputs: Any, targets: Any) -> bytes:
    return archive({"inputs.npy": npy(inputs), "targets.npy": npy(targets)})


TYPES = ["?", "i1", "<i2", ">i4", "<i8", "u1", ">u2", "<u4", ">u8", "<f2", ">f4", "<f4", "<f8"]


@pytest.mark.parametrize("dtype", [*TYPES, ">f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_every_type_of_number_is_read_exactly(read_npz: Any, dtype: str, order: Any) -> None:
    numbers = (
        np.array([[0, 1, 1], [1, 0, 1]]) if dtype == "?" else np.array([[0, 100, 3], [7, 1, 2]])
    )
    inputs = np.asarray(numbers, dtype=dtype, order=order)
    if inputs.dtype.kind == "f":
        inputs = inputs / inputs.dtype.type(3)
    read_npz.gives(
        npz(inputs, inputs[:, 0]),
        inputs.astype(float),
        inputs[:, 0].astype(float),
    )


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_what_numpy_saves_is_read(read_npz: Any, save: Any) -> None:
    inputs = np.random.default_rng(1).standard_normal((50, 7))
    file = io.BytesIO()
    save(file, inputs=inputs.T.copy().T, targets=inputs.sum(axis=1))
    read_npz.gives(file.getvalue(), inputs, inputs.sum(axis=1))


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_format_of_numpy_is_read(read_npz: Any, version: tuple[int, int]) -> None:
    members = {
        "targets.npy": npy([3.0], version=version),
        "inputs.npy": npy([[1.0, 2.0]], version=version),
    }
    read_npz.gives(archive(members), [[1, 2]], [3])


@pytest.mark.parametrize("number", [2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63) + 1, 2**62 + 2**8])
@pytest.mark.parametrize("dtype", ["<i8", ">i8"])
def test_integers_are_not_rounded(read_npz: Any, number: int, dtype: str) -> None:
    inputs = np.array([[1, 2], [3, number]], dtype=dtype)
    read_npz.refuses(npz(inputs, [1, 2]), "/inputs/1/1", str(number), "exactly")
    read_npz.refuses(npz([[1], [2]], inputs[1]), "/targets/1", str(number))


@pytest.mark.parametrize("number", [2**53, -(2**53), -(2**63), 2**62 + 2**10, 3 * 2**60, 0])
def test_large_integers_that_float64_represents_are_read(read_npz: Any, number: int) -> None:
    found = read_npz(npz(np.array([[number]]), np.array([1])))
    assert int(found.inputs[0, 0]) == number
    unsigned = read_npz(npz(np.array([[2**63]], dtype=np.uint64), np.array([1])))
    assert int(unsigned.inputs[0, 0]) == 2**63


@pytest.mark.parametrize(
    ("inputs", "targets", "pointer", "words"),
    [
        ([1.0, 2.0], [1.0], "/inputs", ["(n, T)", "(2,)"]),
        ([[[1.0]]], [1.0], "/inputs", ["(1, 1, 1)"]),
        (1.0, [1.0], "/inputs", ["()"]),
        (np.empty((0, 3)), np.empty(0), "/inputs", ["at least 1"]),
        (np.empty((3, 0)), np.empty(3), "/inputs", ["at least 1"]),
        ([[1.0]], [[1.0]], "/targets", ["(1, 1)"]),
        ([[1.0], [2.0]], [1.0], "", ["2 sequences", "1 targets"]),
        ([[1.0, np.nan]], [1.0], "/inputs/0/1", ["finite"]),
        ([[1.0]], [np.inf], "/targets/0", ["finite"]),
        ([[1.0], [1e-101]], [1.0, 1.0], "/inputs/1/0", ["1e-100"]),
        ([["1"]], [1.0], "/inputs", ["<U1"]),
        ([[1j]], [1.0], "/inputs", ["c16"]),
        (np.array([["2001-01-01"]], dtype="M8[s]"), [1.0], "/inputs", ["M8[s]"]),
        (np.zeros((1, 1), dtype="f8,f8"), [1.0], "/inputs", ["only numbers"]),
    ],
)
def test_invalid_arrays(read_npz: Any, inputs: Any, targets: Any, pointer: str, words: Any) -> None:
    read_npz.refuses(npz(inputs, targets), pointer, *words)


class Trap:
    """A function that a pickle would call."""

    def __reduce__(self) -> Any:
        return print, ("sprung",)


def test_pickles_are_never_opened(read_npz: Any, capsys: pytest.CaptureFixture[str]) -> None:
    trap = np.array([[Trap()]], dtype=object)
    members = {"inputs.npy": npy(trap, allow_pickle=True), "targets.npy": npy([1.0])}
    read_npz.refuses(archive(members), "/inputs", "'|O'", "only numbers")
    assert capsys.readouterr().out == ""


def test_members_are_the_two_arrays_and_no_others(read_npz: Any) -> None:
    two = {"inputs.npy": npy([[1.0]]), "targets.npy": npy([1.0])}
    read_npz.gives(archive(two), [[1]], [1])
    for name in ("weights.npy", "inputs", "../inputs.npy", "targets.npy/", "INPUTS.NPY", "é" * 999):
        read_npz.refuses(archive({**two, name: b""}), "", "contains", "only inputs and targets")
    read_npz.refuses(archive({"inputs.npy": two["inputs.npy"]}), "/targets", "no array targets")
    read_npz.refuses(archive({}), "/inputs", "no array inputs")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of zipfile, about the duplicate name
        file = io.BytesIO(archive(two))
        with zipfile.ZipFile(file, "a") as more:
            more.writestr("inputs.npy", two["inputs.npy"])
    read_npz.refuses(file.getvalue(), "", "inputs.npy twice")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_only_the_methods_of_numpy_are_unpacked(read_npz: Any, method: int) -> None:
    body = archive({"inputs.npy": npy([[1.0]]), "targets.npy": npy([1.0])}, method)
    with pytest.raises(Malformed, match="neither stored nor deflated"):
        read_npz(body)


def peak_of(read_npz: Any, body: bytes) -> tuple[type[ServiceError], int]:
    """Return the exception for a body, and the peak of the memory in use."""
    tracemalloc.start()
    try:
        with pytest.raises(ServiceError) as caught:
            read_npz(body)
        return caught.type, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def header(descr: str, shape: str, length: int = 118, fortran_order: str = "False") -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': {fortran_order}, 'shape': {shape}, }}"
    return (
        b"\x93NUMPY\x01\x00"
        + length.to_bytes(2, "little")
        + text.ljust(length - 1).encode()
        + b"\n"
    )


def test_a_large_array_is_rejected_before_it_is_unpacked(read_npz: Any) -> None:
    n = 50_000_000
    packed = header("'|b1'", f"({n // 2}, 2)") + bytes(n)
    body = archive(
        {"inputs.npy": packed, "targets.npy": header("'|b1'", f"({n // 2},)") + bytes(n // 2)}
    )
    assert len(body) < 200_000
    kind, peak = peak_of(read_npz, body)
    assert kind is LimitExceeded
    assert peak < 2_000_000


def test_a_false_size_does_not_unpack_more(read_npz: Any) -> None:
    inputs = npy(np.ones((2, 2)))
    bomb = zipfile.ZipInfo("inputs.npy")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr(bomb, inputs + bytes(50_000_000))
        target.writestr("targets.npy", npy(np.ones(2)))
    body = bytearray(file.getvalue())
    at = body.index(b"PK\x01\x02") + 24  # the declared size in the directory
    body[at : at + 4] = len(inputs).to_bytes(4, "little")
    kind, peak = peak_of(read_npz, bytes(body))
    assert kind is Malformed  # the checksum covers the whole member
    assert peak < 2_000_000


@pytest.mark.parametrize(
    "shape", ["(10**9,)", "(1000000000, 1000000000)", "(9, 2)", "(1, 1)", "(0, 0)"]
)
def test_a_header_must_match_the_size_of_its_member(read_npz: Any, shape: str) -> None:
    body = archive(
        {"inputs.npy": header("'<f8'", shape) + bytes(32), "targets.npy": npy([1.0, 2.0])}
    )
    kind, peak = peak_of(read_npz, body)
    assert kind is Malformed
    assert peak < 1_000_000


@pytest.mark.parametrize(
    "descr", ["'<f16'", "'<c8'", "'|V8'", "'|O'", "'<i16'", "[('a', '<f8')]", "3", "'<f8 '"]
)
def test_elements_that_are_not_numbers(read_npz: Any, descr: str) -> None:
    members = {"inputs.npy": header(descr, "(2, 2)") + bytes(32), "targets.npy": npy([1.0, 2.0])}
    read_npz.refuses(archive(members), "/inputs", "only numbers")


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\x93NUMPY",
        b"\x93NUMPY\x01\x00\xff",
        b"\x93NUMPY\x01\x00\xff\xff" + b"{" * 100,
        b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + b" " * 2000,
        b"\x93NUMPY\x03\x00" + header("'<f8'", "(2, 2)")[8:] + bytes(32),
        header("'<f8'", "(2, 2)").replace(b"NUMPY", b"NUMPI") + bytes(32),
        header("'<f8'", "(2, 2", 200),
        header("'<f8'", "[2, 2]") + bytes(32),
        header("'<f8'", "(2, -2)"),
        header("'<f8'", "(True, 4)") + bytes(32),
        header("'<f8'", "(2.0, 2)") + bytes(32),
        header("'<f8'", "(2, 2)", fortran_order="0") + bytes(32),
        header("'<f8'", "(2, 2), 'more': 1") + bytes(32),
        header("'<f8'", "__import__('os')") + bytes(32),
        header("'<f8'", "(" * 900, 1000),
        header("'<f8'", "-" * 900 + "1", 1000),
        header("'<f8'", "'\\ud800'") + bytes(32),
    ],
)
def test_malformed_headers(read_npz: Any, head: bytes) -> None:
    with pytest.raises(Malformed):
        read_npz(archive({"inputs.npy": head, "targets.npy": npy([1.0, 2.0])}))


def test_an_archive_of_too_many_members_is_not_listed(read_npz: Any) -> None:
    body = archive({f"{k}.npy": b"" for k in range(1200)}, zipfile.ZIP_STORED)
    with pytest.raises(Malformed, match="too many members"):
        read_npz(body)


GOOD = npz(np.arange(6.0).reshape(2, 3), np.ones(2))


def test_a_damaged_member_is_named(read_npz: Any) -> None:
    inputs, targets = npy(np.arange(6.0).reshape(2, 3)), npy(np.ones(2))
    body = archive({"inputs.npy": inputs, "targets.npy": targets}, zipfile.ZIP_STORED)
    with pytest.raises(Malformed, match=r"^targets\.npy is damaged$"):
        read_npz(body.replace(targets, targets[:-1] + b"\0"))


def test_an_encrypted_member_is_named(read_npz: Any) -> None:
    body = bytearray(GOOD)
    for flags in (6, body.index(b"PK\1\2") + 8):  # in the local and in the central header
        body[flags] |= 1
    with pytest.raises(Malformed, match=r"^inputs\.npy is encrypted$"):
        read_npz(bytes(body))


@given(st.data())
def test_damaged_archives_are_rejected(read_npz: Any, data: st.DataObject) -> None:
    body = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(body)))
    for damaged in (bytes(body), bytes(body[:cut]), bytes(body[cut:])):
        found = read_npz.if_it_can(damaged)
        assert found is None or found.inputs.size == 6


@given(st.binary())
@example(b"PK\x05\x06" + bytes(18))
@example(b"PK\x05\x06" + b"\xff" * 18)
def test_other_bytes_are_rejected(read_npz: Any, body: bytes) -> None:
    with pytest.raises(ServiceError):
        read_npz(body)
