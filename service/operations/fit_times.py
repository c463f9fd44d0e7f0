"""The times of the steps of a fit, for its table."""

import numpy as np

from service.engine.data import Step
from service.schemas.times import list_times
from service.store import computations, datasets
from service.store.array_codec import ArrayStream
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
    starts, unit = series["start_times"], Step(**series["step"])
    arrays = computations.open_streams(database, row.id)
    sequences, steps = arrays["sequence"], arrays["step"]
    texts = (
        np.array(list_times(starts, unit, sequences.take(CHUNK), steps.take(CHUNK) - 1), object)
        for _ in range(0, steps.size, CHUNK)
    )
    sequence, step, *others = table.items()
    times = ArrayStream((steps.size,), np.dtype(object), texts)
    return dict([sequence, step, ("time", times), *others])
