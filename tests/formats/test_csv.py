"""Tables: reading, errors, and writing."""

import csv
import io
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from service.errors import Invalid, LimitExceeded, Malformed
from service.formats import CSV, NPZ, SeriesColumns, write_csv
from service.operations.shared.limits import Limits
from tests.formats.conftest import LIMITS, read_csv, read_npz

CHUNK = 4_000  # numbers read or written at a time, or fewer
NUMBERS = st.floats(-1e100, 1e100).filter(lambda x: x == 0.0 or abs(x) >= 1e-100)
INPUTS = arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=6), elements=NUMBERS)

Arrays = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


@st.composite
def samples(draw: Any) -> Arrays:
    inputs = draw(INPUTS)
    return inputs, draw(arrays(np.float64, len(inputs), elements=NUMBERS))


@given(samples(), st.booleans(), st.sampled_from(["\r\n", "\n", "\r"]), st.booleans())
def test_written_tables_read_back(given: Arrays, header: bool, line_end: str, quoted: bool) -> None:
    inputs, targets = given
    file = io.StringIO()
    writer = csv.writer(file, lineterminator=line_end)
    if quoted:
        writer = csv.writer(file, lineterminator=line_end, quoting=csv.QUOTE_ALL)
    if header:
        writer.writerow([*(f"x {k}, in" for k in range(inputs.shape[1])), "target"])
    writer.writerows(np.column_stack([inputs, targets]).tolist())
    read_csv.gives(file.getvalue().encode(), inputs, targets)
    chosen = SeriesColumns(target="", sequence="", time="", clock="", kind="explicit")
    found = CSV.read(file.getvalue().encode(), LIMITS, chosen)
    for array, expected in zip(found, (inputs, targets), strict=True):
        np.testing.assert_array_equal(array, expected)


@given(samples())
def test_a_download_reads_back(given: Arrays) -> None:
    for reader, file_format in ((read_csv, CSV), (read_npz, NPZ)):
        file = io.BytesIO()
        file_format.write(*given, file)
        reader.gives(file.getvalue(), *given)


@pytest.mark.parametrize(
    ("body", "inputs", "targets"),
    [
        (b"\xef\xbb\xbfx,target\r\n1,2\r\n\r\n", [[1]], [2]),
        (b'"x","target"\r\n"1","-2.5e-1"\r\n', [[1]], [-0.25]),
        (b'"x, y","a ""t"""\n1,2\n', [[1]], [2]),
        (b"\n  \n1 ,\t2\n\t\n 3, 4 \n \n", [[1], [3]], [2, 4]),
        (b' "1" , "2"\n', [[1]], [2]),
        (b"+1.,.5,-0\n1E2,1e+2,1e-2\n", [[1, 0.5], [100, 100]], [0, 0.01]),
        (b'"x, 1","(a, 2"\n1,2\n', [[1]], [2]),
        (b"0.1,9007199254740993\n", [[0.1]], [9007199254740992]),
        # The header decides, wherever the target is.
        (b"target,x_1,x_2\n1,2,3\n4,5,6\n", [[2, 3], [5, 6]], [1, 4]),
        (b"0,1,target\n1,2,3\n", [[1, 2]], [3]),
        (b"a target,b\n1,2\n", [[1]], [2]),
        # Other separators, and decimal commas.
        (b"\xef\xbb\xbfx_1;x_2;target\r\n1,5;-,25;3\r\n", [[1.5, -0.25]], [3]),
        (b"target\tx\n1,5e3\t2\n", [[2]], [1500]),
        (b"x, in m;y\n1;2\n", [[1]], [2]),
        (b"x;y,target\n1,2\n", [[1]], [2]),
        (b'x,target\n"1,5",2\n3,"0,25"\n', [[1.5], [3]], [2, 0.25]),
        (b"1,234;0,5\n", [[1.234]], [0.5]),
        (b"1;2\n1,234;5\n0,5;6\n", [[1], [1.234], [0.5]], [2, 5, 6]),
        # Decimal commas would leave no column for the target.
        (b"1,5\n2,5\n", [[1], [2]], [5, 5]),
        (b"0,1\n", [[0]], [1]),
        ("\N{MINUS SIGN}1,\N{MINUS SIGN}2\n3,4\n".encode(), [[-1], [3]], [-2, 4]),
        (b"1.234,5;2\n", [[1234.5]], [2]),
        (b"\xff\xfe1\x00,\x002\x00", [[1]], [2]),
        (b"\xe4,y\n1,2\n", [[1]], [2]),
    ],
)
def test_accepted_tables(body: bytes, inputs: Any, targets: Any) -> None:
    read_csv.gives(body, inputs, targets)


