"""Tables with one property that the reader notices: they are read, or have a repair."""

import numpy as np
import pytest

from service.errors import Malformed
from service.formats import SeriesColumns
from service.operations.shared.limits import Limits
from service.operations.tables import describe_table
from tests.formats.conftest import read_series_csv as read
from tests.formats.noticed import CASES, PAIRS


@pytest.mark.parametrize("name", CASES)
def test_what_is_noticed(name: str) -> None:
    """The first repair of what is noticed gives the numbers of the table."""
    case = CASES[name]
    table = describe_table(case.body.encode(), SeriesColumns(target=""), Limits())
    problems = [each for each in table.problems if each.is_error or each.slug == case.slug]
    assert [each.slug for each in problems] == [case.slug] * bool(case.slug)
    if case.query:
        assert problems[0].repairs[0].query == case.query
    series = read(case.body, target="", roles="proposed", **case.query)
    inputs, targets = case.numbers()
    np.testing.assert_array_equal(series.inputs[:, 0], inputs)
    np.testing.assert_allclose(series.targets, targets, rtol=1e-9)  # differences of a counter
    assert (series.step.length, series.step.unit) == (1.0, case.unit)


def test_words_that_are_no_switch() -> None:
    """Words in a column of numbers, and other words, are no numbers."""
    for fields in ("3 ON 5 7", "ON OFF auto ON"):
        rows = "\n".join(f"{field},{k}" for k, field in enumerate(fields.split()))
        read.refuses(f"x,y\n{rows}\n", "'ON' is not a number", target="y", inputs=("x",))


def test_rows_without_a_readable_time() -> None:
    """A date whose order is unknown is no reason to leave out its row."""
    table = "t,x,y\n2024-02-01,1,1\n2/3/2024,1,1\n2024-02-03,1,1\n"
    read.refuses(table, "its day or its month", target="y", time="t", fill="drop")


def test_a_long_table_without_rows() -> None:
    read.refuses("date,variable,value\n", "no column of numbers", target="", roles="proposed")
    read.refuses("date,variable,value\n", "no rows", target="y", pivot="variable:value")


def test_a_long_table_that_cannot_be_pivoted() -> None:
    rows = "\n".join(f"2024-01-0{1 + k % 3},{'xy'[k % 2]},{k}" for k in range(12))
    table = f"date,variable,value\n{rows}\n"
    read.refuses(table, "line 8: a second value of 'x'", target="y", pivot="variable:value")
    read.refuses(table, "no column 'price'", target="y", pivot="variable:price")


@pytest.mark.parametrize("roles", [{"time": "time"}, {"roles": "proposed"}])
def test_variables_that_are_chosen_as_sequences(roles: dict[str, str]) -> None:
    """Two variables in a column of values are not silently two sequences of one target."""
    body = CASES["pairs of variable and value"].body
    chosen = {"target": "value", "sequence": "variable", **roles}
    (note,) = read(body, **chosen).notes
    assert (note.slug, note.is_open) == ("layout", True)
    assert "'variable' has the names of variables, such as 'x' and 'y'" in note.sentence
    pivot, confirmation = (repair["query"] for repair in note.repairs)
    assert read(body, target="y", roles="proposed", **pivot).input_names == ("x",)
    assert read(body, **chosen, **confirmation).notes == ()


def test_sequences_of_a_long_table_are_confirmed_with_the_repair() -> None:
    body = CASES["pairs of variable and value"].body
    table = describe_table(body.encode(), SeriesColumns(target=""), Limits())
    _, repair = table.problems[0].repairs
    series = read(body, target="", roles="proposed", **repair.query)
    assert (len(series.lengths), series.sequence_names) == (2, ("x", "y"))
    assert "layout" not in [note.slug for note in series.notes]


@pytest.mark.parametrize(
    ("header", "sequence"), [("time,sensor,x,value", "sensor"), ("time,patient,value", "patient")]
)
def test_recordings_of_one_target_are_no_variables(header: str, sequence: str) -> None:
    """A table of sensors with an input, or of patients, has sequences of one target."""
    rows = zip(*(PAIRS[0], PAIRS[1], PAIRS[2], PAIRS[2]), strict=True)
    n_columns = header.count(",") + 1
    lines = [header, *(",".join(map(str, row[:n_columns])) for row in rows)]
    series = read("\n".join(lines), target="value", sequence=sequence, time="time")
    assert (len(series.lengths), series.notes) == (2, ())


def test_what_rises_and_is_no_counter() -> None:
    """The response to one step rises by less and less, and a ramp by the same."""
    rows = "\n".join(f"{k},{float(k > 2)},{3 - 2 * 0.9**k},{k / 4}" for k in range(60))
    found = describe_table(f"t,x,y,z\n{rows}\n".encode(), SeriesColumns(target=""), Limits())
    assert "counter" not in [each.slug for each in found.problems]


def test_differences_of_sequences() -> None:
    """The first row of each sequence has no difference; a name must be one of the series."""
    table = "s,x,y\na,1,10\na,2,13\nb,1,5\nb,3,6\n"
    series = read(table, target="y", inputs=("x",), sequence="s", differences="y")
    np.testing.assert_array_equal(series.inputs[:, 0], [2, 3])
    np.testing.assert_array_equal(series.targets, [3, 1])
    read.refuses(table, "'z' is neither", target="y", inputs=("x",), differences="z")


def test_json_is_no_table() -> None:
    for body in (b'{"x": 1}\n{"x": 2}\n', b'[{"x": 1}]'):
        with pytest.raises(Malformed, match=r"this is JSON.*; save the table as CSV or xlsx"):
            read(body, target="y")
