"""Repairs of tables: what is refused names them, and each makes the table readable."""

import gzip
import io
import itertools
import json
import resource
import zipfile
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.engine.data import Step
from service.engine.interruption import interrupted_by
from service.errors import Invalid, LimitExceeded, Malformed
from service.formats import CSV, SeriesColumns, text
from service.operations.shared.limits import Limits
from service.values.budget import Budget
from tests.formats.conftest import read_series_csv as read
from tests.formats.corpus import workbook

NONE = np.nan


def table(times: str, *, unit: str = "") -> str:
    """Return a table whose inputs and targets are the numbers of its rows."""
    rows = (f"{time.replace('_', ' ')};{k};{k}{unit}" for k, time in enumerate(times.split()))
    return "\n".join(["t;x;y", *rows])


# The median gap has 601 seconds.
JITTERED = "9:00:00 9:10:01 9:21:31 9:31:32 9:39:01 9:49:02 9:58:00 10:08:01 10:20:01"


def days(*numbers: int) -> str:
    return " ".join(f"2024-01-{number:02}" for number in numbers)


@pytest.mark.parametrize(
    ("times", "query", "step", "inputs", "targets"),
    [
        (
            days(1, 2, 3, 5),
            {"gaps": "missing"},
            Step(1, "day"),
            [0, 1, 2, 2, 3],
            [0, 1, 2, NONE, 3],
        ),
        (
            days(1, 2, 3, 5),
            *({"gaps": "missing", "between": "zero"}, Step(1, "day")),
            *([0, 1, 2, 0, 3], [0, 1, 2, NONE, 3]),
        ),
        (
            "2024-01 2024-02 2024-05 2024-06",
            *({"gaps": "missing"}, Step(1, "month")),
            *([0, 1, 1, 1, 2, 3], [0, 1, NONE, NONE, 2, 3]),
        ),
        (
            "2024-01-04 2024-01-05 2024-01-08 2024-01-10 2024-01-11",
            *({"gaps": "missing"}, Step(1, "business day")),
            *([0, 1, 2, 2, 3, 4], [0, 1, 2, NONE, 3, 4]),
        ),
        (
            "0 1 2 5",
            {"gaps": "missing"},
            Step(1, "t"),
            [0, 1, 2, 2, 2, 3],
            [0, 1, 2, NONE, NONE, 3],
        ),
        (
            "2024-01-01_9:00 2024-01-01_9:14 2024-01-01_9:31 2024-01-01_9:33 2024-01-01_10:00",
            *({"grid": "15 minutes"}, Step(15, "minute")),
            *([0, 1, 2, 2, 4], [0, 1, 2, NONE, 4]),
        ),
        ("0 0.9 3.2", {"grid": "1"}, Step(1, "t"), [0, 1, 1, 2], [0, 1, NONE, 2]),
        (days(1, 2, 2, 3), {"repeated": "mean"}, Step(1, "day"), [0, 1.5, 3], [0, 1.5, 3]),
        (
            "1 1 1 2 4",
            {"repeated": "mean", "gaps": "missing"},
            Step(1, "t"),
            [1, 3, 3, 4],
            [1, 3, NONE, 4],
        ),
        ("5 3 3 1", {"repeated": "mean"}, Step(2, "t"), [3, 1.5, 0], [3, 1.5, 0]),
        (days(1, 2, 3, 4, 5), {"last": 2}, Step(1, "day"), [3, 4], [3, 4]),
        (days(1, 2, 3, 4, 5), {"every": 2}, Step(2, "day"), [0.5, 2.5], [0.5, 2.5]),
        (
            " ".join(f"2023-{k:02}" for k in range(1, 13)),
            *({"every": 6, "last": 12}, Step(6, "month"), [2.5, 8.5], [2.5, 8.5]),
        ),
    ],
)
def test_repairs_of_times(
    times: str, query: dict[str, Any], step: Step, inputs: list[float], targets: list[float]
) -> None:
    series = read(table(times), target="y", time="t", **query)
    assert series.step == step
    np.testing.assert_array_equal(series.inputs[:, 0], inputs)
    np.testing.assert_array_equal(series.targets, targets)
    assert series.repairs
    if "every" not in query and "last" not in query:
        again = read(read.write(series), target="y", time="time" if "-" in times else "t",
                     inputs=("x",))  # fmt: skip
        np.testing.assert_array_equal(again.targets, targets)


