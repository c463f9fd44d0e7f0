"""The rows of a fit that a picture shows."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from service.engine.types import Array

MAX_SINGLE: Final = 1_000  # sequences with one row, which are drawn side by side
MAX_ROWS: Final = 4_000  # above which rows between extremes are left out, about


def find_first(sequences: NDArray[Any]) -> NDArray[np.intp]:
    """Return the index of the first row of each sequence."""
    return np.flatnonzero(np.diff(sequences, prepend=-1))


def list_groups(result: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Return the levels and the gains of sequences, in the result of a fit, as columns.

    Parameters
    ----------
    result
        Of a fit.

    Returns
    -------
    table
        The columns are sequence (empty for all of them), input (empty for the level), value, low
        and high.
    """
    shared = {"": result["offset"]}
    shared |= {each["name"]: each["steady_state_gain"] for each in result["inputs"]}
    own = {"": result["offsets"]} | {each["name"]: each["gains"] for each in result["inputs"]}
    rows = []
    for name, estimate in shared.items():
        every = [] if estimate is None else [{"sequence": "", **estimate}]
        rows += [(name, each) for each in own[name] or every]
    numbers = ("value", "low", "high")
    return {
        "sequence": np.array([each["sequence"] for _, each in rows], object),
        "input": np.array([name for name, _ in rows], object),
        **{key: np.array([each[key] for _, each in rows], np.float64) for key in numbers},
    }


def select_rows(
    sequences: NDArray[Any], columns: Sequence[Array], n_shown: int
) -> NDArray[np.intp]:
    """Return the indices of rows to draw.

    Of many rows, those with the lowest and the highest values of each column in short ranges look
    like all of them.

    Parameters
    ----------
    sequences
        That of each row (m,), ascending.
    columns
        What is drawn, each (m,); nan for missing values.
    n_shown
        The number of sequences to draw, unless each has one row.
    """
    first, end = find_first(sequences), len(sequences)
    if len(first) == end:
        end = min(end, MAX_SINGLE)
    elif len(first) > n_shown:
        end = int(first[n_shown])
    if end <= MAX_ROWS:
        return np.arange(end)
    edges = np.linspace(0, end, MAX_ROWS // (2 * len(columns)) + 1).astype(np.intp)
    kept = [first[first < end], first[(first > 0) & (first <= end)] - 1, np.array([end - 1])]
    for column in columns:
        missing = np.isnan(column)
        low, high = np.where(missing, np.inf, column), np.where(missing, -np.inf, column)
        for start, stop in pairwise(edges.tolist()):
            lowest, highest = np.argmin(low[start:stop]), np.argmax(high[start:stop])
            kept.append(start + np.array([lowest, highest]))
    return np.unique(np.concatenate(kept))
