"""Server-sent events: the progress of a job, read from the database and so from any replica."""

from collections.abc import AsyncIterator, Callable
from time import monotonic
from typing import Any

from fastapi.sse import EventSourceResponse, format_sse_event
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from service.api.job_watcher import JobWatcher
from service.api.openapi import Responses
from service.lifecycle import UNFINISHED
from service.schemas.base import ResponseModel, encode
from service.store.rows import ComputationRow

COMMENT_SECONDS = 15.0
RETRY_MILLISECONDS = 1000
DONE = "done"

EVENTS: Responses = {
    200: {
        "description": "`progress` events with `done` and `total`, as in the field `progress`; the "
        "event id is `done`. For training runs they also have the latest `cost` and `weights`, "
        "which are null for others. A comment every 15 seconds. At the end, one `done` event with "
        "the computation.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    },
    204: {"description": "The `done` event has already been sent."},
}


def refuse_head(request: Request) -> None:
    """Raise a 405 for HEAD, since an endless stream has no response without a body."""
    if request.scope.get("head"):
        raise HTTPException(405)


def event_response(
    request: Request,
    row: ComputationRow,
    watcher: JobWatcher,
    describe: Callable[[ComputationRow], ResponseModel],
) -> Response:
    """Return the events of a computation as a stream; ``describe`` makes the data of the last."""
    finished = row.status not in UNFINISHED
    if finished and request.headers.get("last-event-id") == DONE:
        return Response(status_code=204)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return EventSourceResponse(stream_events(row, watcher, describe), headers=headers)


async def stream_events(
    row: ComputationRow,
    watcher: JobWatcher,
    describe: Callable[[ComputationRow], ResponseModel],
    comment_seconds: float = COMMENT_SECONDS,
) -> AsyncIterator[bytes]:
    """Yield the events of a computation, and a comment where there was none for some seconds."""
    retry: int | None = RETRY_MILLISECONDS  # with the first event: some take it alone for one
    sent: object = None
    sent_at = monotonic()
    if row.status in UNFINISHED:
        async for current in watcher.watch(row.id):
            row = current or row
            if row.status not in UNFINISHED:
                break
            if (row.lease, row.progress_done) != sent:
                sent, sent_at = (row.lease, row.progress_done), monotonic()
                yield _event("progress", str(row.progress_done), _progress(row), retry)
                retry = None
            elif monotonic() - sent_at >= comment_seconds:
                sent_at = monotonic()
                yield format_sse_event(comment="keep-alive")
    if row.status not in UNFINISHED:
        yield _event(DONE, DONE, describe(row), retry)


def _progress(row: ComputationRow) -> dict[str, Any]:
    latest = row.latest or {"weights": None, "cost": None}
    return {"done": row.progress_done, "total": row.progress_total, **latest}


def _event(name: str, event_id: str, data: Any, retry: int | None) -> bytes:
    text = encode(data).decode()
    return format_sse_event(event=name, id=event_id, data_str=text, retry=retry)
