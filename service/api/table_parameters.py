"""Query parameters of tables and of uploads: how a file is read."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from service.api.parameters import PARSE_NUMBER, QueryModel
from service.errors import Invalid
from service.formats import SeriesColumns
from service.formats.base import TARGET
from service.formats.csv_tables import split_line
from service.formats.text import Encoding
from service.schemas.base import NUMBER
from service.schemas.series import ColumnName
from service.values.dates import DateOrder
from service.values.times import LENGTH


class TableQuery(QueryModel):
    """Query parameters of POST /v1/tables, which those of an upload include."""

    target: Annotated[ColumnName | None, Field(examples=["sales"])] = None
    """For a series: the column of the target; by default target."""
    inputs: Annotated[str | None, Field(max_length=10_000, examples=["spend,heating"])] = None
    """For a series: the columns of the inputs, separated by commas, in quotes if they contain one;
    empty for none. By default all other columns."""
    sequence: Annotated[ColumnName | Literal[""] | None, Field(examples=["region"])] = None
    """For a series: the column that identifies the sequences; empty for none."""
    time: Annotated[ColumnName | Literal[""] | None, Field(examples=["date"])] = None
    """For a series: the column of the times, as dates or numbers; empty for none. They must be
    equally spaced; months and years count as equal steps."""
    clock: Annotated[ColumnName | Literal[""] | None, Field(examples=["hour"])] = None
    """For series as tables: the column of the times of day, if that of the times has dates without
    them; empty for none."""
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
    missing: Annotated[str | None, Field(max_length=100, examples=["-999"])] = None
    """For series as tables: another text of a missing number, besides empty fields, NA, n.d., - and
    the like. A missing target is a gap."""
    dates: Annotated[DateOrder | None, Field(examples=["day-first"])] = None
    """For series as tables: the order of day and month in dates such as 1/2/2024, if no date proves
    it."""
    gaps: Annotated[Literal["missing", "sequences"] | None, Field(examples=["sequences"])] = None
    """For series as tables with times: missing adds the steps of gaps in time, without targets;
    sequences begins a new sequence after each. By default a gap is an error."""
    fill: Annotated[Literal["hold", "zero", "drop"] | None, Field(examples=["hold"])] = None
    """For series as tables: the value of an input that is missing. hold repeats the previous value
    of the sequence, zero is 0, and drop omits the row and begins a new sequence after it. By
    default it is an error."""
    grid: Annotated[str | None, Field(pattern=LENGTH, examples=["15 minutes"])] = None
    """For series as tables with times: the step of a grid, in seconds, minutes, hours, days or
    weeks, or a number like the times. Each time moves to the nearest step; of several rows at one
    step the nearest stays, and steps without a row are added."""
    between: Annotated[Literal["hold", "zero"] | None, Field(examples=["hold"])] = None
    """For series as tables: the inputs of steps that grid or gaps add: hold, by default, repeats
    the previous value, and zero is 0."""
    every: Annotated[int | None, Field(ge=2, le=100_000, examples=[4]), NUMBER, PARSE_NUMBER] = None
    """For series as tables: use the means of so many rows."""
    last: Annotated[int | None, Field(ge=1, examples=[1000]), NUMBER, PARSE_NUMBER] = None
    """For series as tables: use so many rows at the end of each sequence."""

    def to_columns(self) -> SeriesColumns:
        """Return the columns of a series, of which a target without a name is to be proposed."""
        columns = {"target": "", **self._given(*SeriesColumns._fields)}
        if self.inputs is not None:
            columns["inputs"] = tuple(filter(None, split_line(self.inputs, ",")))
        return SeriesColumns(**columns)


class DatasetQuery(TableQuery):
    """Query parameters of POST /v1/datasets."""

    name: Annotated[
        str | None,
        StringConstraints(
            strip_whitespace=True, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$"
        ),
        Field(examples=["Rain and runoff, 2024"]),
    ] = None
    """A descriptive name, which is not part of the id. If the dataset is already stored, it
    replaces the name; without it, the name is unchanged."""
    kind: Annotated[Literal["series"] | None, Field(examples=["series"])] = None
    """Read a file as a series: a table with a header and one row per step, or an archive with a
    target at every step."""
    roles: Annotated[Literal["proposed"] | None, Field(examples=["proposed"])] = None
    """For series as tables: propose the target, the time, the sequence and the inputs that are not
    given, as POST /v1/tables does."""

    def to_series_columns(self) -> SeriesColumns | None:
        """Return the columns of a series, or None for another dataset; raises Invalid."""
        columns = self.to_columns()
        if self.kind is None:
            for name in self._given(*SeriesColumns._fields):
                raise Invalid(f"{name} applies to kind=series", parameter=name)
            return None
        is_default = self.roles is None and self.target is None
        return columns._replace(target=TARGET) if is_default else columns
