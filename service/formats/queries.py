"""Query parameters of tables and of uploads: how a file is read."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints

from service.errors import Invalid
from service.formats.base import TARGET, SeriesColumns
from service.formats.csv_tables import split_names
from service.schemas.base import QueryModel
from service.schemas.series import ColumnName
from service.schemas.tables import TableOptions

# The parameters of a table with one sequence per row.
SEQUENCES: Final = "kind target inputs encoding sheet header skip decimal thousands missing fill"


class ColumnsQuery(QueryModel):
    """The columns of a series."""

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
    clock: Annotated[str | None, Field(max_length=500, examples=["month,day"])] = None
    """For series as tables: the columns that follow that of the times, separated by commas: times
    of day or hours after dates, or month, day and hour after a year; empty for none."""


class TableQuery(TableOptions, ColumnsQuery):
    """Query parameters of POST /v1/tables, which those of an upload include."""

    kind: Annotated[Literal["series", "explicit"] | None, Field(examples=["series"])] = None
    """The contents of a file. series: a table with one row per step, or an archive with a target at
    every step; this is the default of POST /v1/tables. explicit: a table with one sequence per row,
    whose roles are proposed; with it, target, inputs (the steps), encoding, sheet, header, skip,
    decimal, thousands, missing and fill=drop (omit incomplete rows) apply as they do to series."""

    def to_columns(self) -> SeriesColumns:
        """Return the columns of a table, of which a target without a name is to be proposed."""
        given = self.given(*SeriesColumns.model_fields)
        if self.kind == "explicit":
            for name, value in given.items():
                if name not in SEQUENCES.split() and value:
                    raise Invalid(f"{name} applies to kind=series", parameter=name)
            if self.fill not in {None, "drop"}:
                raise Invalid(f"fill={self.fill} applies to kind=series", parameter="fill")
            given |= {"time": "", "clock": "", "sequence": ""}
        columns: dict[str, Any] = {"target": "", **given}
        if self.inputs is not None:
            columns["inputs"] = tuple(split_names(self.inputs))
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
    roles: Annotated[Literal["proposed"] | None, Field(examples=["proposed"])] = None
    """For series as tables: propose the target, the time, the sequence and the inputs that are not
    given, as POST /v1/tables does."""

    def to_series_columns(self) -> SeriesColumns | None:
        """Return the columns of a table, or None for strict reading; raises Invalid."""
        columns = self.to_columns()
        if self.kind is None:
            names = (*ColumnsQuery.model_fields, "roles", *TableOptions.model_fields)
            for name in self.given(*names):
                raise Invalid(f"{name} applies to kind=series", parameter=name)
            return None
        is_default = columns.is_series and self.roles is None and self.target is None
        return columns.model_copy(update={"target": TARGET}) if is_default else columns
