"""The common part of the formats: the arrays of a dataset, and the limits of their size."""

from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, Final, NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.engine.data import Series
from service.engine.types import Array
from service.errors import Invalid
from service.store.array_codec import ArrayStream
from service.values.dates import DateOrder

CHUNK: Final = 20_000  # numbers written at a time
TARGET: Final = "target"  # the name of the target, unless another one is given


class SizeLimits(Protocol):
    """Limits on the size of a dataset."""

    @property
    def max_steps(self) -> int:
        """The maximum length of a sequence."""

    def check_cells(self, n_samples: int, n_steps: int, n_inputs: int = 1) -> None:
        """Raise LimitExceeded for a dataset that is too long or too large."""


# The inputs (N, T) and the targets (N,).
DatasetArrays: TypeAlias = tuple[Array, Array]


class SeriesColumns(NamedTuple):
    """The columns of a series in a file, by name."""

    target: str = TARGET  # empty to propose it
    inputs: tuple[str, ...] | None = None  # by default all other columns
    sequence: str | None = None  # identifies the sequences; None if there is only one
    time: str | None = None  # equally spaced; None without times
    clock: str | None = None  # times of day, if `time` has dates without them
    roles: str | None = None  # "proposed": those of other columns are proposed
    encoding: str | None = None  # of the text; None to find it
    sheet: str | None = None  # of a workbook; None for the first one with a table
    header: int | None = None  # its line, 0 without one; None to find it
    skip: int | None = None  # lines above the table
    decimal: str | None = None  # the decimal mark, a point or a comma; None to derive it
    thousands: str | None = None  # the other mark; None to derive it
    missing: str | None = None  # another text of missing numbers
    dates: DateOrder | None = None  # the order of day and month; None to derive it
    gaps: str | None = None  # "missing": add steps; "sequences": begin one after each gap in time
    fill: str | None = None  # how rows without an input are repaired: "hold", "zero" or "drop"
    grid: str | None = None  # the step of a grid of times
    between: str | None = None  # the inputs of added steps: "hold", as by default, or "zero"
    every: int | None = None  # rows, of which the means are one step
    last: int | None = None  # rows of each sequence

    @property
    def decimal_mark(self) -> str | None:
        """The decimal mark in the query; raises Invalid if it is contradictory."""
        if self.thousands not in {".", ","}:
            return self.decimal
        if self.decimal == self.thousands:
            detail = "the decimal and thousands separators must differ"
            raise Invalid(detail, parameter="thousands")
        return "," if self.thousands == "." else "."


class SeriesStream(NamedTuple):
    """A stored series to be written, with all sequences concatenated."""

    columns: Mapping[str, Any]  # ``inputs``, ``target``, ``step``, optionally ``sequence_names``
    lengths: NDArray[np.int64]  # (n,), of the sequences
    inputs: ArrayStream  # (N, q)
    targets: ArrayStream  # (N,)


class DatasetFormat(NamedTuple):
    """A format of files with a dataset, or a series.

    Reading converts a file to arrays; it raises Malformed, Invalid and LimitExceeded.
    """

    suffix: str
    media_type: str
    read: Callable[[bytes, SizeLimits], DatasetArrays]
    write: Callable[[ArrayStream, ArrayStream, BinaryIO], None]
    read_series: Callable[[bytes, SeriesColumns, SizeLimits], Series]
    write_series: Callable[[SeriesStream, BinaryIO], None]
    writing_seconds: float  # the estimate for one number, rounded up
    is_compressed: bool = False  # gzip would not make it smaller
