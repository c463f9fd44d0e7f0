"""List, describe, cancel and delete computations: training runs, basin maps and fits."""

from dataclasses import fields
from typing import Any

from service import store
from service.lifecycle import UNFINISHED
from service.operations.computations.job_types import JobType
from service.operations.shared.ids import check_id
from service.schemas.base import ResponseModel
from service.schemas.computations import Progress
from service.store.rows import ComputationRow


def describe(
    job_type: JobType[Any], row: ComputationRow, error: dict[str, Any] | None = None
) -> ResponseModel:
    """Return a computation as its response model.

    The model is built without validation, because the result in the row was validated when it was
    computed. ``error`` is the problem of a failed job.
    """
    progress = Progress.model_construct(done=row.progress_done, total=row.progress_total)
    own = {"progress": progress, "error": error, "links": links(job_type, row) if row.id else None}
    columns = {field.name: getattr(row, field.name) for field in fields(row)}
    values = columns | (row.result or {}) | own  # the model has some of these
    return job_type.response_model.model_construct(**values)


def links(job_type: JobType[Any], row: ComputationRow) -> dict[str, str]:
    """Return the paths of a computation and of its parts."""
    here = f"{job_type.path}/{row.id}"
    paths = {"self": here, "events": f"{here}/events"}
    if row.status in UNFINISHED:
        paths["cancel"] = f"{here}/cancel"
    if row.status == "succeeded":
        paths |= {name: here + relative for name, relative in job_type.files.items()}
    return paths


def get_row(job_type: JobType[Any], identifier: str, database: "store.Database") -> ComputationRow:
    """Return the row of a stored computation; raises NotFound."""
    return store.computations.get(database, check_id(job_type.prefix, identifier))


def cancel(
    job_type: JobType[Any], identifier: str, database: "store.Database"
) -> tuple[ComputationRow, bool]:
    """Cancel a computation; the flag is False if it had already finished. Raises NotFound."""
    return store.jobs.cancel(database, check_id(job_type.prefix, identifier))


def delete(job_type: JobType[Any], identifier: str, database: "store.Database") -> None:
    """Delete a finished computation; raises NotFound, and Conflict while it is unfinished."""
    store.computations.delete(database, check_id(job_type.prefix, identifier))