@pytest.mark.parametrize(
    ("body", "words", "n_repairs"),
    [
        (table(days(1, 2, 3, 5)), "2024-01-04 is missing", 3),
        (table("2024-01 2024-02 2024-03 2024-05"), "2024-04 is missing", 2),
        (table("2024-01-31 2024-02-29 2024-04-30"), "2024-03-31 is missing", 2),
        (table("0 1 2 4"), "3 is missing", 3),
        (table("0 1 2.5 3.1 4 5.2"), "is 1.5 times the usual 1 unit of time", 1),
        (table("0 1 2 2 3 3 3 4"), "line 5: the time in 't' is the same as in the row before", 1),
        (table("1/2/2024 1/3/2024 1/4/2024"), "its day or its month can be first", 2),
        ("t;x;y\n1;1.200;1\n2;3;2\n", "1.200 is ambiguous", 2),
        ("t;x;y\n1;1;1\n2;;2\n3;1;3\n4;2;NA", "a number is missing", 3),
        ("t;x;y\n1;;1\n2;1;2\n3;1;2", "a number is missing", 2),
        ("t;x;y\n1;1;1\n2;closed;2\n3;1;2", "'closed' is not a number", 1),
        ("1;1;1\n2;3;2\n3;1;2", "there is no header", 1),
    ],
)
def test_each_repair_that_is_offered_works(body: str, words: str, n_repairs: int) -> None:
    query: dict[str, Any] = {"target": "y", "inputs": ("x",), "time": "t"}
    with pytest.raises(Invalid) as caught:
        read(body, **query)
    assert words in caught.value.detail
    repairs = caught.value.members["repairs"]
    assert len(repairs) == n_repairs
    for repair in repairs:
        if "header" in repair["query"]:
            query |= {"target": "column_3", "inputs": ("column_2",), "time": "column_1"}
        if "missing" in repair["query"]:
            query["fill"] = "hold"
        assert read(body, **query, **repair["query"]).n_targets > 1


@pytest.mark.parametrize(
    ("times", "length"),
    [
        ("1 2 3 5 7 10 12 13 15 17", "1"),  # no row moves
        (days(1, 2, 4, 6, 9), "1 day"),
        ("0 10 20.3 30 40.1", "10"),
        (" ".join(f"2024-01-01_{time}" for time in JITTERED.split()), "10 minute"),
        ("0 0.001 10 20 30 40", "10"),  # of the shortest step there would be 40,000
    ],
)
def test_the_grid_that_is_proposed(times: str, length: str) -> None:
    with pytest.raises(Invalid) as caught:
        read(table(times), target="y", time="t")
    assert caught.value.members["repairs"][-1]["query"] == {"grid": length, "between": "hold"}


@pytest.mark.parametrize(
    ("times", "label"),
    [
        ("3 5 10 15 20 25", "5 units of t, moved by at most 2; 5 of 6 targets stay; only for time"),
        ("0 10 20.3 30 40.1", "10 units of t, moved by at most 0.3; 5 of 5 targets stay"),
    ],
)
def test_a_grid_that_moves_times_far_has_a_condition(times: str, label: str) -> None:
    body = table(times).replace("t;", "age;", 1)
    with pytest.raises(Invalid) as caught:
        read(body, target="y", time="age")
    (repair,) = caught.value.members["repairs"]
    assert label.replace("of t,", "of age,") in repair["label"]
    assert ("only" in label) is ("only for time constants above a step" in repair["label"])


