"""Responses: JSON from models and arrays, and files with an ETag."""

import hashlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, TypeVarTuple

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from service.api.errors import INTERNAL, PreconditionFailed, problem_type
from service.api.request_record import INTERRUPTION, Interruption
from service.errors import ServiceError
from service.figures.formats import PICTURE_FORMATS
from service.formats import DATASET_FORMATS
from service.operations.context import Context
from service.operations.downloads import Download
from service.scheduling import charge_work
from service.schemas.base import ResponseModel, encode

Arguments = TypeVarTuple("Arguments")
logger = logging.getLogger(__name__)

MEDIA_TYPES = {
    suffix: each.media_type for suffix, each in (PICTURE_FORMATS | DATASET_FORMATS).items()
}
CACHE_CONTROL = "max-age=300"
REVALIDATE = "no-cache"


class OrjsonResponse(Response):
    """A response model as JSON; numbers that are not finite become null. Bytes are JSON already.

    Without a Cache-Control, a cache may choose how long it stores a list.
    """

    media_type = "application/json"

    def __init__(
        self, content: Any, status_code: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(content, status_code, headers)
        self.raw_headers.append((b"cache-control", REVALIDATE.encode()))

    def render(self, content: Any) -> bytes:
        """Return the bytes."""
        return content if isinstance(content, bytes) else encode(content)


def encode_result(
    use_case: Callable[[*Arguments], ResponseModel],
) -> Callable[[*Arguments], bytes]:
    """Return a function that also encodes the result as JSON, in the thread that computes it.

    Encoding the largest response takes 20 ms, too long for the event loop.
    """

    def compute(*arguments: *Arguments) -> bytes:
        return encode(use_case(*arguments))

    return compute


def status_response(
    content: Any, location: str, *, created: bool, unfinished: bool, headers: dict[str, str]
) -> OrjsonResponse:
    """Return a computation: 202 while it is unfinished, else 201 if it was created, else 200."""
    if unfinished or created:
        headers["Location"] = location
    if unfinished:
        headers["Retry-After"] = "1"
    return OrjsonResponse(content, 202 if unfinished else 201 if created else 200, headers)


def file_response(body: bytes, suffix: str, etag: str) -> Response:
    """Return a picture, a table or an archive, which caches may store."""
    headers = {"ETag": etag, "Cache-Control": CACHE_CONTROL}
    return Response(body, headers=headers, media_type=MEDIA_TYPES[suffix])


async def download_response(
    request: Request, state: Context, download: Download, suffix: str
) -> Response:
    """Return a file that is streamed while it is written, and that caches may store."""
    unchanged = not_modified(request, download.etag)
    if unchanged is not None:
        return unchanged
    parts: AsyncIterator[bytes] | tuple[bytes] = (b"",)  # a part, so that the headers are the same
    if not request.scope.get("head"):
        await charge_work(download.writing_seconds)
        parts = state.scheduler.iterate(await state.scheduler.run(download.seconds, download.open))
    headers = {"ETag": download.etag, "Cache-Control": CACHE_CONTROL}
    return _Stream(parts, headers=headers, media_type=MEDIA_TYPES[suffix])


class _Stream(StreamingResponse):
    """A file that remains incomplete, so that the connection is closed, if it cannot be read.

    Its status has been sent, so there is no other way to report, for example, a deletion.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except ServiceError as error:
            status = problem_type(error).status
            scope.setdefault(INTERRUPTION, Interruption(status, error.detail))
            level = logging.ERROR if status == INTERNAL.status else logging.WARNING
            logger.log(level, "request %s: incomplete: %s", scope["request_id"], error.detail)


def not_modified(
    request: Request, etag: str, *, exists: bool = True, cache_control: str = CACHE_CONTROL
) -> Response | None:
    """Return a 304 if a GET finds what the caller has (RFC 9110, section 13.1.2), else None.

    Parameters
    ----------
    exists
        False while the file may not exist at all, and so cannot match ``*``.
    """
    header = _join(request, "if-none-match")
    if request.method != "GET":  # which HEAD counts as here; the result of a POST has no cache
        return None
    etags = {tag.strip().removeprefix("W/") for tag in header.split(",")}
    if etag not in etags and not (exists and header.strip() == "*"):
        return None
    return Response(status_code=304, headers={"ETag": etag, "Cache-Control": cache_control})


def content_response(
    request: Request, body: bytes, media_type: str, headers: Mapping[str, str]
) -> Response:
    """Return what is in memory with the ETag of its bytes, or 304 if the caller has it."""
    etag = _hash(body)
    unchanged = not_modified(request, etag, cache_control=headers["Cache-Control"])
    return unchanged or Response(body, headers={"ETag": etag, **headers}, media_type=media_type)


def item_response(request: Request, content: Any) -> Response:
    """Return a resource as JSON, with the ETag that `check_if_match` expects."""
    headers = {"Cache-Control": REVALIDATE}
    return content_response(request, encode(content), OrjsonResponse.media_type, headers)


async def check_if_match(request: Request, read: Callable[[], Awaitable[Any]]) -> None:
    """Compare the If-Match header, if there is one, with a resource (RFC 9110, section 13.1.1).

    Parameters
    ----------
    read
        Returns the resource; raises NotFound.

    Raises
    ------
    PreconditionFailed
        The resource has another ETag.
    """
    header = _join(request, "if-match")
    if not header:
        return
    etag = _hash(encode(await read()))
    if header.strip() != "*" and etag not in {tag.strip() for tag in header.split(",")}:
        raise PreconditionFailed(f"the resource has the ETag {etag}, not {header[:80]}")


def _join(request: Request, name: str) -> str:
    return ",".join(request.headers.getlist(name))


def _hash(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'
