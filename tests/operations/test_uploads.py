"""Files to samples: tables and archives, whole, odd and hostile."""

import csv
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
from hypothesis.extra.numpy import array_shapes, arrays

from service.errors import Invalid, LimitExceeded, Malformed, ServiceError
from service.operations import tables
from service.operations.limits import Limits
from service.operations.samples import Samples
from service.operations.uploads import CHUNK, from_csv, from_npz

LIMITS = Limits()
NUMBERS = st.floats(-1e100, 1e100).filter(lambda x: x == 0.0 or abs(x) >= 1e-100)
INPUTS = arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=6), elements=NUMBERS)

Arrays = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


@st.composite
def samples(draw: Any) -> Arrays:
    inputs = draw(INPUTS)
    return inputs, draw(arrays(np.float64, len(inputs), elements=NUMBERS))


def same(found: Any, inputs: Any, targets: Any) -> None:
    np.testing.assert_array_equal(found.inputs, inputs)
    np.testing.assert_array_equal(found.targets, targets)
    assert found.inputs.dtype == found.targets.dtype == np.float64
    assert found.inputs.flags.c_contiguous


def refused(read: Any, body: bytes, pointer: str, *words: str) -> None:
    with pytest.raises(Invalid) as caught:
        read(body, LIMITS)
    (field,) = caught.value.errors
    assert field.pointer == pointer
    for word in words:
        assert word in field.detail


def read_or_refused(read: Any, body: bytes) -> Samples | None:
    """Return the samples, None where they are refused properly; let other errors through."""
    try:
        found: Samples = read(body, LIMITS)
    except ServiceError as caught:
        error = caught
    else:
        return found
    assert len(error.detail) < 300
    return None


# Tables


@given(samples(), st.booleans(), st.sampled_from(["\r\n", "\n", "\r"]), st.booleans())
def test_a_table_reads_as_it_was_written(
    given: Arrays, header: bool, line_end: str, quoted: bool
) -> None:
    inputs, targets = given
    file = io.StringIO()
    writer = csv.writer(file, lineterminator=line_end)
    if quoted:
        writer = csv.writer(file, lineterminator=line_end, quoting=csv.QUOTE_ALL)
    if header:
        writer.writerow([*(f"x {k}, in" for k in range(inputs.shape[1])), "target"])
    writer.writerows(np.column_stack([inputs, targets]).tolist())
    same(from_csv(file.getvalue().encode(), LIMITS), inputs, targets)


@given(samples())
def test_a_download_reads_as_it_was_stored(given: Arrays) -> None:
    inputs, targets = given
    columns = {f"x_{k}": column for k, column in enumerate(inputs.T, start=1)}
    same(from_csv(tables.csv({**columns, "target": targets}), LIMITS), inputs, targets)
    same(from_npz(tables.npz({"inputs": inputs, "targets": targets}), LIMITS), inputs, targets)


@pytest.mark.parametrize(
    ("body", "inputs", "targets"),
    [
        (b"1,2", [[1]], [2]),
        (b"\xef\xbb\xbf1,2\n", [[1]], [2]),
        (b"\xef\xbb\xbfx,target\r\n1,2\r\n\r\n", [[1]], [2]),
        (b'"x","target"\r\n"1","-2.5e-1"\r\n', [[1]], [-0.25]),
        (b'"x, y","a ""t"""\n1,2\n', [[1]], [2]),
        (b"\n  \n1 ,\t2\n\t\n 3, 4 \n \n", [[1], [3]], [2, 4]),
        (b' "1" , "2"\n', [[1]], [2]),
        (b"+1.,.5,-0\n1E2,1e+2,1e-2\n", [[1, 0.5], [100, 100]], [0, 0.01]),
        ("größe,ziel\n1,2\n".encode(), [[1]], [2]),
        (b",y\n1,2\n", [[1]], [2]),
        (b"0.1,9007199254740993\n", [[0.1]], [9007199254740992]),
    ],
)
def test_what_a_table_may_look_like(body: bytes, inputs: Any, targets: Any) -> None:
    same(from_csv(body, LIMITS), inputs, targets)