@pytest.mark.parametrize("extreme", ["5e-324", "1e-310", "1e308", "-1e308", "1e100", "1e-100"])
@pytest.mark.parametrize("grid", [None, "0.000000001"])
def test_extreme_times_are_refused(extreme: str, grid: str | None) -> None:
    for times in itertools.permutations(["0", "2e-5", "7e-5", extreme]):
        with pytest.raises((Invalid, LimitExceeded)):
            read(table(" ".join(times)), target="y", time="t", grid=grid)


@pytest.mark.parametrize("query", [{"grid": "0.000000001"}, {"gaps": "missing"}])
def test_the_steps_of_many_long_sequences_are_too_many(query: dict[str, Any]) -> None:
    times = ("0", "1", "1e30") if "grid" in query else ("0", "1", "9e15")
    rows = "".join(f"{k},{time},1\n" for k in range(1100) for time in times)
    names = {"target": "y", "sequence": "s", "time": "t"}
    with pytest.raises(LimitExceeded):
        read(f"s,t,y\n{rows}", **names, **query)


def test_a_time_that_repeats_far_below_is_named() -> None:
    # Every half hour, then at most every twelve hours, and one time twice.
    hours = [0.0, 0.5, 1.0, *range(12, 12 * 30, 12), 180, *range(360, 480, 12)]
    times = [f"2024-{1 + int(each // 744):02}-{1 + int(each % 744 // 24):02}"
             f"_{int(each % 24):02}:{int(each % 1 * 60):02}" for each in sorted(hours)]  # fmt: skip
    line = 2 + max(k for k, each in enumerate(sorted(hours)) if each == 180)
    with pytest.raises(Invalid, match=f"line {line}: .* the same as in the row before") as caught:
        read(table(" ".join(times)), target="y", time="t")
    (repair,) = caught.value.members["repairs"]
    assert (repair["label"], repair["query"]) == (
        "Use means of rows at equal times (1 repeated time)",
        {"repeated": "mean"},
    )


def test_missing_numbers_are_no_part_of_means() -> None:
    body = "t,x,y\n1,1,\n1,3,2\n2,5,\n2,7,\n3,9,4\n"
    series = read(body, target="y", time="t", repeated="mean")
    np.testing.assert_array_equal(series.inputs[:, 0], [2, 6, 9])
    np.testing.assert_array_equal(series.targets, [2, NONE, 4])
    assert series.repairs == ("2 repeated times averaged",)


def test_means_of_a_series_without_inputs() -> None:
    series = read("y\n1\n3\n5\n", target="y", inputs=(), every=2)
    assert series.inputs.shape == (1, 0)
    assert series.targets.tolist() == [2]


def test_most_times_are_equal() -> None:
    words = ("line 4", "the same as in the row before")
    assert read.refuses("t,y\n1,1\n2,2\n2,3\n2,4\n", *words, target="y", time="t") == "?time"


def test_roles_are_proposed_beside_numbers_that_are_not_finite() -> None:
    rows = "".join(f"{k},{'1e999' if k < 3 else k}\n" for k in range(12))
    words = ("line 2", "must be finite")
    assert read.refuses(f"x,y\n{rows}", *words, target="", roles="proposed") == "/sequences"


def test_late_rows_of_a_month_are_in_steps_of_months() -> None:
    assert (
        read(table("2024-01-31 2024-02-29 2024-03-31"), target="y", time="t").step.unit == "month"
    )


def test_long_tables_offer_their_end_and_means() -> None:
    body = table(" ".join(map(str, range(25))))
    limits = Limits(max_steps=10)
    chosen = SeriesColumns(target="y", inputs=("x",), time="t")
    with pytest.raises(LimitExceeded, match="the table has 25 rows") as caught:
        CSV.read_series(body.encode(), chosen, limits)
    queries = [repair["query"] for repair in caught.value.members["repairs"]]
    assert queries == [{"last": 10}, {"every": 3}]
    for query in queries:
        assert (
            CSV.read_series(body.encode(), chosen.model_copy(update=query), limits).n_targets <= 10
        )


