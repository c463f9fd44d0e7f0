"""Small tables of one simulated series, each with one property that a reader should notice."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np

N = 60
TIME_CONSTANT = 3.0  # steps
GAIN, OFFSET, NOISE = 2.0, 10.0, 0.5


class Case(NamedTuple):
    """A table of N steps, and what is noticed."""

    body: str
    unit: str  # of the step
    query: Mapping[str, Any] = {}  # the first repair; empty if the table is read without one
    slug: str = ""  # of the problem, or of a note
    is_binary: bool = False  # the input is 0 or 1
    omitted: Sequence[int] = ()  # rows that are not read
    missing: Sequence[int] = ()  # rows without a target

    def numbers(self) -> tuple[Any, Any]:
        """Return the inputs and targets that are read."""
        inputs, targets = map(np.array, (SWITCHED, HEATED) if self.is_binary else BOTH)
        targets[[*self.missing]] = np.nan
        return np.delete(inputs, self.omitted), np.delete(targets, self.omitted)


def simulate(*, is_binary: bool = False) -> tuple[Any, Any]:
    """Return inputs (N,) and targets (N,) with white noise."""
    random = np.random.default_rng(1)
    inputs = np.round(random.gamma(2.0, 5.0, N), 1)
    if is_binary:
        inputs = (random.random(N) < 0.4).astype(float)
    w_rec = np.exp(-1 / TIME_CONSTANT)
    states = np.zeros(N)
    state = 0.0
    for k in range(N):
        state = w_rec * state + (1 - w_rec) * GAIN * inputs[k]
        states[k] = state
    noise = NOISE * (0.1 if is_binary else 1.0) * random.standard_normal(N)
    return inputs, np.round(OFFSET + states + noise, 3)


INPUTS, TARGETS = (column.tolist() for column in simulate())
SWITCHED, HEATED = (column.tolist() for column in simulate(is_binary=True))
DAYS = [date(2024, 1, 1) + timedelta(days=k) for k in range(N)]
HOURS = [datetime(2024, 10, 25) + timedelta(hours=k) for k in range(N)]
MONDAYS = [date(2022, 1, 3) + timedelta(weeks=k) for k in range(N)]
MONTHS = [(2019 + k // 12, 1 + k % 12) for k in range(N)]


def write(header: str, *columns: Sequence[Any], above: Sequence[str] = ()) -> str:
    """Return a table with a header, below other lines."""
    rows = (",".join(map(str, row)) for row in zip(*columns, strict=True))
    return "\n".join([*above, header, *rows, ""])


def switch(on: str, off: str) -> Case:
    """Return a table whose input is one of two words."""
    words = [on if each else off for each in SWITCHED]
    return Case(write("date,heater,y", DAYS, words, HEATED), "day", slug="switch", is_binary=True)


def with_totals(label: Callable[[int], str]) -> str:
    """Return a table with a row of totals after each year."""
    lines = ["month,x,y"]
    for k, (year, month) in enumerate(MONTHS):
        lines.append(f"{year}-{month:02},{INPUTS[k]},{TARGETS[k]}")
        if month == 12:
            total = [round(sum(each[k - 11 : k + 1]), 3) for each in (INPUTS, TARGETS)]
            lines.append(f"{label(year)},{total[0]},{total[1]}")
    return "\n".join([*lines, ""])


BOTH = INPUTS, TARGETS
LONG = "How many times did you see our advertisement on any of these channels in the last week?" * 2
LOGGER = (
    '"TOA5","CR1000","CR1000","1234","CR1000.Std.27","CPU:rain.CR1","1234","Table1"',
    '"TIMESTAMP","RECORD","x","y"',
)
PAIRS = (
    [day for day in DAYS for _ in "xy"],
    ["x", "y"] * N,
    [number for pair in zip(*BOTH, strict=True) for number in pair],
)
BLOCKS = ["x"] * N + ["y"] * N, DAYS * 2, INPUTS + TARGETS, ["mm"] * N + ["m"] * N
INFLUX = [""] * (2 * N), [0] * N + [1] * N, *BLOCKS[1:3], BLOCKS[0]
ANNOTATIONS = (
    "#group,false,false,false,true",
    "#datatype,long,dateTime:RFC3339,double,string",
    "#default,_result,,,,",
)
TRANSPOSED = ["name", *DAYS], ["x", *INPUTS], ["y", *TARGETS]
GAP = (20, 21, 22)
HEATING = zip(DAYS, SWITCHED, HEATED, strict=True)
FEBRUARY = [datetime(2024, 2, 1) + timedelta(hours=k) for k in range(N)]
METER = np.round(5000 + np.cumsum([0.0, *TARGETS]), 3).tolist()
CASES = {
    "switch of ON and OFF": switch("ON", "OFF"),
    "switch of ein and aus": switch("ein", "aus"),
    "switch of Yes and No": switch("Yes", "No"),
    "switch of TRUE and FALSE": switch("TRUE", "FALSE"),
    "time zones": Case(
        write("time,x,y", [f"{each:%m/%d/%Y %H:%M} EDT" for each in HOURS], *BOTH), "hour"
    ),
    "weeks of ISO 8601": Case(
        write("week,x,y", ["{}-W{:02}".format(*each.isocalendar()) for each in MONDAYS], *BOTH),
        "week",
    ),
    "calendar weeks": Case(
        write("Woche,x,y", ["KW {1}/{0}".format(*each.isocalendar()) for each in MONDAYS], *BOTH),
        "week",
    ),
    "unreadable times": Case(
        write("time,x,y", [f"shift {k}" for k in range(N)], *BOTH), "step", {"time": ""}, "times"
    ),
    "unreadable times without a name": Case(
        write("label,x,y", [f"shift {k}" for k in range(N)], *BOTH), "step", {"time": ""}, "times"
    ),
    "days of a spreadsheet": Case(write("date,x,y", range(45292, 45292 + N), *BOTH), "day"),
    "times of a spreadsheet": Case(
        write("Time,x,y", [round(45292 + k / 24, 5) for k in range(N)], *BOTH), "hour"
    ),
    "year and month": Case(write("year,month,x,y", *zip(*MONTHS, strict=True), *BOTH), "month"),
    "year, month and day": Case(
        write(
            "Jahr,Monat,Tag,x,y", *zip(*[each.timetuple()[:3] for each in DAYS], strict=True), *BOTH
        ),
        "day",
    ),
    "date and hour": Case(
        write(
            "date,hour,x,y", *zip(*[(each.date(), each.hour) for each in HOURS], strict=True), *BOTH
        ),
        "hour",
    ),
    "totals of years": Case(with_totals(lambda _: "Total"), "month", slug="end"),
    "named totals": Case(with_totals(lambda year: f"Summe {year}"), "month", slug="end"),
    "totals without a label": Case(with_totals(lambda _: ""), "month", {"fill": "drop"}, "times"),
    "equal times": Case(
        write("date,x,y", *([*each[:21], *each[20:]] for each in (DAYS, *BOTH))),
        *("day", {"repeated": "mean"}, "times"),
    ),
    "a date above the header": Case(
        write("date,x,y", DAYS, *BOTH, above=["Created,2024-03-01,"]), "day", slug="title"
    ),
    "a logger": Case(
        write('"","","Tot","Avg"', HOURS, range(N), *BOTH, above=[*LOGGER, '"TS","RN","mm","m"']),
        "hour",
    ),
    "pairs of variable and value": Case(
        write("time,variable,value", *PAIRS), "day", {"pivot": "variable:value"}, "layout"
    ),
    "blocks of variables": Case(
        write("Series,Time,Value,unit", *BLOCKS), "day", {"pivot": "Series:Value"}, "layout"
    ),
    "variables of a database": Case(
        write("result,table,_time,_value,_field", *INFLUX, above=ANNOTATIONS),
        *("day", {"pivot": "_field:_value"}, "layout"),
    ),
    "times in the header": Case(
        "\n".join(",".join(map(str, line)) for line in TRANSPOSED),
        *("day", {"pivot": "header"}, "layout"),
    ),
    "numbers of missing targets": Case(
        write("date,x,y", DAYS, INPUTS, [-999 if k in GAP else y for k, y in enumerate(TARGETS)]),
        *("day", {"missing": "-999"}, "sentinel"),
        missing=GAP,
    ),
    "missing inputs": Case(
        write("date,x,y", DAYS, ["" if k in GAP else x for k, x in enumerate(INPUTS)], TARGETS),
        *("day", {"fill": "drop"}, "numbers"),
        omitted=GAP,
    ),
    "missing rows": Case(
        write("date,x,y", *([*each[:20], *each[23:]] for each in (DAYS, *BOTH))),
        *("day", {"gaps": "sequences"}, "times"),
        omitted=GAP,
    ),
    "ambiguous numbers": Case(
        "\n".join(["date;x;y", *(f"{d};{x:.0f};{y:.3f}" for d, x, y in HEATING), ""]).replace(
            ".", ","
        ),
        *("day", {"decimal": ","}, "numbers"),
        is_binary=True,
    ),
    "ambiguous dates": Case(
        write("time,x,y", [f"{each.day}/2/2024 {each:%H:%M}" for each in FEBRUARY], *BOTH),
        *("hour", {"dates": "day-first"}, "times"),
    ),
    "a counter": Case(
        write("date,x,y", [*DAYS, date(2024, 3, 1)], [0.0, *INPUTS], METER),
        *("day", {"differences": "y"}, "counter"),
    ),
    "a long name": Case(write(f"date,{LONG},y", DAYS, *BOTH), "day", slug="name"),
    "an identifier": Case(
        write("order_id,date,x,sales", [1000 + 3 * k + k % 2 for k in range(N)], DAYS, *BOTH), "day"
    ),
    "a target that is the first": Case(write("date,Umsatz (EUR),x", DAYS, TARGETS, INPUTS), "day"),
}
