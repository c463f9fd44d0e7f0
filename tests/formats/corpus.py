"""Tables as programs export them, all with the same numbers, and what is read from them."""

import gzip
import io
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import openpyxl

INPUTS = [0, 1250.5, 3, 0, 17.25, 2000, 0.5, 8, 1, 40]
TARGETS = [1.5, 2, 1260.75, 12, 3.5, 1400.25, 9, 4, 3.25, 55]
GAP = 4  # the row whose target is missing in some tables
N = len(TARGETS)
Number = Callable[[float], str]
Times = Callable[[int], str]


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


def plain(value: float) -> str:
    return f"{value:g}"


def marked(thousands: str, decimal: str) -> Number:
    def write(value: float) -> str:
        return f"{value:,.2f}".translate({ord(","): thousands, ord("."): decimal})

    return write


german, us, swiss = marked(".", ","), marked(",", "."), marked("'", ".")
exponent: Number = "{:.18e}".format
RULE = "+---+---+---+"
french, narrow = marked("\u00a0", ","), marked("\u202f", ",")
comma = marked("", ",")


def days(layout: str, **step: int) -> Times:
    """Return times in a notation of strftime, one day apart unless a step is given."""
    length = timedelta(**step or {"days": 1})
    return lambda k: (datetime(2024, 1, 29) + k * length).strftime(layout)


def months(*names: str, year: str = "-24") -> Times:
    return lambda k: f"{names[k]}{year}"


ISO = days("%Y-%m-%d")


def table(
    head: str,
    row: str,
    times: Times = ISO,
    number: Number = plain,
    *,
    gap: str = "",
    end: str = "",
    encoding: str = "utf-8",
) -> bytes:
    """Return a head, a line per row, and an end; ``gap`` replaces a target."""
    lines = [head]
    for k in range(N):
        y = gap if gap and k == GAP else number(TARGETS[k])
        lines.append(row.format(k=k + 1, t=times(k), x=number(INPUTS[k]), y=y))
    return "\n".join([*lines, end]).encode(encoding)


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


def cells(start: Any = None) -> list[list[Any]]:
    """Return the cells of a sheet with dates, or with times after a start."""
    step = timedelta(days=1) if start is None else timedelta(minutes=15)
    first = start or date(2024, 1, 29)
    return [["date", "x", "y"], *([first + k * step, INPUTS[k], TARGETS[k]] for k in range(N))]


