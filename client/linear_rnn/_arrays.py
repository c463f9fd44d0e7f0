"""Arrays: of numpy if it is installed, otherwise lists with nan for non-finite numbers."""

import io
import math
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]
    IntArray = np.ndarray[Any, np.dtype[np.int64]]
else:

    class Array:
        """A marker of fields with floating-point numbers."""

    class IntArray:
        """A marker of fields with integers."""


NAN = math.nan


def to_array(values: Sequence[Any], kind: type[float] = float) -> Any:
    """Return numbers as an array of floats or integers, with nan for None; rows are preserved."""
    if find_spec("numpy") is None:
        return [NAN if v is None else to_array(v) if isinstance(v, list) else v for v in values]
    import numpy as np

    return np.array(values, dtype=kind)


def read_npz(content: bytes) -> dict[str, Any]:
    """Return the arrays of an npz archive by name."""
    if find_spec("numpy") is None:
        raise ImportError("this result is an archive of arrays: install numpy to read it")
    import numpy as np

    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        return dict(archive)


def read_csv(content: bytes) -> dict[str, Any]:
    """Return the columns of a CSV table by name: arrays of numbers, or lists of text."""
    import csv

    header, *rows = csv.reader(io.StringIO(content.decode()))
    return {name: to_column([row[k] for row in rows]) for k, name in enumerate(header)}


def to_column(values: Sequence[Any]) -> Any:
    """Return numbers, also as text, as an array, and other text as a list; rows are preserved."""
    if values and isinstance(values[0], list):
        return [to_column(row) for row in values]
    try:
        if all(str(value).removeprefix("-").isdigit() for value in values):
            return to_array([int(value) for value in values], int)
        return to_array([NAN if value in {"", None} else float(value) for value in values])
    except ValueError:
        return values
