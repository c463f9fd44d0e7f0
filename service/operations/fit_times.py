"""The times of the steps of a fit, for its table."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from service.engine.data import Step
from service.schemas.times import list_times
from service.store import computations, datasets
from service.store.array_codec import AnyArray, ArrayStream
from service.store.database import Database
from service.store.rows import ComputationRow

CHUNK = 20_000  # rows


def add_times_of_steps(
    row: ComputationRow, database: Database, table: dict[str, ArrayStream]
) -> dict[str, ArrayStream]:
    """Return the table of a fit with its times after the steps, if the series has times."""
    source = row.request["dataset"]
    series = datasets.get(database, source["id"]).series if source["kind"] == "stored" else None
    if series is None or not series.get("start_times"):
        return table
    arrays = computations.open_streams(database, row.id)
    texts = _list_texts(
        arrays["sequence"], arrays["step"], series["start_times"], Step(**series["step"])
    )
    sequence, step, *others = table.items()
    times = ArrayStream((table["step"].size,), np.dtype(object), texts)
    return dict([sequence, step, ("time", times), *others])


def _list_texts(
    sequences: ArrayStream, steps: ArrayStream, starts: Sequence[str | float], step: Step
) -> Iterator[AnyArray]:
    """Yield the times of the steps, which follow each other within a sequence."""
    for _ in range(0, sequences.size, CHUNK):
        codes = sequences.take(CHUNK).astype(int)
        numbers = steps.take(CHUNK).astype(int)
        cuts = [0, *(np.flatnonzero(np.diff(codes)) + 1), len(codes)]
        texts = [
            text
            for begin, end in pairwise(cuts)
            for text in list_times(starts[codes[begin]], step, numbers[begin] - 1, end - begin)
        ]
        yield np.array(texts, object)
