"""Archives of arrays: reading, errors, and writing."""

import io
import tracemalloc
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from service.errors import LimitExceeded, Malformed, ServiceError
from service.formats import write_npz
from tests.formats.conftest import read_npz


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


TYPES = ["i1", "<i2", ">i4", "<i8", "u1", ">u2", "<u4", ">u8", "<f2", ">f4", "<f4", "<f8", ">f8"]


@pytest.mark.parametrize("dtype", [*TYPES, "?"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_every_type_of_number_is_read_exactly(dtype: str, order: Any) -> None:
    numbers = [[0, 1, 1], [1, 0, 1]] if dtype == "?" else [[0, 100, 3], [7, 1, 2]]
    inputs = np.array(numbers, dtype=dtype, order=order)
    if inputs.dtype.kind == "f":
        inputs = inputs / inputs.dtype.type(3)
    read_npz.gives(npz(inputs, inputs[:, 0]), inputs.astype(float), inputs[:, 0].astype(float))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_what_numpy_saves_is_read(save: Any) -> None:
    inputs = np.random.default_rng(1).standard_normal((50, 7))
    file = io.BytesIO()
    save(file, inputs=inputs.T.copy().T, targets=inputs.sum(axis=1))
    read_npz.gives(file.getvalue(), inputs, inputs.sum(axis=1))


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_of_the_format_is_read(version: tuple[int, int]) -> None:
    members = {
        "targets.npy": npy([3.0], version=version),
        "inputs.npy": npy([[1.0, 2.0]], version=version),
    }
    read_npz.gives(archive(members), [[1, 2]], [3])


def test_the_names_of_scikit_learn_and_a_column_of_targets() -> None:
    for pair in (("X", "y"), ("inputs", "targets")):
        for targets in ([3.0, 4.0], [[3.0], [4.0]]):
            arrays = zip(pair, ([[1.0], [2.0]], targets), strict=True)
            body = archive({f"{name}.npy": npy(array) for name, array in arrays})
            read_npz.gives(body, [[1], [2]], [3, 4])
    mixed = archive({"X.npy": npy([[1.0]]), "targets.npy": npy([1.0])})
    read_npz.refuses(mixed, "", "X and y only", "'X.npy, targets.npy'")


def test_integers_are_not_rounded() -> None:
    read_npz.gives(npz([[2**53, -(2**53)]], [1]), [[2.0**53, -(2.0**53)]], [1])
    for dtype, number in (("<i8", 2**53 + 1), (">i8", -(2**63)), ("<u8", 2**64 - 1)):
        inputs = np.array([[number]], dtype=dtype)
        read_npz.refuses(npz(inputs, [1]), "/inputs", "integers above 2^53")
        read_npz.refuses(npz([[1]], inputs[0]), "/targets", "integers above 2^53")


@pytest.mark.parametrize(
    ("inputs", "targets", "pointer", "words"),
    [
        ([1.0, 2.0], [1.0], "/inputs", ["(n, T)", "(2,)"]),
        (np.empty((0, 3)), np.empty(0), "/inputs", ["at least 1"]),
        ([[1.0]], [[1.0, 2.0]], "/inputs", ["(n, 1)", "(1, 2)"]),
        ([[1.0]], 1.0, "/inputs", ["()"]),
        ([[1.0]], [[np.nan]], "/targets/0", ["finite"]),
        ([[1.0], [2.0]], [1.0], "/inputs", ["not (2, 1) and (1,)"]),
        ([[1.0, np.nan]], [1.0], "/inputs/0/1", ["finite"]),
        ([[1.0]], [np.inf], "/targets/0", ["finite"]),
        ([[1.0], [1e-101]], [1.0, 1.0], "/inputs/1/0", ["1e-100"]),
        (np.ones((2, 3, 1)), np.ones((2, 3)), "/inputs", ["kind=series"]),
        ([["1"]], [1.0], "/inputs", ["<U1", "only numbers"]),
        (np.zeros((1, 1), dtype="g"), [1.0], "/inputs", ["only numbers"]),
        (np.zeros((1, 1), dtype="f8,f8"), [1.0], "/inputs", ["only numbers"]),
    ],
)
def test_invalid_arrays(inputs: Any, targets: Any, pointer: str, words: Any) -> None:
    read_npz.refuses(npz(inputs, targets), pointer, *words)


class Trap:
    """A function that a pickle would call."""

    def __reduce__(self) -> Any:
        return print, ("sprung",)


def test_pickles_are_never_opened(capsys: pytest.CaptureFixture[str]) -> None:
    trap = np.array([[Trap()]], dtype=object)
    members = {"inputs.npy": npy(trap, allow_pickle=True), "targets.npy": npy([1.0])}
    read_npz.refuses(archive(members), "/inputs", "'object'", "only numbers")
    assert capsys.readouterr().out == ""


def test_members_are_the_two_arrays_and_no_others() -> None:
    two = {"inputs.npy": npy([[1.0]]), "targets.npy": npy([1.0])}
    for name in ("weights.npy", "inputs", "../inputs.npy", "targets.npy/", "INPUTS.NPY", "é" * 999):
        read_npz.refuses(archive({**two, name: b""}), "", "inputs and targets only", name[:20])
    read_npz.refuses(archive({"inputs.npy": two["inputs.npy"]}), "", "only, not 'inputs.npy'")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of zipfile, about the duplicate name
        file = io.BytesIO(archive(two))
        with zipfile.ZipFile(file, "a") as more:
            more.writestr("inputs.npy", two["inputs.npy"])
    read_npz.refuses(file.getvalue(), "", "'inputs.npy, inputs.npy, targets.npy'")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_only_the_methods_of_numpy_are_unpacked(method: int) -> None:
    body = archive({"inputs.npy": npy([[1.0]]), "targets.npy": npy([1.0])}, method)
    with pytest.raises(Malformed, match="neither stored nor deflated"):
        read_npz(body)


def peak_of(body: bytes) -> tuple[type[ServiceError], int]:
    """Return the exception for a body, and the peak of the memory in use."""
    tracemalloc.start()
    try:
        with pytest.raises(ServiceError) as caught:
            read_npz(body)
        return caught.type, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def header(shape: str, descr: str = "'<f8'") -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"
    length = max(118, len(text) + 1)
    size = length.to_bytes(2, "little")
    return b"\x93NUMPY\x01\x00" + size + text.ljust(length - 1).encode() + b"\n"


@pytest.mark.parametrize("shape", ["({}, 1)", "(1, {})"])
def test_a_large_array_is_refused_before_it_is_unpacked(shape: str) -> None:
    n = 50_000_000
    inputs = header(shape.format(n), "'|b1'") + bytes(n)
    n_targets = n if shape.startswith("({") else 1
    body = archive({"inputs.npy": inputs, "targets.npy": npy(np.zeros(n_targets, bool))})
    assert len(body) < 200_000
    kind, peak = peak_of(body)
    assert kind is LimitExceeded
    assert peak < 2_000_000


def test_a_false_size_does_not_unpack_more() -> None:
    inputs = npy(np.ones((2, 2)))
    body = bytearray(
        archive({"inputs.npy": inputs + bytes(50_000_000), "targets.npy": npy(np.ones(2))})
    )
    at = body.index(b"PK\x01\x02") + 24  # the declared size in the directory
    body[at : at + 4] = len(inputs).to_bytes(4, "little")
    kind, peak = peak_of(bytes(body))
    assert kind is Malformed  # the checksum covers the whole member
    assert peak < 2_000_000


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\x93NUMPY\x01\x00\xff",
        b"\x93NUMPY\x01\x00\xff\xff" + b"{" * 100,
        b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + b" " * 2000,
        header("(2, 2)").replace(b"NUMPY", b"NUMPI") + bytes(32),
        header("(2, 2"),
        header("[2, 2]") + bytes(32),
        header("(2, -2)"),
        header("(10**9,)") + bytes(32),
        header("(1000000000, 1000000000)") + bytes(32),
        header("(1, 1)") + bytes(32),
        header("(2, 2), 'more': 1") + bytes(32),
        header("__import__('os')") + bytes(32),
        header("(" * 900),
    ],
)
def test_malformed_headers(head: bytes) -> None:
    body = archive({"inputs.npy": head, "targets.npy": npy([1.0, 2.0])})
    kind, peak = peak_of(body)
    assert kind is Malformed
    assert peak < 1_000_000


