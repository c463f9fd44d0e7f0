"""The common part of the formats: the arrays of a dataset, and the limits of their size."""

from collections.abc import Callable
from typing import BinaryIO, Final, NamedTuple, Protocol, TypeAlias

from service.engine.data import Series
from service.engine.types import Array
from service.errors import Invalid
from service.schemas.tables import TableOptions

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


class SeriesColumns(TableOptions):
    """The columns of a series in a file, by name, and how the file is read."""

    target: str = TARGET  # empty to propose it
    inputs: tuple[str, ...] | None = None  # by default all other columns
    sequence: str | None = None  # identifies the sequences; None if there is only one
    time: str | None = None  # equally spaced; None without times
    clock: str | None = None  # columns that follow `time`, such as times of day, with commas
    roles: str | None = None  # "proposed": those of other columns are proposed
    kind: str | None = None  # "explicit": a row is a sequence, and its inputs are the steps

    @property
    def is_series(self) -> bool:
        """True for a table with one row per step."""
        return self.kind != "explicit"

    @property
    def decimal_mark(self) -> str | None:
        """The decimal mark in the query; raises Invalid if it is contradictory."""
        if self.thousands not in {".", ","}:
            return self.decimal
        if self.decimal == self.thousands:
            detail = "the decimal and thousands separators must differ"
            raise Invalid(detail, parameter="thousands")
        return "," if self.thousands == "." else "."


class DatasetFormat(NamedTuple):
    """A format of files with a dataset, or a series.

    The columns of a dataset are None in a table that is read strictly.

    Reading converts a file to arrays; it raises Malformed, Invalid and LimitExceeded.
    """

    suffix: str
    media_type: str
    read: Callable[[bytes, SizeLimits, SeriesColumns | None], DatasetArrays]
    write: Callable[[Array, Array, BinaryIO], None]
    read_series: Callable[[bytes, SeriesColumns, SizeLimits], Series]
    write_series: Callable[[Series, BinaryIO], None]
    writing_seconds: float  # the estimate for one number, rounded up
    is_compressed: bool = False  # gzip would not make it smaller
