"""Files are read in linear time, and no further once the caller ends the work."""

from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

from service.engine.interruption import interrupted_by
from service.errors import Busy
from service.formats import SeriesColumns, structure
from service.formats.text import CHECKED
from service.operations.shared.limits import Limits
from service.operations.tables import describe_table
from service.schemas.series import MAX_INPUTS
from service.values.budget import OverBudget
from tests.formats.conftest import make_npz, read_csv, read_npz, read_series_csv, read_series_npz


class CountedName(str):
    """A name that counts how often one is compared."""

    __slots__ = ()
    n_comparisons = 0

    def __eq__(self, other: object) -> bool:
        CountedName.n_comparisons += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def test_a_header_is_looked_up_in_linear_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(structure, "decode_name", CountedName)
    monkeypatch.setattr(CountedName, "n_comparisons", 0)
    n_columns = 4_000
    header = ",".join(["y", *(f"x_{j}" for j in range(n_columns))])
    words = f"choose at most {MAX_INPUTS} of {n_columns} inputs"
    assert read_series_csv.refuses(f"{header}\n", words, target="y") == "?inputs"
    assert CountedName.n_comparisons < 10 * n_columns


def test_few_fields_of_a_long_line_can_be_dates(monkeypatch: pytest.MonkeyPatch) -> None:
    parse = Mock(return_value=False)
    monkeypatch.setattr(structure, "is_date", parse)
    header = ",".join(f"x_{j}" for j in range(20_000))
    read_series_csv.refuses(f"{header}\n", "20000 columns", target="", roles="proposed")
    assert parse.call_count <= 2 * structure.EXAMINED


def table(n_rows: int) -> bytes:
    """Return a table of a column of inputs and one of targets."""
    return b"x,target\n" + b"1,2\n" * n_rows


LARGE = make_npz(inputs=np.ones((1000, 1000)), targets=np.ones(1000))
LARGE_SERIES = make_npz(inputs=np.ones((100, 1000, 10)), targets=np.ones((100, 1000)))


@pytest.mark.parametrize(
    ("read", "body"),
    [
        (read_csv, table(100_000)),
        (read_csv, b"\n" * 100_000),
        (read_series_csv, table(100_000)),
        (read_npz, LARGE),
        (read_series_npz, LARGE_SERIES),
    ],
    ids=["table", "blank lines", "series", "archive", "archive of a series"],
)
def test_reading_ends_where_its_caller_ends_it(read: Callable[[bytes], Any], body: bytes) -> None:
    looks = 0

    def leave() -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            raise Busy("the client has disconnected")

    with interrupted_by(leave), pytest.raises(Busy):
        read(body)
    assert looks == 3


@pytest.mark.parametrize("n_rows", [10_000, 100_000])  # the second has too many steps
def test_a_table_whose_work_ends_is_not_described(n_rows: int) -> None:
    def describe(last: int) -> int:
        """Describe a table, and end the work at a look; return the number of looks."""
        looks = 0

        def look() -> None:
            nonlocal looks
            looks += 1
            if looks == last:
                raise OverBudget(1.0, 1.0)

        with interrupted_by(look):
            describe_table(table(n_rows), SeriesColumns(target=""), Limits())
        return looks

    n_looks = describe(0)
    assert n_looks >= 2 * n_rows / CHECKED  # its rows are counted, and read
    for last in (1, n_looks // 2, n_looks):
        with pytest.raises(OverBudget):
            describe(last)


def test_a_large_table_looks_at_its_budget_as_often_as_it_is_large() -> None:
    looks = []
    for n_rows in (10_000, 40_000):
        looks.append(0)

        def count() -> None:
            looks[-1] += 1

        with interrupted_by(count):
            read_csv(table(n_rows))
    few, many = looks
    assert few >= 5
    assert many >= 3 * few