def test_a_long_table_is_read_in_parts() -> None:
    random = np.random.default_rng(1)
    table = np.around(random.random((CHUNK, 4)), 3)
    body = "x,y,z,t\n" + "\n".join(",".join(map(repr, row)) for row in table.tolist())
    same(from_csv(body.encode(), LIMITS), table[:, :-1], table[:, -1])
    # The line of a late fault is its line in the file, header and blank lines included.
    late = (body + "\n\n1,2,3,4\n1,2,?,4\n").encode()
    refused(from_csv, late, f"/inputs/{CHUNK + 1}/2", f"line {CHUNK + 4}:", "'?'")


@pytest.mark.parametrize(
    ("body", "pointer", "words"),
    [
        (b"", "/inputs", ["no rows"]),
        (b"\r\n \r\n", "/inputs", ["no rows"]),
        (b"x,y\n", "/inputs", ["header and no rows"]),
        (b"1\n2\n", "/inputs/0", ["line 1", "commas"]),
        (b"1;2\n", "/inputs/0", ["line 1", "commas"]),
        (b"x,y,t\n1,2,3\n4,5,6\n7,x,8\n", "/inputs/2/1", ["line 4", "'x'"]),
        (b"1,2\n3,x\n", "/targets/1", ["line 2", "'x'"]),
        (b"1,2\nx,y\n", "/inputs/1/0", ["line 2", "'x'"]),  # a header comes first or never
        (b"0,1,target\n1,2,3\n", "/targets/0", ["line 1", "'target'"]),
        (b"1,2,3\n4,5\n", "/inputs/1", ["line 2", "2 fields", "3"]),
        (b"1,2\n4,5,6\n", "/inputs/1", ["line 2", "3 fields", "2"]),
        (b"x,t\n1,2,3\n", "/inputs/0", ["line 2", "3 fields", "2"]),
        (b"1,2,3\n4,,6\n", "/inputs/1/1", ["line 2", "missing"]),
        (b",,\n", "/inputs/0/0", ["missing"]),
        (b"1,2,\n", "/targets/0", ["missing"]),
        (b"1,nan\n", "/targets/0", ["line 1", "finite"]),
        (b"1,2\n-Infinity,2\n", "/inputs/1/0", ["line 2", "finite"]),
        (b"1,2\n3,1e999\n", "/targets/1", ["line 2", "finite"]),
        (b"1,2\n1e101,3\n", "/inputs/1/0", ["line 2", "1e-100", "1e+100"]),
        (b"1,2\n5e-324,3\n", "/inputs/1/0", ["line 2", "1e-100"]),
        (b'1,"2,5"\n', "/targets/0", ["line 1", "'\"2'"]),
        (b'1,"2\n', "/targets/0", ["line 1"]),
        (b'1,"2\n"\n', "/targets/0", ["line 1"]),
        (b'1,"2"3\n', "/targets/0", ["line 1"]),
        (b"1_0,2\n", "/inputs/0/0", ["'1_0'"]),
        (b"0x10,2\n", "/inputs/0/0", ["'0x10'"]),
        ("\N{FULLWIDTH DIGIT ONE},2\n".encode(), "/inputs/0/0", ["is not a number"]),
        (b"1,2\x00\n", "/targets/0", ["line 1"]),
        (b"1,True\n", "/targets/0", ["'True'"]),
        (b"1,2\n" + b"9" * 5000 + b"x,2\n", "/inputs/1/0", ["line 2", "'99999"]),
    ],
)
def test_what_is_wrong_with_a_table(body: bytes, pointer: str, words: list[str]) -> None:
    refused(from_csv, body, pointer, *words)


def test_what_is_wrong_is_not_repeated_at_length() -> None:
    with pytest.raises(Invalid) as caught:
        from_csv(b"1," + b"x" * 100_000, LIMITS)
    assert len(caught.value.detail) < 100


@pytest.mark.parametrize("body", [b"\xff\xfe1\x00,\x002\x00", b"1,2\n3,4\xe9\n"])
def test_a_table_must_be_utf_8(body: bytes) -> None:
    with pytest.raises(Malformed, match="UTF-8"):
        from_csv(body, LIMITS)


def test_a_table_above_the_limit_is_not_read_to_its_end() -> None:
    body = b"1,1,1\n" * CHUNK + b"x\n"  # the slip at the end is never seen
    with pytest.raises(LimitExceeded, match="limit is 100"):
        from_csv(body, Limits(max_cells=100))