def test_a_long_table_is_read_in_parts() -> None:
    random = np.random.default_rng(1)
    table = np.around(random.random((CHUNK, 4)), 3)
    body = "x,y,z,t\n" + "\n".join(",".join(map(repr, row)) for row in table.tolist())
    read_csv.gives(body.encode(), table[:, :-1], table[:, -1])
    # The line number counts the header and blank lines.
    late = (body + "\n\n1,2,3,4\n1,2,?,4\n").encode()
    read_csv.refuses(late, f"/inputs/{CHUNK + 1}/2", f"line {CHUNK + 4} ('1,2,?,4')", "'?'")


@pytest.mark.parametrize(
    ("body", "pointer", "words"),
    [
        (b"", "/inputs", ["no rows"]),
        (b"x,y\n", "/inputs", ["header but no rows"]),
        (b"1\n2\n", "/inputs", ["line 1", "commas"]),
        (b"x,y,t\n1,2,3\n4,5,6\n7,x,8\n", "/inputs/2/1", ["line 4 ('7,x,8')", "'x'", "column 2"]),
        (b"x,target,y\n1,?,3\n", "/targets/0", ["line 2 ('1,?,3')"]),
        (b"x,target,y\n1,2,?\n", "/inputs/0/1", ["'?'", "column 3"]),
        (b"target,x,Target\n1,2,3\n", "/inputs", ["line 1", "2 columns"]),
        (b"0,1,x\n1,2,3\n", "/inputs", ["line 1", "a row, or a header"]),
        (b"1,2,3\n4,5\n", "/inputs/1", ["line 2", "2 fields", "3"]),
        (b"1,2,3\n4,,6\n", "/inputs/1/1", ["line 2", "missing"]),
        (b"1,2\n1,nan\n", "/targets/1", ["line 2", "'nan' is not a number"]),
        (b"1,2\n3,1e999\n", "/targets/1", ["line 2", "finite"]),
        (b"1,2\n1e101,3\n", "/inputs/1/0", ["line 2", "1e-100", "1e+100"]),
        (b'1,2\n1,"2;5"\n', "/targets/1", ["line 2", "'2;5'"]),
        (b'1,2\n1,"2"5\n', "/targets/1", ["line 2"]),
        (b"1,2\n1,2\x00\n", "/targets/1", ["line 2"]),
        (b"1,2\n" + b"9" * 5000 + b"x,2\n", "/inputs/1/0", ["line 2", "'99999"]),
        # Numbers in another notation are not names, or the first row would be taken for a header.
        (b"'1','2'\n3,4\n", "/inputs", ["line 1", "'1'"]),
        (b"-,+\n3,4\n", "/inputs", ["line 1", "'-,+'"]),
    ],
)
def test_invalid_tables(body: bytes, pointer: str, words: list[str]) -> None:
    read_csv.refuses(body, pointer, *words)


@pytest.mark.parametrize("first", ["", '""', "Unnamed: 0"])
def test_an_index_column_is_refused(first: str) -> None:
    body = f"{first},x_1,target\n0,1,2\n1,3,4\n".encode()
    read_csv.refuses(body, "/inputs", "to_csv(index=False)", "row.names = FALSE", "line 1")


@pytest.mark.parametrize(
    ("body", "pointer", "readings"),
    [
        (b"0,1,2\n5,6,7\n", "/inputs", ["a row", "header"]),
        (b"x;target\n1,234;5\n", "/inputs", ["line 2", "1.234 with", "1234 with", "thousands"]),
        (b"1\t2\n1,234\t5,678\n", "/inputs", ["line 2", "1.234 with", "1234 with"]),
        (b'x,y\n1,"1,234"\n', "/inputs", ["line 2", "1.234 with", "1234 with"]),
        (b"1,5;2\n2.5;3\n", "/inputs/1/0", ["line 1", "line 2 ('2.5;3')", "thousands"]),
        (
            b"1.5;2\n" * CHUNK + b"2,5;3\n",
            *(f"/inputs/{CHUNK}/0", ["line 1", f"line {CHUNK + 1} ('2,5;3')"]),
        ),
        (b"x,target\n1,5,2,5\n", "/inputs/0", ["4 fields", "2", "decimal commas"]),
    ],
)
def test_two_readings_are_refused(body: bytes, pointer: str, readings: list[str]) -> None:
    read_csv.refuses(body, pointer, *readings)


