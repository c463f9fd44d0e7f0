"""Server-sent events: how a job goes on, read from the store and so from any replica."""

from collections.abc import AsyncIterator, Callable
from time import monotonic
from typing import Any

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from service.api.dependencies import AppState
from service.api.openapi import Responses
from service.schemas.base import ResponseModel, encode
from service.store import computations
from service.store.rows import ComputationRow
from service.store.tables import UNFINISHED

COMMENT_SECONDS = 15.0
DONE = "done"

EVENTS: Responses = {
    200: {
        "description": "`progress` with `done`, `total`, `cost` and `weights`, its id the "
        "iterations done; a comment every 15 seconds; then `done` with the whole answer.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    },
    204: {"description": "`done` was sent before: there is no more to come."},
}


async def events(
    request: Request,
    computation_id: str,
    state: AppState,
    describe: Callable[[ComputationRow], ResponseModel],
) -> Response:
    """Answer with the stream of a job's events; raises NotFound."""
    if request.scope.get("head"):
        raise HTTPException(405)
    row = await run_in_threadpool(computations.get, state.database, computation_id)
    over = row.status not in UNFINISHED
    if over and request.headers.get("last-event-id") == DONE:
        return Response(status_code=204)
    stream = _stream(row, state, describe)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(stream, headers=headers, media_type="text/event-stream")


async def _stream(
    row: ComputationRow, state: AppState, describe: Callable[[ComputationRow], ResponseModel]
) -> AsyncIterator[bytes]:
    yield b"retry: 1000\n\n"
    told: object = None
    spoken = monotonic()
    if row.status in UNFINISHED:
        async for seen in state.watch.looks(row.id):
            row = seen or row
            if row.status not in UNFINISHED:
                break
            if (row.lease, row.progress_done) != told:
                told, spoken = (row.lease, row.progress_done), monotonic()
                yield _event("progress", str(row.progress_done), _progress(row))
            elif monotonic() - spoken >= COMMENT_SECONDS:
                spoken = monotonic()
                yield b": still here\n\n"
    if row.status not in UNFINISHED:
        yield _event(DONE, DONE, describe(row))


def _progress(row: ComputationRow) -> dict[str, Any]:
    latest = row.latest or {"weights": None, "cost": None}
    return {"done": row.progress_done, "total": row.progress_total, **latest}


def _event(name: str, event_id: str, data: Any) -> bytes:
    return b"event: %b\nid: %b\ndata: %b\n\n" % (name.encode(), event_id.encode(), encode(data))