def archive(**files: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in files.items():
            target.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "(xls)"),
        (b"%PDF-1.7", "a PDF document"),
        (b"\x89PNG\r\n\x1a\n", "a picture"),
        (b"<html><table>", "a web page"),
        (archive(a=b"1"), "a zip archive"),
        (b"PK\x03\x04" + b"\0" * 26 + b"mimetypeapplication/vnd.oasis.opendocument", "(ods)"),
        (b"\x1f\x8bno", "damaged"),
        (b"PK\x03\x04 xl/workbook.xml", "the workbook is damaged"),
    ],
)  # fmt: skip
def test_files_that_are_no_tables(body: bytes, words: str) -> None:
    with pytest.raises(Malformed) as caught:
        read(body, target="y")
    assert words in caught.value.detail
    assert "\n" not in caught.value.detail


def test_sheets_are_named() -> None:
    body = workbook(("One", [["a"], [1]]), ("Two", [["y"], [1]]))
    assert read.refuses(body, "'Three'", "One, Two", target="y", sheet="Three") == "?sheet"
    assert read.refuses("y\n1\n", "workbooks", target="y", sheet="One") == "?sheet"


def sheet_of(cells: str) -> bytes:
    """Return a workbook whose only sheet contains this XML."""
    book = zipfile.ZipFile(io.BytesIO(workbook(("A", [["y"]]))))
    parts = {name: book.read(name) for name in book.namelist()}
    parts["xl/worksheets/sheet1.xml"] = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        f"{cells}</sheetData></worksheet>"
    ).encode()
    return archive(**parts)


FAR_CORNER = (
    '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
)


@pytest.mark.parametrize(
    "cells",
    [
        FAR_CORNER,
        '<row r="1">' + '<c t="inlineStr"><is><t>' + "x" * 300_000_000 + "</t></is></c></row>",
    ],
    ids=["far corner", "long text"],
)
def test_a_small_workbook_cannot_use_much_memory(cells: str) -> None:
    with pytest.raises(LimitExceeded, match="the workbook needs more than"):
        read(sheet_of(cells), target="y")


def test_a_cell_beyond_all_sheets_is_refused_before_rows_are_made() -> None:
    body = sheet_of('<row r="1"><c r="ZZZZZZZZ99999999"><v>1</v></c></row>')
    assert len(body) < 5000
    words = ("'A' ends at row 99999999 and column 2431782358", "delete the cells far from")
    assert read.refuses(body, *words, target="y") == ""


def test_the_process_that_reads_a_workbook_has_the_seconds_of_its_work(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    head = {"sheets": ["A"], "sheet": "A"}
    script.write_text(f"import sys\nprint({json.dumps(json.dumps(head))})\nprint(sys.argv[2])\n")
    monkeypatch.setattr(text, "SCRIPT", script)
    body = workbook(("A", [["y"], [1]]))
    assert Budget(2.5).call(text.open_text, body).body == b"3\n"
    assert text.open_text(body).body == b"10\n"


def test_a_large_workbook_is_read_although_its_process_starts_slowly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    body = workbook(("A", [["y"], *np.random.default_rng(1).random((8000, 1)).tolist()]))
    assert len(body) > 65536  # than a pipe takes at once
    monkeypatch.setattr(text, "POLL_SECONDS", 0.001)
    looks = itertools.count()

    def look() -> None:
        assert next(looks) < 20_000, "the process waits for its input"

    with interrupted_by(look):
        assert text.open_text(body).body.count(b"\n") == 8001
    assert next(looks) > 1


@pytest.mark.parametrize("body", [workbook(("A", [["y"], [1]])), sheet_of(FAR_CORNER)])
def test_the_process_that_reads_a_workbook_is_charged(body: bytes) -> None:
    def spent_by_children() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    before, budget = spent_by_children(), Budget(10.0)
    with suppress(LimitExceeded):
        budget.call(partial(read, body, target="y"))
    assert budget.spent > 0.7 * (spent_by_children() - before) > 0.0


def test_compressed_tables_are_bounded() -> None:
    with pytest.raises(LimitExceeded, match="more than 67108864 bytes"):
        read(gzip.compress(b"1" * (64 * 1024**2 + 1)), target="y")
