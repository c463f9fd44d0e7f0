"""Series as tables in long form: columns by name, gaps, times, and errors."""

import csv
import io
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.engine.data import Series, Step
from service.errors import ServiceError
from service.formats import CSV, SeriesColumns
from service.formats.series_rows import decode_name
from service.operations.shared.limits import Limits
from service.operations.tables import describe_table
from tests.formats.conftest import read_series_csv as read

TABLE = """date,region,sales,spend,heating
2024-01-01,north,3.5,1,0.25
2024-01-08,north,,2,0.5
2024-01-15,north,4,2.5,1
2024-01-01,south,30,10,0
2024-01-08,south,50,20,2
"""
NAMES: dict[str, Any] = {
    "target": "sales",
    "inputs": ("spend", "heating"),
    "sequence": "region",
    "time": "date",
}
FORMULAS = ("=", "+", "-", "@")  # what spreadsheets run
NORTH = [[1, 0.25], [2, 0.5], [2.5, 1]], [3.5, np.nan, 4]
SOUTH = [[10, 0], [20, 2]], [30, 50]


def same(series: Series, *expected: tuple[Any, Any]) -> None:
    assert len(series.lengths) == len(expected)
    for i, (inputs, targets) in enumerate(expected):
        np.testing.assert_array_equal(series.inputs[series.rows(i)], inputs)
        np.testing.assert_array_equal(series.targets[series.rows(i)], targets)


def spreadsheet(table: str) -> str:
    """Return the table as a spreadsheet of a country with decimal commas saves it."""
    return table.replace(",", ";").replace(".", ",")


@pytest.mark.parametrize(
    "table",
    [
        TABLE,
        "\ufeff" + TABLE,
        TABLE.replace("\n", "\r\n"),
        TABLE.replace("\n", "\n\n"),
        TABLE.replace(",", "\t"),
        spreadsheet(TABLE),
        TABLE.replace(",", " , "),
        "\n".join(",".join(f'"{f}"' for f in line.split(",")) for line in TABLE.splitlines()),
        TABLE.replace("3.5", '"3,5"')
        .replace("0.25", '"0,25"')
        .replace("0.5", '"0,5"')
        .replace("2.5", '"2,5"'),
    ],
    ids=["plain", "bom", "crlf", "blank", "tab", "spreadsheet", "spaces", "quotes", "commas"],
)
def test_a_table_is_read_as_it_is_written(table: str) -> None:
    series = read(table, **NAMES)
    assert (series.input_names, series.target_name) == (("spend", "heating"), "sales")
    assert series.step == Step(1.0, "week")
    same(series, NORTH, SOUTH)


def test_the_rows_of_sequences_may_alternate() -> None:
    head, *rows = TABLE.splitlines()
    series = read("\n".join([head, *(rows[i] for i in (3, 0, 1, 4, 2))]), **NAMES)
    same(series, SOUTH, NORTH)  # in the order in which they first appear
    assert series.sequence_names == ("south", "north")


def test_defaults() -> None:
    series = read("target,a,b\n1,2,3\n4,5,6\n")
    assert (series.input_names, series.target_name, series.step) == (("a", "b"), "target", Step())
    same(series, ([[2, 3], [5, 6]], [1, 4]))
    alone = read("a,b\n1,2\n3,4\n", target="b", inputs=())
    same(alone, (np.empty((2, 0)), [2, 4]))
    same(read('b\n2\n""\n4\n', target="b"), (np.empty((3, 0)), [2, np.nan, 4]))


def test_names_with_separators() -> None:
    series = read('"y, in EUR";"x; y"\n1;2\n', target="y, in EUR")
    assert (series.target_name, series.input_names) == ("y, in EUR", ("x; y",))


@pytest.mark.parametrize(
    ("times", "length", "unit"),
    [
        ("0.1 0.2 0.3", 0.1, "t"),
        ("0,5 1 1,5", 0.5, "t"),
        ("0.33 0.3333 0.3366", 0.0033, "t"),
        ("2001 2003 2005", 2, "t"),
        ("2023-11-15 2024-02-15 2024-05-15", 3, "month"),
        ("2024-02-26 2024-02-28 2024-03-01", 2, "day"),
        ("2020-W52 2020-W53 2021-W01", 1, "week"),
        ("2024W521 2024W522 2024W523", 1, "day"),
        (
            "2024-03-18T00:00+01:00 2024-03-25T00:00+01:00 "
            "2024-04-01T00:00+02:00 2024-04-08T00:00+02:00",
            *(1, "week"),
        ),
    ],
)
def test_the_step_comes_from_the_times(times: str, length: float, unit: str) -> None:
    rows = "".join(f"{time};{i}\n" for i, time in enumerate(times.split()))
    step = read(f"t;y\n{rows}", target="y", time="t").step
    assert step.unit == unit
    assert step.length == pytest.approx(length, rel=1e-9)


