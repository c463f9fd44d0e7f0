"""Checkpoints of jobs: the arrays from which a job resumes."""

from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

from sqlalchemy import func

from service.errors import NotFound
from service.store import arrays
from service.store.database import Database
from service.store.jobs import update_running
from service.store.rows import JsonObject
from service.store.tables import computations, current_time
from service.values.array_codec import AnyArray

Arrays = Mapping[str, AnyArray]


class Checkpoint(NamedTuple):
    """The progress of a job, and the arrays from which it resumes."""

    n_parts: int  # stored before this checkpoint
    done: int  # iterations
    latest: JsonObject | None  # the weights and the cost to report
    state: Arrays  # replaces that of the previous checkpoint
    part: Arrays  # results since the previous checkpoint, stored until the job ends
    seconds: float  # spent computing
    due: float | None = None  # see `service.store.jobs`; None does not change it

    @property
    def arrays(self) -> Arrays:
        """All arrays, by the names under which they are stored."""
        parts = {f"part.{self.n_parts}.{name}": array for name, array in self.part.items()}
        return {f"state.{name}": array for name, array in self.state.items()} | parts


def save(database: Database, lease: str, checkpoint: Checkpoint) -> bool:
    """Store a checkpoint; return False, and store nothing, if the lease is no longer valid.

    A worker that lost the connection, and therefore the outcome, can repeat the call.
    """
    database.check_space(sum(array.nbytes for array in checkpoint.arrays.values()))
    with database.transaction() as connection:
        row = update_running(
            connection,
            lease,
            progress_done=checkpoint.done,
            latest=checkpoint.latest,
            compute_seconds=checkpoint.seconds,
            heartbeat_at=current_time(connection),
            deliveries=1,
            due=func.coalesce(checkpoint.due, computations.c.due),
        )
        if row is None:
            return False
        arrays.replace(connection, row.id, checkpoint.state, "state.")
        if checkpoint.part:
            arrays.replace(connection, row.id, checkpoint.part, f"part.{checkpoint.n_parts}.")
        return True


def load(database: Database, computation_id: str) -> tuple[dict[str, AnyArray], list[Arrays]]:
    """Return the state of the last checkpoint and all parts, in order.

    Both are empty before the first checkpoint.
    """
    stored: Arrays = {}
    with suppress(NotFound):
        stored = arrays.load(database, computation_id)

    def select(prefix: str) -> dict[str, AnyArray]:
        return {
            name.removeprefix(prefix): array
            for name, array in stored.items()
            if name.startswith(prefix)
        }

    n_parts = len({name.split(".")[1] for name in stored if name.startswith("part.")})
    return select("state."), [select(f"part.{number}.") for number in range(n_parts)]
