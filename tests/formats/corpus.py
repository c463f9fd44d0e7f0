"""Tables as programs export them, all with the same numbers, and what is read from them."""

import gzip
import io
import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import openpyxl

INPUTS = [0, 1250.5, 3, 0, 17.25, 2000, 0.5, 8, 1, 40]
TARGETS = [1.5, 2, 1260.75, 12, 3.5, 1400.25, 9, 4, 3.25, 55]
GAP = 4  # the row whose target is missing in some tables


class Case(NamedTuple):
    """A table, its query, and the step, the names and the gaps that are read."""

    body: bytes
    step: tuple[float, str]
    target: str = "y"
    inputs: tuple[str, ...] = ("x",)
    query: Mapping[str, Any] = {}
    is_gappy: bool = False

    def numbers(self) -> tuple[Any, Any]:
        """Return the inputs and targets that are read."""
        targets = np.array(TARGETS)
        if self.is_gappy:
            targets[GAP] = np.nan
        return np.array(INPUTS, float)[:, None][:, : len(self.inputs)], targets


def encode(lines: list[str], encoding: str = "utf-8") -> bytes:
    """Return the lines of a table as a file; the encoding ``gzip`` is that of compressed UTF-8."""
    text = "\n".join(lines)
    return gzip.compress(text.encode()) if encoding == "gzip" else text.encode(encoding)


def load_case(
    lines: list[str],
    step: list[Any],
    encoding: str = "utf-8",
    inputs: tuple[str, ...] = ("x",),
    query: Mapping[str, Any] = {},
    **more: Any,
) -> Case:
    """Return the case of an entry of corpus.json."""
    length, unit = step
    values = {name: tuple(v) if isinstance(v, list) else v for name, v in query.items()}
    body = encode(lines, encoding)
    return Case(body, (length, unit), inputs=tuple(inputs), query=values, **more)


def workbook(*sheets: tuple[str, list[list[Any]]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, lines in sheets:
        sheet = book.create_sheet(title)
        for line in lines:
            sheet.append(line)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def cells(first: date, step: timedelta) -> list[list[Any]]:
    """Return the cells of a sheet with dates or times."""
    rows = [[first + k * step, *pair] for k, pair in enumerate(zip(INPUTS, TARGETS, strict=True))]
    return [["date", "x", "y"], *rows]


DAY = (1.0, "day")
DAYS = cells(date(2024, 1, 29), timedelta(days=1))
QUARTERS = cells(datetime(2024, 1, 1, 9), timedelta(minutes=15))
NOTES: list[list[Any]] = [["Measured", "by us"], ["In", "2024"]]
WORKBOOKS = {
    "workbook": Case(workbook(("Data", DAYS)), DAY),
    "workbook with times": Case(workbook(("Data", QUARTERS)), (15.0, "minute")),
    "workbook with a title": Case(
        workbook(("Notes", [["Read me"]]), ("Data", [["Sales"], [], *DAYS, ["Total", 9, 9]])), DAY
    ),
    "workbook with notes": Case(workbook(("Notes", NOTES), ("Data", DAYS)), DAY),
    "workbook of two sheets": Case(
        workbook(("One", [["a", "b"], [1, 2]]), ("Two", DAYS)), DAY, query={"sheet": "Two"}
    ),
}
TABLES = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
CORPUS = WORKBOOKS | {name: load_case(**entry) for name, entry in TABLES.items()}