def test_a_single_row_has_no_step() -> None:
    assert read("t,y\n5,1\n", target="y", time="t").step == Step()


@pytest.mark.parametrize(
    ("times", "line", "words"),
    [
        ("1 2 2 3", 4, "the same as in the row before"),
        ("1 2 3 1 2 3", 5, "earlier than in the row before"),
        ("3 1 2", 3, "earlier"),
        ("1 2 3 4 6 7", 6, "2 times the usual 1 unit of time"),
        ("2024-01-01 2024-01-08 2024-01-22", 4, "2 times the usual 1 week"),
        ("2024-01 2024-02 2024-04 2024-05", 4, "times the usual"),
        ("2024-01-01 soon", 3, "is not a date; write dates as 2024-01-31"),
        ("soon later", 2, "is not a date"),
        ("1 2024-01-01", 3, "is not a number"),
        ("2024-01-01 1", 3, "is not a date"),
        ("2024-01-01 2024-02-30", 3, "is not a date"),
        ("1/2/2024 1/3/2024", 2, "is not clear: its day or its month can be first"),
        ("2024-W52 2024-W53", 3, "is not a date"),
        ("1 1e999", 3, "is not a number"),
        ("0 1e-200 2e-200", 3, "1e-100"),
        ("0 1e200 2e200", 3, "1e+100"),
    ],
)
def test_invalid_times(times: str, line: int, words: str) -> None:
    rows = "".join(f"{time},{i}\n" for i, time in enumerate(times.split()))
    place = f"line {line}" if line else "the step in 't'"
    assert read.refuses(f"t,y\n{rows}", place, words, target="y", time="t") == "?time"


@pytest.mark.parametrize(
    ("before", "after", "pointer", "words"),
    [
        ("2,0.5", ",0.5", "/sequences", ("line 3", "column 4 ('spend')", "missing")),
        ("2.5,1", "2.5,x", "/sequences", ("line 4", "column 5", "'x' is not a num")),
        (",30,", ",none of it,", "/sequences", ("line 5", "column 3 ('sales')", "empty")),
        ("20,2", "inf,2", "/sequences", ("line 6", "finite")),
        (",30,", ",1e101,", "/sequences", ("line 5", "1e+100")),
        ("20,2", "20,-1e-101", "/sequences", ("line 6", "1e-100")),
        ("20,2", "20,2,7", "/sequences", ("line 6", "the row has 6 fields, the first line 5")),
        ("20,2", "20", "/sequences", ("line 6", "the row has 4 fields")),
        ("20,2", "1;2,2", "/sequences", ("line 6", "'1;2' is not a number")),
        ("south,30", ",30", "?sequence", ("line 5", "'region'", "1 to 100 characters")),
        ("south,30", f"{'s' * 101},30", "?sequence", ("line 5", "1 to 100 characters")),
        (",30,", ",€ 30,", "/sequences", ("line 5", "write no units")),
    ],
)
def test_invalid_fields(before: str, after: str, pointer: str, words: tuple[str, ...]) -> None:
    assert before in TABLE
    assert read.refuses(TABLE.replace(before, after, 1), *words, **NAMES) == pointer


@pytest.mark.parametrize(
    ("names", "parameter", "words"),
    [
        ({"target": "sale"}, "target", ("no column 'sale'", "columns are date, region, sales")),
        ({"target": "target"}, "target", ("no column 'target'",)),
        ({"inputs": ("spend", "spent")}, "inputs", ("no column 'spent'",)),
        ({"inputs": ("spend", "spend")}, "inputs", ("chosen twice; choose it once",)),
        ({"inputs": ("sales",)}, "inputs", ("'sales' is chosen twice",)),
        ({"time": "region"}, "time", ("'region' is chosen twice",)),
        ({"sequence": "sales"}, "sequence", ("chosen twice",)),
    ],
)
def test_invalid_columns(names: dict[str, Any], parameter: str, words: tuple[str, ...]) -> None:
    assert read.refuses(TABLE, *words, **NAMES | names) == f"?{parameter}"


