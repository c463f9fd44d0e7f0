"""The problems that a failed job reports.

A job stores the slug of the problem and a detail. The API adds the title and the status number.
"""

from typing import Any, Final

JOB_FAILED: Final = "job"
WORKER_LOST: Final = "worker-lost"
INTERNAL: Final = "internal"
STORE_FULL: Final = "store-full"


def make_problem(slug: str, detail: str) -> dict[str, Any]:
    """Return a problem as it is stored in the row of a failed job.

    Parameters
    ----------
    slug
        One of the slugs above.
    detail
        A sentence for the caller, without internals.
    """
    return {"type": slug, "detail": detail}
