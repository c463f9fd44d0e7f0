"""Tables with one property that the reader notices: they are read, or have a repair."""

import numpy as np
import pytest

from service.formats import SeriesColumns
from service.operations.shared.limits import Limits
from service.operations.tables import describe_table
from tests.formats.conftest import read_series_csv as read
from tests.formats.noticed import CASES, HEATED, INPUTS, SWITCHED, TARGETS


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
    inputs, targets = (SWITCHED, HEATED) if case.is_binary else (INPUTS, TARGETS)
    np.testing.assert_array_equal(series.inputs[:, 0], inputs)
    np.testing.assert_array_equal(series.targets, targets)
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