def test_names_that_no_table_can_have() -> None:
    for name in ('a"b', "a\x00b"):
        assert read.refuses(f"y,{name}\n1,2\n", "column 2", target="y") == "?inputs"
    names = ",".join(f"x_{j}" for j in range(13))
    row = ",".join("1" for _ in range(102))
    assert read.refuses(f"y,{names}\n{row}\n", "at most 12 of 13 inputs", target="y") == "?inputs"


def test_unusable_headers() -> None:
    _, _, rows = TABLE.partition("\n")
    assert read.refuses(rows, "line 1", "there is no header", **NAMES) == "?target"
    as_names = read.refuses(
        "2024-01-01,1,2\n2024-01-02,3,4\n", "no header", target="2", inputs=("1",)
    )
    assert as_names == "?target"
    twice = TABLE.replace("heating", "spend", 1)
    assert read.refuses(twice, "2 columns are named 'spend'", **NAMES) == "?inputs"
    unnamed = TABLE.replace("heating", "", 1)
    assert (
        read.refuses(
            unnamed, "column 5: a name has 1", target="sales", time="date", sequence="region"
        )
        == "?inputs"
    )
    text = read.refuses(TABLE, "choose the inputs", target="sales", time="date")
    assert text == "/sequences"
    assert read.refuses("", "empty", "one row per step", target="y") == "/sequences"
    assert read.refuses("x,y\n", "line 1", "header but no rows", target="y") == "/sequences"
    assert read.refuses("x,y\n1,\n2,\n", "all targets", "missing", target="y") == "?target"


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ("1,500;2\n2,500;3", ("line 2", "1.500 with a decimal comma", "or 1500")),
        ("1.500;2\n2.500;3", ("line 2", "1.500 with a decimal point", "or 1500")),
        ("950;2\n1.200;3", ("line 3", "1.200 with a decimal point", "or 1200")),
        ("1,5;2\n2.5;3", ("line 2", "line 3", "one must be the decimal mark")),
        ("1,234;2\n1.234;3", ("line 2", "give the decimal mark (decimal=")),
    ],
)
def test_ambiguous_decimal_marks(numbers: str, words: tuple[str, ...]) -> None:
    assert read.refuses(f"y;x\n{numbers}\n", *words, target="y") == "/sequences"


@pytest.mark.parametrize(
    ("numbers", "marks", "targets"),
    [
        ("1.200;2\n950;3", {"decimal": "."}, [1.2, 950]),
        ("1.200;2\n950;3", {"thousands": "."}, [1200, 950]),
        ("-1.086,47;2\n1.234.567;3", {"decimal": ","}, [-1086.47, 1234567]),
        ("1,086.47;2\n0.5;3", {"thousands": ",", "decimal": "."}, [1086.47, 0.5]),
        ("12.500\t2\n0.123\t3", {}, [12.5, 0.123]),
        ("1.086,47;2\n950;3", {}, [1086.47, 950]),
        ("1.200;0.5\n950;0.25", {}, [1.2, 950]),  # any number of the table proves the mark
        ("1.200;0,5\n950;0,25", {}, [1200, 950]),
        ("1.200,2\n950,3", {}, [1.2, 950]),
    ],
)
def test_named_decimal_marks(numbers: str, marks: dict[str, Any], targets: list[float]) -> None:
    separator = next(mark for mark in ";\t," if mark in numbers)
    series = read(f"y{separator}x\n{numbers}\n", target="y", **marks)
    np.testing.assert_array_equal(series.targets, targets)


def test_marks_that_contradict_the_query() -> None:
    refusals: dict[str, dict[str, Any]] = {"1.5": {"decimal": ","}, "1,50": {"thousands": ","}}
    for number, marks in refusals.items():
        words = ("line 2", "does not separate thousands")
        assert read.refuses(f"y;x\n{number};2\n", *words, target="y", **marks) == "/sequences"
    same_mark: dict[str, Any] = {"decimal": ",", "thousands": ","}
    assert read.refuses("y;x\n1;2\n", "must differ", target="y", **same_mark) == "?thousands"


GAPPY = "t,test,x,z,y\n1,a,1,5,2\n2,a,,5,3\n3,a,NA,6,4\n4,a,4,7,5\n1,b,2,8,6\n2,b,-,9,\n"
COLUMNS: dict[str, Any] = {"target": "y", "inputs": ("x", "z"), "sequence": "test"}