@given(st.one_of(st.binary(), st.text().map(str.encode), st.from_regex(rb"[-0-9,.e\"\r\nx ]*")))
@example(b'"')
@example(b",")
@example(b"\x1c1,2")
def test_no_table_is_too_strange(body: bytes) -> None:
    found = read_or_refused(from_csv, body)
    if found is not None:
        assert found.inputs.shape == (len(found.targets), found.inputs.shape[1])
        assert np.isfinite(found.inputs).all()
        assert np.isfinite(found.targets).all()


# Archives


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
def test_every_type_of_number_is_taken_exactly(dtype: str, order: Any) -> None:
    numbers = (
        np.array([[0, 1, 1], [1, 0, 1]]) if dtype == "?" else np.array([[0, 100, 3], [7, 1, 2]])
    )
    inputs = np.asarray(numbers, dtype=dtype, order=order)
    if inputs.dtype.kind == "f":
        inputs = inputs / inputs.dtype.type(3)
    same(
        from_npz(npz(inputs, inputs[:, 0]), LIMITS),
        inputs.astype(float),
        inputs[:, 0].astype(float),
    )


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_what_numpy_saves_is_read(save: Any) -> None:
    inputs = np.random.default_rng(1).standard_normal((50, 7))
    file = io.BytesIO()
    save(file, inputs=inputs.T.copy().T, targets=inputs.sum(axis=1))
    same(from_npz(file.getvalue(), LIMITS), inputs, inputs.sum(axis=1))


def test_the_second_format_of_numpy_is_read() -> None:
    members = {
        "targets.npy": npy([3.0], version=(2, 0)),
        "inputs.npy": npy([[1.0, 2.0]], version=(2, 0)),
    }
    same(from_npz(archive(members), LIMITS), [[1, 2]], [3])


@pytest.mark.parametrize("number", [2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63) + 1, 2**62 + 2**8])
@pytest.mark.parametrize("dtype", ["<i8", ">i8"])
def test_whole_numbers_are_not_rounded(number: int, dtype: str) -> None:
    inputs = np.array([[1, 2], [3, number]], dtype=dtype)
    refused(from_npz, npz(inputs, [1, 2]), "/inputs/1/1", str(number), "more digits")
    refused(from_npz, npz([[1], [2]], inputs[1]), "/targets/1", str(number))


@pytest.mark.parametrize("number", [2**53, -(2**53), -(2**63), 2**62 + 2**10, 3 * 2**60, 0])
def test_large_whole_numbers_that_float64_has_are_taken(number: int) -> None:
    found = from_npz(npz(np.array([[number]]), np.array([1])), LIMITS)
    assert int(found.inputs[0, 0]) == number
    unsigned = from_npz(npz(np.array([[2**63]], dtype=np.uint64), np.array([1])), LIMITS)
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
        ([[1.0], [2.0]], [1.0], "", ["2 sequences", "not 1"]),
        ([[1.0, np.nan]], [1.0], "/inputs/0/1", ["finite"]),
        ([[1.0]], [np.inf], "/targets/0", ["finite"]),
        ([[1.0], [1e-101]], [1.0, 1.0], "/inputs/1/0", ["1e-100"]),
        ([["1"]], [1.0], "/inputs", ["<U1"]),
        ([[1j]], [1.0], "/inputs", ["c16"]),
        (np.array([["2001-01-01"]], dtype="M8[s]"), [1.0], "/inputs", ["M8[s]"]),
        (np.zeros((1, 1), dtype="f8,f8"), [1.0], "/inputs", ["only numbers"]),
        (np.array([[1.0]], dtype=np.longdouble), [1.0], "/inputs", ["f16"]),
    ],
)
def test_what_is_wrong_with_arrays(inputs: Any, targets: Any, pointer: str, words: Any) -> None:
    refused(from_npz, npz(inputs, targets), pointer, *words)


class Trap:
    """What a pickle would run."""

    def __reduce__(self) -> Any:
        return print, ("sprung",)


def test_pickles_are_never_opened(capsys: pytest.CaptureFixture[str]) -> None:
    trap = np.array([[Trap()]], dtype=object)
    members = {"inputs.npy": npy(trap, allow_pickle=True), "targets.npy": npy([1.0])}
    refused(from_npz, archive(members), "/inputs", "'|O'", "only numbers")
    assert capsys.readouterr().out == ""


