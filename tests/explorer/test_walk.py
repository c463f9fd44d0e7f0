"""From tables as people have them to the right fit, in at most two clicks."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import httpx
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.explorer.conftest import wait_for_value
from tests.explorer.test_fit import READY, FitOpener, open_fit
from tests.formats.corpus import workbook

__all__ = ["open_fit"]

W_REC = 0.8
HEAD, LINE = "date,rain,flow", "{t:%Y-%m-%d},{x},{y}"
CLOCK = "{t:%Y-%m-%d %H:%M:%S},{x},{y}"
MINUTE = timedelta(minutes=1)
Row = tuple[datetime, float, float]  # the time, the input and the target


class Table(NamedTuple):
    """A table, the step that is read, and the buttons that lead to its fit."""

    body: str | bytes
    step: tuple[float, str] = (1.0, "day")
    clicks: tuple[str, ...] = ()


def measure(step: timedelta = timedelta(days=1)) -> list[Row]:
    """Return rows with this w_rec, and noise."""
    rng = np.random.default_rng(2)
    state, rows = 20.0, []
    for k in range(200):
        rain = round(float(rng.gamma(0.5, 8.0)), 1)
        state = W_REC * state + rain
        row = datetime(2024, 1, 1) + k * step, rain, round(state + 1030.0 + float(rng.normal()), 2)
        rows.append(row)
    return rows


def write(rows: list[Row], line: str = LINE, head: str = HEAD, end: str = "") -> str:
    """Return a table as text."""
    lines = (line.format(k=k, t=t, x=x, y=y) for k, (t, x, y) in enumerate(rows))
    return "\n".join([head, *lines, end])


def german() -> bytes:
    """Return a table of Excel, with decimal commas and points between thousands."""
    marks = str.maketrans(",.", ".,")
    lines = [f"{t:%d.%m.%Y};" + f"{x:,.2f};{y:,.2f}".translate(marks) for t, x, y in measure()]
    return "\n".join(["Datum;Niederschlag;Abfluß", *lines]).encode("cp1252")


def with_holes() -> str:
    holes = {k for first in range(15, 190, 23) for k in range(first, first + 1 + first % 4)}
    return write([row for k, row in enumerate(measure()) if k not in holes])


def at_times(times: list[datetime]) -> list[Row]:
    """Return the rows at other times."""
    return [(time, x, y) for time, (_, x, y) in zip(times, measure(), strict=True)]


def working_days() -> str:
    days = np.busday_offset(np.datetime64("2024-01-01"), np.arange(200)).astype("datetime64[s]")
    return write(at_times(days.tolist()))


def late(step: timedelta, seconds: int) -> str:
    """Return the table of a logger that is late by up to some seconds."""
    delays = np.random.default_rng(3).integers(0, seconds + 1, 200).tolist()
    times = [
        time + timedelta(seconds=delay)
        for (time, *_), delay in zip(measure(step), delays, strict=True)
    ]
    return write(at_times(times), CLOCK)


def missing_month() -> str:
    rows = at_times([datetime(2008 + k // 12, 1 + k % 12, 1) for k in range(200)])
    return write(rows[:117] + rows[118:], "{t:%b-%y},{x},{y}")


def many_inputs() -> str:
    others = np.random.default_rng(4).normal(size=(200, 29)).round(2)
    fields = [",".join(map(str, row)) for row in others.tolist()]
    names = ",".join(f"x_{j}" for j in range(29))
    lines = [f"{t:%Y-%m-%d},{fields[k]},{x},{y}" for k, (t, x, y) in enumerate(measure())]
    return "\n".join([f"date,{names},rain,flow", *lines])


def with_gaps() -> str:
    return write([(t, x, -999.0 if k % 9 == 5 else y) for k, (t, x, y) in enumerate(measure())])


def with_operators() -> str:
    names = "Anna", "Bo", "Cy"
    lines = [f"{t:%Y-%m-%d},{names[k // 3 % 3]},{x},{y}" for k, (t, x, y) in enumerate(measure())]
    return "\n".join(["date,operator,rain,flow", *lines])


def second_sheet() -> bytes:
    notes: list[list[Any]] = [["Measured", "by the office"], ["Contact", "room 7"]]
    data: list[list[Any]] = [HEAD.split(","), *([t.date(), x, y] for t, x, y in measure())]
    return workbook(("Notes", notes), ("Data", data))


END = "Total,9000,220000\n\nSource: the office\n"
TABLES = {
    "german": Table(german()),
    "title, totals and source": Table(write(measure(), head=f"Flow\n\n{HEAD}", end=END)),
    "row of units": Table(write(measure(), head=f"{HEAD}\n,mm,m3/s")),
    "holes": Table(with_holes(), clicks=("Start a new sequence after each of the 8 gaps",)),
    "working days": Table(working_days(), (1.0, "business day")),
    "late by seconds": Table(late(15 * MINUTE, 3), (15.0, "minute")),
    "unequal times": Table(late(10 * MINUTE, 180), (10.0, "minute"), ("Times on a grid of 10",)),
    "missing month": Table(missing_month(), (1.0, "month"), ("Start a new sequence after the",)),
    "many inputs": Table(many_inputs()),
    "numbers for gaps": Table(with_gaps(), clicks=("Read -999",)),
    "operators": Table(with_operators()),
    "second sheet": Table(second_sheet()),
}


def drop(page: Page, body: str | bytes, name: str) -> None:
    """Drop a file on the page."""
    contents = body.encode() if isinstance(body, str) else body
    transfer = page.evaluate_handle(
        """([bytes, name]) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([Uint8Array.from(bytes)], name));
          return transfer;
        }""",
        [[*contents], name],
    )
    page.dispatch_event("main", "drop", {"dataTransfer": transfer})


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLES)
def test_at_most_two_clicks_lead_to_the_right_fit(
    open_fit: FitOpener, api: httpx.Client, name: str
) -> None:
    body, (length, unit), clicks = TABLES[name]
    assert len(clicks) <= 2
    page = open_fit(expected=(422,))
    drop(page, body, f"{name}.csv")
    for click in clicks:
        page.get_by_role("button", name=click).click()

    def look() -> bool:
        fit_id = page.get_attribute("#story", "data-fit")
        if not fit_id:
            return False
        fit = api.get(f"/v1/fits/{fit_id}").json()
        (interval,) = fit["w_rec"]["intervals"]
        is_read = fit["request"]["step"] == {"length": length, "unit": unit}
        return bool(is_read and interval["low"] < W_REC < interval["high"] < W_REC + 0.05)

    wait_for_value(page, look, expected=True)
    expect(page.locator("#table-name")).to_contain_text(name)
    expect(page.locator("#verdict")).to_have_class(READY)
    expect(page.locator("#headline")).to_contain_text("Time constant")