def test_missing_inputs_are_filled_or_left_out() -> None:
    assert read.refuses(GAPPY, "line 3", "a number is missing", **COLUMNS) == "/sequences"
    targets = [2, 3, 4, 5, 6, np.nan]
    for fill, values in (("hold", [1, 1, 1, 4, 2, 2]), ("zero", [1, 0, 0, 4, 2, 0])):
        series = read(GAPPY, **COLUMNS, fill=fill)
        inputs = np.column_stack([values, [5, 5, 6, 7, 8, 9]])
        same(series, (inputs[:4], targets[:4]), (inputs[4:], targets[4:]))
    series = read(GAPPY, **COLUMNS, time="t", fill="drop")
    same(series, ([[1, 5]], [2]), ([[4, 7]], [5]), ([[2, 8]], [6]))  # none spans a row left out
    assert [*series.start_times] == [1, 4, 1]
    assert series.sequence_names == ("a 1", "a 2", "b 3")


def test_sequences_that_alternate_are_filled_one_by_one() -> None:
    table = "test,x,y\na,1,1\nb,2,2\na,,3\nb,,4\na,5,6\n"
    series = read(table, target="y", sequence="test", fill="hold")
    same(series, ([[1], [1], [5]], [1, 3, 6]), ([[2], [2]], [2, 4]))


def test_repairs_that_cannot_be_made() -> None:
    no_value = GAPPY.replace("1,b,2", "1,b,")
    words = ("line 6", "no value before this gap")
    assert read.refuses(no_value, *words, **COLUMNS, fill="hold") == "?fill"
    empty = "x,y\n,1\n,2\n"
    assert read.refuses(empty, "in every row", target="y", fill="drop") == "?fill"
    assert read.refuses("x,y\n1,1\n", "(time=…)", target="y", gaps="sequences") == "?gaps"
    units = GAPPY.replace("NA", "3 m")  # not a word for a missing number
    assert read.refuses(units, "'3 m' is not a number", **COLUMNS, fill="hold") == "/sequences"


def test_a_text_is_offered_as_a_missing_number_up_to_the_length_of_the_option() -> None:
    for length, is_offered in ((100, True), (101, False)):
        with pytest.raises(ServiceError) as caught:
            read(f"x,y\n1,1\n2,{'a' * length}\n3,1\n4,2\n", target="y")
        assert (caught.value.members["repairs"] is not None) == is_offered


@pytest.mark.parametrize(
    "query",
    [{}, {"gaps": "missing"}, {"grid": "1 day", "between": "hold"}, {"differences": "y"}],
    ids=["alone", "gaps", "grid", "differences"],
)
def test_a_sequence_without_rows_is_left_out(query: dict[str, Any]) -> None:
    rows = ["1,a,1,1", "2,a,2,3", "later,b,1,1", "1,c,5,2", "2,c,5,7"]
    table = "\n".join(["day,store,x,y", *(f"2024-01-0{row}" for row in rows), ""])
    same_columns: dict[str, Any] = {"target": "y", "sequence": "store", "time": "day"}
    series = read(table.replace("0later", "later"), **same_columns, fill="drop", **query)
    assert series.sequence_names == ("a", "c")
    found = [2.0, 5.0] if query.get("differences") else [1.0, 3.0, 2.0, 7.0]
    assert series.targets.tolist() == found


def test_a_table_of_pandas() -> None:
    draws = np.random.default_rng(1)
    frame = pd.DataFrame(draws.normal(size=(5000, 3)), columns=["y", "a", "b"])
    frame.loc[::7, "y"] = np.nan
    frame.insert(0, "week", pd.date_range("2020-01-06", periods=5000, freq="W-MON"))
    for options in ({}, {"sep": ";", "decimal": ","}):
        table = frame.to_csv(index=False, **options)
        series = read(table, target="y", inputs=("b", "a"), time="week")
        assert series.step == Step(1.0, "week")
        same(series, (frame[["b", "a"]].to_numpy(), frame["y"].to_numpy()))


numbers = st.floats(-1e100, 1e100).filter(lambda x: x == 0 or abs(x) >= 1e-100)
name = st.sampled_from(["sequence", "sequence_", "hour", "hour_"]) | st.text(
    "ab ,;|sé_'=+-@", min_size=1, max_size=4
).filter(lambda name: name == name.strip())
names = st.lists(name, min_size=1, max_size=4, unique=True)


