"""Why a job fails: the errors that its row tells."""

from typing import Any, Final

from service.errors import FULL, INTERNAL, Kind

CANNOT: Final = Kind("job", "The job cannot be done", 500)
LOST: Final = Kind("worker-lost", "The job ended its workers", 500)

JOB_KINDS: Final = (CANNOT, LOST, INTERNAL, FULL)


def failure(kind: Kind, detail: str) -> dict[str, Any]:
    """Return what a failed job tells, as a problem."""
    return {
        "type": f"/problems/{kind.slug}",
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
    }
