"""What the formats share: the arrays of a dataset, and the limits of their size."""

from collections.abc import Callable
from typing import BinaryIO, NamedTuple, Protocol, TypeAlias

from service.engine.types import Array
from service.store.array_codec import ArrayStream


class SizeLimits(Protocol):
    """Limits on the size of a dataset."""

    @property
    def max_steps(self) -> int:
        """The maximum length of a sequence."""

    def check_cells(self, n_samples: int, n_steps: int) -> None:
        """Raise LimitExceeded for a dataset that is too long or too large."""


DatasetArrays: TypeAlias = tuple[Array, Array]
"""The inputs (N, T) and the targets (N,)."""


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
    writing_seconds
        The estimated seconds for writing one number, rounded up.
    """

    suffix: str
    media_type: str
    read: Callable[[bytes, SizeLimits], DatasetArrays]
    write: Callable[[ArrayStream, ArrayStream, BinaryIO], None]
    writing_seconds: float
