"""Responses: JSON from models and arrays, and files with an ETag."""

from collections.abc import Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from service.schemas.base import encode

MEDIA_TYPES = {
    "png": "image/png",
    "svg": "image/svg+xml",
    "pdf": "application/pdf",
    "csv": "text/csv; charset=utf-8",
    "npz": "application/x-npz",
}
CACHE_CONTROL = "max-age=300"


class OrjsonResponse(Response):
    """A response model as JSON; numbers that are not finite become null."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Return the bytes."""
        return encode(content)


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


def stream_response(parts: Iterator[bytes], suffix: str, etag: str) -> Response:
    """Return a file that is streamed while it is written, and that caches may store."""
    headers = {"ETag": etag, "Cache-Control": CACHE_CONTROL}
    return StreamingResponse(parts, headers=headers, media_type=MEDIA_TYPES[suffix])


def not_modified(request: Request, etag: str, *, exists: bool = True) -> Response | None:
    """Return a 304 if the caller has the file (RFC 9110, section 13.1.2), else None.

    Parameters
    ----------
    exists
        False while the file may not exist at all, and so cannot match ``*``.
    """
    header = ",".join(request.headers.getlist("if-none-match"))
    etags = {tag.strip().removeprefix("W/") for tag in header.split(",")}
    if etag not in etags and not (exists and header.strip() == "*"):
        return None
    return Response(status_code=304, headers={"ETag": etag, "Cache-Control": CACHE_CONTROL})
