"""Tables that are read and not stored."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from service.schemas.base import NUMBER, PARSE_NUMBER, QueryModel, ResponseModel
from service.schemas.problems import Assumption
from service.schemas.series import MAX_NAME, StepSchema
from service.values.dates import DateOrder
from service.values.times import LENGTH

Role: TypeAlias = Literal["time", "clock", "input", "target", "sequence", "left_out"]
Kind: TypeAlias = Literal["time", "number", "text", "index", "empty"]
Encoding: TypeAlias = Literal[
    "utf-8",
    "utf-16",
    "windows-1250",
    "windows-1251",
    "windows-1252",
    "iso-8859-15",
    "mac-roman",
    "cp850",
    "shift_jis",
    "gb18030",
]


class TableOptions(QueryModel):
    """The notation of a table, and its repairs."""

    encoding: Annotated[Encoding | None, Field(examples=["windows-1252"])] = None
    """For series as tables: the encoding of the text. By default UTF-8, or UTF-16 with its mark, or
    Windows-1252 if the text is not UTF-8."""
    sheet: Annotated[str | None, Field(max_length=100, examples=["Data"])] = None
    """For series as workbooks: the sheet, by default the first one with a table."""
    header: Annotated[int | None, Field(ge=0, le=1000, examples=[3]), NUMBER, PARSE_NUMBER] = None
    """For series as tables: the line of the header; 0 names the columns column_1, column_2, …. By
    default it is found."""
    skip: Annotated[int | None, Field(ge=1, le=1000, examples=[2]), NUMBER, PARSE_NUMBER] = None
    """For series as tables: the number of lines above the table to leave out."""
    decimal: Annotated[Literal[".", ","] | None, Field(examples=[","])] = None
    """For series as CSV: the decimal mark, if no number proves it. The other mark is then the
    thousands separator."""
    thousands: Annotated[Literal[".", ","] | None, Field(examples=["."])] = None
    """For series as CSV: the thousands separator. Blanks and apostrophes between thousands are
    read in any table."""
    missing: Annotated[str | None, Field(max_length=MAX_NAME, examples=["-999"])] = None
    """For series as tables: another text of a missing number, besides empty fields, NA, n.d., - and
    the like. A missing target is a gap."""
    dates: Annotated[DateOrder | None, Field(examples=["day-first"])] = None
    """For series as tables: the order of day and month in dates such as 1/2/2024, if no date proves
    it."""
    gaps: Annotated[Literal["missing", "sequences"] | None, Field(examples=["sequences"])] = None
    """For series as tables with times: missing adds the steps of gaps in time, without targets;
    sequences begins a new sequence after each. By default a gap is an error."""
    repeated: Annotated[Literal["mean"] | None, Field(examples=["mean"])] = None
    """For series as tables with times: mean replaces rows of a sequence at equal times by their
    means. By default a time that repeats is an error."""
    fill: Annotated[Literal["hold", "zero", "drop"] | None, Field(examples=["hold"])] = None
    """For series as tables: the value of an input that is missing. hold repeats the previous value
    of the sequence, zero is 0, and drop omits the row and begins a new sequence after it. By
    default it is an error. drop also omits rows whose time cannot be read."""
    grid: Annotated[str | None, Field(pattern=LENGTH, examples=["15 minutes"])] = None
    """For series as tables with times: the step of a grid, in seconds, minutes, hours, days or
    weeks, or a number like the times. Each time moves to the nearest step; of several rows at one
    step the nearest stays, and steps without a row are added."""
    between: Annotated[Literal["hold", "zero"] | None, Field(examples=["hold"])] = None
    """For series as tables: the inputs of steps that grid or gaps add: hold, by default, repeats
    the previous value, and zero is 0."""
    differences: Annotated[str | None, Field(max_length=500, examples=["kWh"])] = None
    """For series as tables: counters, such as meters, separated by commas. Their differences from
    row to row are used; the first row of each sequence has none and is left out."""
    every: Annotated[int | None, Field(ge=2, le=100_000, examples=[4]), NUMBER, PARSE_NUMBER] = None
    """For series as tables: use the means of so many rows."""
    last: Annotated[int | None, Field(ge=1, examples=[1000]), NUMBER, PARSE_NUMBER] = None
    """For series as tables: use so many rows at the end of each sequence."""
    pivot: Annotated[str | None, Field(max_length=210, examples=["variable:value"])] = None
    """For series as tables: read a long table, which has a row per time and variable, with a column
    per variable: the columns of the names of variables and of their values, separated by a colon.
    header reads a table whose header has the times, with a row per variable."""
    confirm: Annotated[str | None, Field(max_length=200, examples=["sentinel,inputs"])] = None
    """For series as tables: the kinds of what was noticed and is right, separated by commas."""


class TableColumn(ResponseModel):
    """A column of a table."""

    name: str
    """Its name in the header."""
    unit: str
    """Its unit, from a line of units or from a sign in all its numbers; empty without one."""
    kind: Kind
    """The contents of its fields; an index numbers the rows."""
    first: Annotated[list[str], Field(max_length=5)]
    """Its first fields."""
    role: Role
    """Its role in a series: as in the query, otherwise proposed."""
    because: str
    """The reason for its role."""


class TableProblem(Assumption):
    """A property of a table that prevents reading it, or may be wrong."""

    is_error: bool
    """True if the table cannot be read without a repair."""
    column: int | None = None
    """The column of the table, from 1."""


class TableSummary(ResponseModel):
    """A table, and how it is read as a series."""

    encoding: str | None
    """The encoding of the text; null for a workbook."""
    separator: str
    """The separator of fields; a tab for a workbook."""
    decimal: str | None
    """The decimal mark; null if the table has an error."""
    sheet: str | None
    """The sheet of a workbook; null for text."""
    sheets: list[str]
    """The sheets of a workbook."""
    n_rows: int
    """The number of rows, without those below the last one."""
    header_line: int | None
    """The line of the header, from 1; null without one."""
    columns: list[TableColumn]
    """The columns."""
    step: StepSchema | None
    """The time between two rows; null if the table has an error."""
    repairs: list[str]
    """The repairs that the query makes."""
    problems: list[TableProblem]
    """Errors, of which the first is reported, then notes."""