EN = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct")
DE = ("Jan", "Feb", "M\u00e4r", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt")
FR = ("janv.", "f\u00e9vr.", "mars", "avr.", "mai", "juin", "juil.", "ao\u00fbt", "sept.", "oct.")
ES = ("ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct")
DAY, MONTH = (1.0, "day"), (1.0, "month")
QUARTER_HOUR = (15.0, "minute")
UNITS: dict[str, Any] = {"target": "y (kW)", "inputs": ("x (\u00b0C)",)}
EURO: dict[str, Any] = {"target": "y (\u20ac)", "inputs": ("x (%)",)}
clock = days("%Y-%m-%d %H:%M:%S", minutes=15)
dotted = days("%d.%m.%Y")


def late(k: int) -> str:
    """Return the time of a logger that is up to two seconds late."""
    return str(datetime(2024, 1, 29) + timedelta(minutes=15 * k, seconds=(0, 1, 2, 1)[k % 4]))


def midnight(k: int) -> str:
    """Return a local midnight with its offset, across a change of the clock."""
    return f"2024-03-{27 + k:02}T00:00:00+01:00" if k < 5 else f"2024-04-{k - 4:02}T00:00:00+02:00"


def newest_first(body: bytes) -> bytes:
    """Return a table whose rows are in reverse order."""
    head, *rows = body.splitlines()
    return b"\n".join([head, *rows[::-1]])


def epoch(k: int) -> str:
    """Return seconds since 1970."""
    return str(1_706_486_400 + 900 * k)


SEMICOLONS, COMMAS, TABS = "{t};{x};{y}", "{t},{x},{y}", "{t}\t{x}\t{y}"
us_clock = days("%m/%d/%Y %I:%M %p", minutes=15)
matlab = days("%d-%b-%Y %H:%M:%S")

CORPUS: dict[str, Case] = {
    # Spreadsheets
    "german": Case(table("Datum;x;y", SEMICOLONS, dotted, german), DAY),
    "german with a mark": Case(table("\ufeffDatum;x;y\r", SEMICOLONS, dotted, german), DAY),
    "german windows-1252": Case(
        table("Zeit;Lüftung;Wärme", SEMICOLONS, dotted, german, encoding="cp1252"),
        *(DAY, "Wärme", ("Lüftung",)),
    ),
    "german without thousands": Case(table("Datum;x;y", SEMICOLONS, dotted, comma), DAY),
    "german months": Case(
        table("Monat;x;y", SEMICOLONS, months(*DE), german, encoding="cp1252"), MONTH
    ),
    "german totals": Case(
        table("Datum;x;y", SEMICOLONS, dotted, german, end="Summe;3.320,25;2.751,25\n;;\n"), DAY
    ),
    "german euros": Case(table("Datum;x;y", "{t};{x} %;{y} €", dotted, german), DAY, **EURO),
    "german two digits": Case(table("Datum;x;y", SEMICOLONS, days("%d.%m.%y"), german), DAY),
    "german accounts": Case(
        table("Konto: 12;;\n\nDatum;x;y", SEMICOLONS, dotted, german, end="Quelle: Bank;;"), DAY
    ),
    "austrian": Case(table("Datum;x;y", SEMICOLONS, days("%d.%m.%Y %H:%M"), french), DAY),
    "french": Case(table("Date;x;y", SEMICOLONS, days("%d/%m/%Y"), french, encoding="cp1252"), DAY),
    "french narrow": Case(table("Date;x;y", SEMICOLONS, days("%d/%m/%Y"), narrow), DAY),
    "french months": Case(table("Mois;x;y", SEMICOLONS, months(*FR, year=" 2024"), french), MONTH),
    "french gaps": Case(
        table("Date;x;y", SEMICOLONS, days("%d/%m/%y"), comma, gap="n.d."), DAY, is_gappy=True
    ),
    "swiss": Case(table("Datum;x;y", SEMICOLONS, dotted, swiss), DAY),
    "swiss typographic": Case(
        table("Datum;x;y", SEMICOLONS, dotted, marked("\N{RIGHT SINGLE QUOTATION MARK}", ".")), DAY
    ),
    "swiss francs": Case(table("Datum;x;y", "{t};{x};CHF {y}", dotted, swiss), DAY, "y (CHF)"),
    "spanish months": Case(table("Mes;x;y", SEMICOLONS, months(*ES, year=" 2024"), german), MONTH),
    "italian": Case(table("Data;x;y", SEMICOLONS, days("%d/%m/%Y"), german), DAY),
    "us": Case(table("Date,x,y", '{t},"{x}","{y}"', days("%m/%d/%Y"), us), DAY),
    "us dollars": Case(table("Date,x,y", "{t},{x},${y}", days("%m/%d/%y")), DAY, "y ($)"),
    "us clock": Case(table("Time\tx\ty", TABS, us_clock, us), QUARTER_HOUR),
    "us months": Case(table("Month,x,y", COMMAS, months(*EN)), MONTH),
    "us long dates": Case(table("Date;x;y", SEMICOLONS, days("%b %d, %Y"), us), DAY),
    "british": Case(table("Date,x,y", COMMAS, days("%d/%m/%Y")), DAY),
    "british pounds": Case(table("Date,x,y", "{t},{x},£{y}", days("%d-%b-%y")), DAY, "y (£)"),
    "utf-16": Case(table("Date\tx\ty", TABS, encoding="utf-16"), DAY),
    "declared separator": Case(table("sep=;\nDate;x;y", SEMICOLONS), DAY),
    "title and source": Case(
        table("Sales of 2024\n\nDate,x,y", COMMAS, end="Source: the office\n"), DAY
    ),
    "title in fields": Case(table("Sales of 2024,,\n,,\nDate,x,y", COMMAS, end=",,\n,,\n"), DAY),
    "year above the header": Case(table(",2024,\nDate,x,y", COMMAS), DAY),
    "merged header": Case(
        table(",north,,south,\nDate,x,y,x,y", "{t},{x},{y},1,2"),
        *(DAY, "north y", ("north x",)),
        query={"target": "north y", "inputs": ("north x",)},
    ),
    "trailing separators": Case(table("Date;x;y;", "{t};{x};{y};"), DAY),
    "trailing separators of rows": Case(table("Date;x;y", "{t};{x};{y};"), DAY),
    "old line ends": Case(table("Date,x,y", COMMAS).replace(b"\n", b"\r"), DAY),
    "quotes": Case(table('"Date","x","y"', '"{t}","{x}","{y}"'), DAY),
    "mac": Case(
        table("Date;Température;y", SEMICOLONS, dotted, comma, encoding="mac-roman"),
        *(DAY, "y", ("Température",)),
        query={"encoding": "mac-roman"},
    ),
    "ambiguous dates": Case(
        table("Date,x,y", COMMAS, lambda k: f"{k + 1}/1/2024"), DAY, query={"dates": "day-first"}
    ),
    "workbook": Case(workbook(("Data", cells())), DAY),
    "workbook with times": Case(workbook(("Data", cells(datetime(2024, 1, 1, 9)))), QUARTER_HOUR),
    "workbook with a title": Case(
        workbook(("Notes", [["Read me"]]), ("Data", [["Sales"], [], *cells(), ["Total", 9, 9]])),
        DAY,
    ),
    "workbook with notes": Case(
        workbook(("Notes", [["Measured", "by us"], ["In", "2024"]]), ("Data", cells())), DAY
    ),
    "workbook of two sheets": Case(
        workbook(("One", [["a", "b"], [1, 2]]), ("Two", cells())), DAY, query={"sheet": "Two"}
    ),
    # Loggers
    "units": Case(table("time;x;y\n;[°C];[kW]", SEMICOLONS, clock), QUARTER_HOUR, **UNITS),
    "units of all": Case(table("time,x,y\ns,°C,kW", COMMAS, clock), QUARTER_HOUR, **UNITS),
    "comments": Case(
        table(
            "# Logger 7\n# started, by hand, at 9, today\ntime,x,y", COMMAS, clock, end="# end\n"
        ),
        QUARTER_HOUR,
    ),
    "late logger": Case(table("time,x,y", COMMAS, late), QUARTER_HOUR),
    "clock alone": Case(
        table("time,x,y", COMMAS, lambda k: f"{9 + k // 4}:{k % 4 * 15:02}"), QUARTER_HOUR
    ),
    "clock past midnight": Case(
        table("time,x,y", COMMAS, lambda k: f"{(23 + k // 4) % 24:02}:{k % 4 * 15:02}"),
        QUARTER_HOUR,
    ),
    "local midnights": Case(table("time,x,y", COMMAS, midnight), DAY),
    "utc": Case(table("time,x,y", "{t} UTC,{x},{y}", clock), QUARTER_HOUR),
    "zulu": Case(table("time,x,y", COMMAS, days("%Y-%m-%dT%H:%M:%SZ", minutes=15)), QUARTER_HOUR),
    "date with a comma": Case(
        table("time;x;y", SEMICOLONS, days("%d.%m.%Y, %H:%M", minutes=15), comma), QUARTER_HOUR
    ),
    "missing word": Case(table("time,x,y", COMMAS, clock, gap="#N/A"), QUARTER_HOUR, is_gappy=True),
    "missing number": Case(
        table("time,x,y", COMMAS, clock, gap="-9999"),
        QUARTER_HOUR,
        query={"missing": "-9999"},
        is_gappy=True,
    ),
    "sentinels with decimals": Case(
        table("t,x,y", COMMAS, gap="-9999.00"), DAY, query={"missing": "-9999"}, is_gappy=True
    ),
    "newest first": Case(newest_first(table("Time,x,y", COMMAS, clock)), QUARTER_HOUR),
    "date and time of day": Case(
        table("Date,Time,x,y", COMMAS, days("%Y-%m-%d,%H:%M", minutes=15)), QUARTER_HOUR
    ),
    "time of day and date": Case(
        table("Time\tDate\tx\ty", TABS, days("%I:%M %p\t%m/%d/%Y", minutes=15)), QUARTER_HOUR
    ),
    "seconds since 1970": Case(table("unix_time,x,y", COMMAS, epoch), QUARTER_HOUR),
    "milliseconds since 1970": Case(
        table("ts,x,y", COMMAS, lambda k: epoch(k) + "000"), QUARTER_HOUR
    ),
    "fixed width": Case(table("t            x      y", "{t}  {x:>8}  {y:>8}"), DAY),
    "a column of dates with another name": Case(
        table("Stichtag;x;y", SEMICOLONS, dotted, german), DAY
    ),
    "seconds": Case(table("s,x,y", COMMAS, lambda k: f"{0.5 * k:.1f}"), (0.5, "s")),
    "seconds with commas": Case(
        table("s;x;y", SEMICOLONS, lambda k: f"{0.5 * k:.1f}".replace(".", ","), comma), (0.5, "s")
    ),
    "minus signs": Case(table("t;x;y;z", "{k};{x};{y};−{y}"), (1.0, "t"), query={"inputs": ("x",)}),
    "exponents": Case(table("t;x;y", "{k};{x};{y}", number=exponent), (1.0, "t")),
    "compressed": Case(gzip.compress(table("time,x,y", COMMAS, clock)), QUARTER_HOUR),
    # R, pandas, MATLAB, numpy, databases
    "r write.csv": Case(table('"","t","x","y"', '"{k}",{t},{x},{y}', gap="NA"), DAY, is_gappy=True),
    "r write.csv2": Case(table('"t";"x";"y"', '"{t}";{x};{y}', number=comma), DAY),
    "r write.table": Case(table('"t","x","y"', '"{k}",{t},{x},{y}', gap="NA"), DAY, is_gappy=True),
    "r write.table with blanks": Case(
        table('"t" "x" "y"', '"{k}" "{t}" {x} {y}', gap="NA"), DAY, is_gappy=True
    ),
    "pandas": Case(table(",t,x,y", "{k},{t},{x},{y}", gap="NaN"), DAY, is_gappy=True),
    "pandas german": Case(table("t;x;y", "{t} 00:00:00;{x};{y}", number=comma), DAY),
    "pandas with offsets": Case(
        table("t,x,y", "{t} 00:00:00+00:00,{x},{y}", gap="nan"), DAY, is_gappy=True
    ),
    "polars": Case(
        table("t,x,y", COMMAS, days("%Y-%m-%dT%H:%M:%S.000000", minutes=15)), QUARTER_HOUR
    ),
    "matlab": Case(table("t,x,y", COMMAS, matlab, gap="NaN"), DAY, is_gappy=True),
    "numpy": Case(table("# t,x,y", "{k},{x},{y}", number=exponent), (1.0, "t")),
    "psql": Case(table(" t | x | y \n---+---+---", " {t} | {x} | {y}", end="(10 rows)\n\n"), DAY),
    "mysql": Case(
        table(f"{RULE}\n| t | x | y |\n{RULE}", "| {t} | {x} | {y} |", gap="NULL", end=RULE),
        DAY,
        is_gappy=True,
    ),
    "markdown": Case(table("| t | x | y |\n|---|---|---|", "| {t} | {x} | {y} |"), DAY),
    "postgresql copy": Case(
        table("t\tx\ty", "{t} 00:00:00+00\t{x}\t{y}", gap="\\N"), DAY, is_gappy=True
    ),
    "sql server": Case(table("t,x,y", "{t} 00:00:00.000,{x},{y}", gap="NULL"), DAY, is_gappy=True),
    "sqlite": Case(table("t|x|y", "{t}|{x}|{y}"), DAY),
    "compact dates": Case(table("date,x,y", COMMAS, days("%Y%m%d")), DAY),
    "iso weeks": Case(table("week,x,y", COMMAS, lambda k: f"2024-W{k + 1:02}"), (1.0, "week")),
    "quarters": Case(
        table("q,x,y", COMMAS, lambda k: f"{2020 + k // 4} Q{k % 4 + 1}"), (3.0, "month")
    ),
    "statistics office": Case(
        table("Zeit;x;y", SEMICOLONS, lambda k: f"{2024 + k // 12}-{k + 1:02}", comma, gap="..."),
        MONTH,
        is_gappy=True,
    ),
    "month and year": Case(table("m;x;y", SEMICOLONS, lambda k: f"{k + 1}/2024", comma), MONTH),
    "pivot": Case(
        table(
            "Row Labels\tSum of x\tSum of y",
            *(TABS, months(*EN, year=" 2024")),
            end="Grand Total\t3320.25\t2751.25\n",
        ),
        *(MONTH, "Sum of y", ("Sum of x",)),
    ),
    "without a header": Case(
        table("", COMMAS)[1:], DAY, "column_3", ("column_2",), query={"header": 0}
    ),
    "no inputs": Case(table("t,y", "{t},{y}"), DAY, "y", ()),
}