def test_members_are_the_two_arrays_and_no_others() -> None:
    two = {"inputs.npy": npy([[1.0]]), "targets.npy": npy([1.0])}
    same(from_npz(archive(two), LIMITS), [[1]], [1])
    for name in ("weights.npy", "inputs", "../inputs.npy", "targets.npy/", "INPUTS.NPY", "é" * 999):
        refused(from_npz, archive({**two, name: b""}), "", "holds", "only inputs and targets")
    refused(from_npz, archive({"inputs.npy": two["inputs.npy"]}), "/targets", "no array targets")
    refused(from_npz, archive({}), "/inputs", "no array inputs")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile's own, about what is meant here
        file = io.BytesIO(archive(two))
        with zipfile.ZipFile(file, "a") as more:
            more.writestr("inputs.npy", two["inputs.npy"])
    refused(from_npz, file.getvalue(), "", "inputs.npy twice")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_only_the_methods_of_numpy_are_unpacked(method: int) -> None:
    body = archive({"inputs.npy": npy([[1.0]]), "targets.npy": npy([1.0])}, method)
    with pytest.raises(Malformed, match="neither stored nor deflated"):
        from_npz(body, LIMITS)


def peak_of(body: bytes, limits: Limits) -> tuple[type[ServiceError], int]:
    """Return how the body is refused, and the most memory that it took to do so."""
    tracemalloc.start()
    try:
        with pytest.raises(ServiceError) as caught:
            from_npz(body, limits)
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


def test_an_honest_bomb_meets_the_limit_before_it_is_unpacked() -> None:
    n = 50_000_000
    packed = header("'|b1'", f"({n // 2}, 2)") + bytes(n)
    body = archive(
        {"inputs.npy": packed, "targets.npy": header("'|b1'", f"({n // 2},)") + bytes(n // 2)}
    )
    assert len(body) < 200_000
    kind, peak = peak_of(body, LIMITS)
    assert kind is LimitExceeded
    assert peak < 2_000_000


def test_a_bomb_that_declares_little_unpacks_little() -> None:
    inputs = npy(np.ones((2, 2)))
    bomb = zipfile.ZipInfo("inputs.npy")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr(bomb, inputs + bytes(50_000_000))
        target.writestr("targets.npy", npy(np.ones(2)))
    body = bytearray(file.getvalue())
    at = body.index(b"PK\x01\x02") + 24  # the declared size, in the directory
    body[at : at + 4] = len(inputs).to_bytes(4, "little")
    kind, peak = peak_of(bytes(body), LIMITS)
    assert kind is Malformed  # its checksum is that of the whole
    assert peak < 2_000_000


@pytest.mark.parametrize(
    "shape", ["(10**9,)", "(1000000000, 1000000000)", "(9, 2)", "(1, 1)", "(0, 0)"]
)
def test_a_header_must_be_of_the_size_of_its_member(shape: str) -> None:
    body = archive(
        {"inputs.npy": header("'<f8'", shape) + bytes(32), "targets.npy": npy([1.0, 2.0])}
    )
    kind, peak = peak_of(body, LIMITS)
    assert kind is Malformed
    assert peak < 1_000_000


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
def test_heads_that_are_none(head: bytes) -> None:
    with pytest.raises(Malformed):
        from_npz(archive({"inputs.npy": head, "targets.npy": npy([1.0, 2.0])}), LIMITS)


def test_an_archive_of_too_many_members_is_not_listed() -> None:
    body = archive({f"{k}.npy": b"" for k in range(1200)}, zipfile.ZIP_STORED)
    with pytest.raises(Malformed, match="too many members"):
        from_npz(body, LIMITS)


GOOD = npz(np.arange(6.0).reshape(2, 3), np.ones(2))


@given(st.data())
def test_no_archive_is_too_damaged(data: st.DataObject) -> None:
    body = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(body)))
    for damaged in (bytes(body), bytes(body[:cut]), bytes(body[cut:])):
        found = read_or_refused(from_npz, damaged)
        assert found is None or found.inputs.size == 6


@given(st.binary())
@example(b"PK\x05\x06" + bytes(18))
@example(b"PK\x05\x06" + b"\xff" * 18)
def test_no_bytes_are_taken_for_an_archive(body: bytes) -> None:
    with pytest.raises(ServiceError):
        from_npz(body, LIMITS)