@given(st.data(), names, name)
def test_what_is_written_is_read_back(data: st.DataObject, titles: list[str], unit: str) -> None:
    lengths = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    size, n_inputs = sum(lengths), len(titles) - 1
    inputs = np.array(
        data.draw(st.lists(numbers, min_size=size * n_inputs, max_size=size * n_inputs))
    )
    targets = data.draw(
        st.lists(st.none() | numbers, min_size=size, max_size=size).filter(
            lambda found: any(y is not None for y in found)
        )
    )
    step = Step(data.draw(st.sampled_from([1.0, 0.1, 15.0])), unit)
    series = Series(
        inputs.reshape(size, n_inputs).astype(float),
        np.array(targets, float),
        np.array(lengths),
        tuple(titles[1:]),
        titles[0],
        step,
        tuple(data.draw(st.just([]) | st.lists(name, min_size=3, unique=True))[: len(lengths)]),
    )
    table = read.write(series)
    rows = list(csv.reader(io.StringIO(table.decode(), newline="")))
    assert {len(row) for row in rows} == {2 + len(titles)}
    fields = [*rows[0], *(row[0] for row in rows)]
    for mark in ";|\t":  # at which a spreadsheet may split instead
        others = csv.reader(io.StringIO(table.decode(), newline=""), delimiter=mark)
        fields += [field.strip() for row in others for field in row]
    assert not any(field.startswith(FORMULAS) for field in fields)
    sequence, time = map(decode_name, rows[0][:2])
    chosen = SeriesColumns(target=titles[0], inputs=tuple(titles[1:]), sequence=sequence, time=time)
    again = CSV.read_series(table, chosen, Limits())
    assert (again.input_names, again.target_name) == (series.input_names, series.target_name)
    assert again.sequence_names == series.sequence_names
    if max(lengths) > 1 and time == step.unit:
        assert again.step == step
    np.testing.assert_array_equal(again.lengths, lengths)
    np.testing.assert_array_equal(again.inputs, series.inputs)
    np.testing.assert_array_equal(again.targets, series.targets)


@given(st.binary(max_size=60) | st.text('t,y;x\n12-./ "e', max_size=60).map(str.encode))
def test_any_table_is_read_or_refused(body: bytes) -> None:
    repaired = [SeriesColumns(target="y", inputs=("x",), fill=fill) for fill in ("hold", "drop")]
    split = SeriesColumns(target="y", inputs=(), sequence="x", time="t", gaps="sequences")
    for chosen in (
        SeriesColumns(target="y"),
        split.model_copy(update={"gaps": None}),
        SeriesColumns(),
        split,
        *repaired,
        SeriesColumns(target="", roles="proposed"),
        SeriesColumns(target="", roles="proposed", gaps="missing", fill="zero", every=2, last=5),
    ):
        for head in (b"", b"t,y,x\n"):
            with suppress(ServiceError):
                series = CSV.read_series(head + body, chosen, Limits())
                describe_table(head + body, chosen, Limits())  # which refuses no more
                assert series.n_targets > 0
                assert series.step.length > 0


@pytest.mark.parametrize("sign", ["Fr. {}", "{} kr.", "{} CHF"])
def test_the_point_of_a_unit_is_no_decimal_mark(sign: str) -> None:
    rows = "".join(f"{x};{sign.format(y)}\n" for x, y in ((1, 1200), (2, 1300), (3, 50)))
    same(read(f"x;y\n{rows}", target="y"), ([[1], [2], [3]], [1200, 1300, 50]))


def test_logical_values_are_numbers() -> None:
    same(read("x,y\nTRUE,1\nFalse,2\n", target="y"), ([[1], [0]], [1, 2]))


# With backtracking each of these would take hours.
@pytest.mark.parametrize(
    "text",
    ["1" * 900_000 + "x", "-" * 900_000 + "x", "1:00" * 200_000, "1'000" * 200_000, '"' * 900_000],
    ids=range(5),
)
def test_reading_takes_linear_time(text: str) -> None:
    chosen = SeriesColumns(target="", roles="proposed")
    for body in (text, f"{text}\n1;2\n", f"t;x;y\n{text};1;2\n", f"t;x;y\n2024-01-01;1;{text}\n"):
        with suppress(ServiceError):
            describe_table(body.encode(), chosen, Limits())


@pytest.mark.parametrize("line", ["#", "|", "| |", "---", "sep=;", "# a"])
def test_tables_of_a_single_mark_are_refused(line: str) -> None:
    assert read.refuses(f"{line}\n", target="y")
    rows = read(
        f"{line}\n| | x | y |\n|---|---|---|\n| | 1 | 2 |\n||3|4|\n", target="y", inputs=("x",)
    )
    same(rows, ([[1], [3]], [2, 4]))
