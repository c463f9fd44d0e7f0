"""What the formats share: the arrays of a dataset, and the limits of their size."""

from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.engine.data import Series
from service.engine.types import Array
from service.store.array_codec import ArrayStream


class SizeLimits(Protocol):
    """Limits on the size of a dataset."""

    @property
    def max_steps(self) -> int:
        """The maximum length of a sequence."""

    def check_cells(self, n_samples: int, n_steps: int, n_inputs: int = 1) -> None:
        """Raise LimitExceeded for a dataset that is too long or too large."""


DatasetArrays: TypeAlias = tuple[Array, Array]
"""The inputs (N, T) and the targets (N,)."""


class SeriesColumns(NamedTuple):
    """The columns of a file that make a series, by name.

    Attributes
    ----------
    target
        By default ``target``.
    inputs
        By default all other columns.
    sequence
        The column that tells the sequences apart; None if there is one sequence.
    time
        The column of the times, whose steps must be equal; None if they are not known.
    """

    target: str | None = None
    inputs: tuple[str, ...] | None = None
    sequence: str | None = None
    time: str | None = None


class SeriesStream(NamedTuple):
    """A stored series to be written.

    Attributes
    ----------
    columns
        ``inputs`` and ``target``, their names; ``step`` with ``length`` and ``unit``.
    lengths : (n,)
        The lengths of the sequences.
    inputs, targets
        (N, q) and (N,), of all sequences one after the other.
    """

    columns: Mapping[str, Any]
    lengths: NDArray[np.int64]
    inputs: ArrayStream
    targets: ArrayStream


class DatasetFormat(NamedTuple):
    """A format of files that hold a dataset.

    Attributes
    ----------
    suffix, media_type
        How addresses and headers name it.
    read
        Converts a file to its arrays; raises Malformed, Invalid and LimitExceeded.
    write
        Writes inputs and targets to a file.
    read_series, write_series
        The same for a series.
    writing_seconds
        The estimated seconds for writing one number, rounded up.
    """

    suffix: str
    media_type: str
    read: Callable[[bytes, SizeLimits], DatasetArrays]
    write: Callable[[ArrayStream, ArrayStream, BinaryIO], None]
    read_series: Callable[[bytes, SeriesColumns, SizeLimits], Series]
    write_series: Callable[[SeriesStream, BinaryIO], None]
    writing_seconds: float