def test_an_archive_of_too_many_members_is_not_listed() -> None:
    body = archive({f"{k}.npy": b"" for k in range(1200)}, zipfile.ZIP_STORED)
    with pytest.raises(Malformed, match="too many members"):
        read_npz(body)


GOOD = npz(np.arange(6.0).reshape(2, 3), np.ones(2))


def test_a_damaged_or_encrypted_member_is_named() -> None:
    inputs, targets = npy(np.arange(6.0).reshape(2, 3)), npy(np.ones(2))
    body = archive({"inputs.npy": inputs, "targets.npy": targets}, zipfile.ZIP_STORED)
    with pytest.raises(Malformed, match=r"^targets\.npy is damaged.* Bad CRC-32"):
        read_npz(body.replace(targets, targets[:-1] + b"\0"))
    encrypted = bytearray(GOOD)
    for flags in (6, encrypted.index(b"PK\1\2") + 8):  # in the local and in the central header
        encrypted[flags] |= 1
    with pytest.raises(Malformed, match=r"^inputs\.npy is .* encrypted"):
        read_npz(bytes(encrypted))


@given(st.data())
def test_damaged_archives_are_rejected(data: st.DataObject) -> None:
    body = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(body)))
    for damaged in (bytes(body), bytes(body[:cut]), bytes(body[cut:])):
        found = read_npz.if_it_can(damaged)
        assert found is None or found[0].size == 6


@given(st.binary())
@example(b"PK\x05\x06" + bytes(18))
@example(b"PK\x05\x06" + b"\xff" * 18)
def test_other_bytes_are_rejected(body: bytes) -> None:
    with pytest.raises(ServiceError):
        read_npz(body)


def write(**named: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    write_npz(named, file)
    return file.getvalue()


@given(arrays(np.float64, array_shapes(min_dims=0, max_dims=2, max_side=5)))
def test_a_written_archive_is_exact_and_deterministic(array: NDArray[np.float64]) -> None:
    body = write(a=array, b=np.arange(3))
    assert body == write(a=array.copy(), b=np.arange(3))
    with np.load(io.BytesIO(body), allow_pickle=False) as read:
        np.testing.assert_array_equal(read["a"], array, strict=True)
        assert sorted(read) == ["a", "b"]


def test_an_archive_is_compressed_and_written_in_parts(tmp_path: Path) -> None:
    array = np.random.default_rng(1).random((300, 1000))
    tracemalloc.start()
    with (tmp_path / "a.npz").open("wb") as file:
        write_npz({"a": array}, file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000 < array.nbytes
    assert len(write(a=np.zeros(100_000))) < 10_000