@pytest.mark.parametrize("body", [b"\xff\xfe1\x00,", b"1,2\n3,4\xe9\x00\n", b"\xff\x81"])
def test_a_table_must_be_text(body: bytes) -> None:
    with pytest.raises(Malformed, match=r"(?i)utf-"):
        read_csv(body)


def test_a_table_above_the_limit_is_not_read_to_its_end() -> None:
    body = b"1,1,1\n" * CHUNK + b"x\n"  # the error at the end is not reached
    with pytest.raises(LimitExceeded, match="limit is 100"):
        read_csv(body, Limits(max_cells=100))


def test_sequences_above_the_limit_are_refused_by_their_first_row() -> None:
    limits = Limits(max_steps=3)
    read_csv(b"1,2,3,4\n", limits)
    for row in (b"1,2,3,4,5\n", b"a,b,c,d,t\n"):
        with pytest.raises(LimitExceeded, match=r"steps; the limit is 3\b"):
            read_csv(row + b"x\n", limits)  # the error is not reached


def test_a_row_above_the_limit_is_not_parsed() -> None:
    limits = Limits(max_steps=3)
    for row in (b'"' + b"," * 1000 + b'",2\n', b"1," * 1000 + b"1", b"1,2\n1," + b"9" * 1000):
        with pytest.raises(LimitExceeded, match=r"limit is 400\b"):
            read_csv(row, limits)
    read_csv.refuses(b"1,2\n" + b"3," * 100_000 + b"3\n", "/inputs/1", "100001 fields")


# With backtracking each of these would take hours.
@pytest.mark.parametrize(
    "text",
    [
        "1" * 1_000_000 + "x",
        "." + "1" * 1_000_000 + "x",
        "1e" + "1" * 1_000_000 + "x",
        ' "' * 300_000,
        '"' + " " * 600_000,
        ', "' + "x" * 600_000,
        "," + " " * 600_000,
    ],
    ids=range(7),
)
def test_reading_takes_linear_time(text: str) -> None:
    for body in (text, f"{text},1", f"1,2\n{text},1\n", f"1,2\n1,{text}\n"):
        assert read_csv.if_it_can(body.encode()) is None


def test_an_error_after_a_million_digits_is_located_and_not_repeated() -> None:
    with pytest.raises(Invalid, match=r"^line 2 .{,140}$"):
        read_csv(b"1,2\n" + b"1" * 1_000_000 + b"x,2\n")


@given(st.one_of(st.binary(), st.text().map(str.encode), st.from_regex(rb"[-0-9,.;\te\"\r\nx ]*")))
@example(b'"')
@example(b",")
@example(b"\x1c1,2")
def test_any_text_is_read_or_rejected(body: bytes) -> None:
    found = read_csv.if_it_can(body)
    if found is not None:
        inputs, targets = found
        assert inputs.shape == (len(targets), inputs.shape[1])
        assert np.isfinite(inputs).all()
        assert np.isfinite(targets).all()


@given(st.lists(st.tuples(st.floats(), st.integers(-(2**63), 2**63 - 1)), min_size=1))
def test_a_table_of_columns_is_exact(rows: list[tuple[float, int]]) -> None:
    reals, whole = (np.array(column) for column in zip(*rows, strict=True))
    file = io.BytesIO()
    write_csv({"real": reals, "whole": whole}, file)
    text = file.getvalue().decode("ascii")
    read = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [int(row["whole"]) for row in read] == whole.tolist()
    for row, number in zip(read, reals.tolist(), strict=True):
        assert row["real"] == "" if not np.isfinite(number) else float(row["real"]) == number
    assert text.endswith("\r\n")
    assert text.count("\r\n") == text.count("\n") == len(rows) + 1


def test_a_long_table_is_written_in_parts(tmp_path: Path) -> None:
    columns = {"a": np.arange(100_000.0), "b": np.arange(100_000)}
    table = tmp_path / "a.csv"
    tracemalloc.start()
    with table.open("wb") as file:
        write_csv(columns, file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000
    rows = table.read_text().splitlines()
    assert rows[1:] == [f"{k}.0,{k}" for k in range(100_000)]
