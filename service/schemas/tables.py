"""Tables that are read and not stored."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from service.schemas.base import ResponseModel
from service.schemas.problems import Repair
from service.schemas.series import StepSchema

Role: TypeAlias = Literal["time", "clock", "input", "target", "sequence", "left_out"]
Kind: TypeAlias = Literal["time", "number", "text", "index", "empty"]


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


class TableProblem(ResponseModel):
    """A property of a table that prevents reading it, or may be wrong."""

    slug: str
    """Its kind."""
    is_error: bool
    """True if the table cannot be read without a repair."""
    sentence: str
    """Its description."""
    line: int | None = None
    """The line of the table, from 1."""
    column: int | None = None
    """The column of the table, from 1."""
    repairs: list[Repair]
    """Alternatives to read the table."""


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
