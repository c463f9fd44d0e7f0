"""Responses: JSON straight from numpy, and contents with an ETag."""

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
MAX_AGE = "max-age=300"


class OrjsonResponse(Response):
    """An answer schema as JSON; numbers that are not finite become null."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Write the bytes."""
        return encode(content)


def content(body: bytes, suffix: str, etag: str) -> Response:
    """Return a picture, table or archive that may be cached."""
    headers = {"ETag": etag, "Cache-Control": MAX_AGE}
    return Response(body, headers=headers, media_type=MEDIA_TYPES[suffix])


def streamed(parts: Iterator[bytes], suffix: str, etag: str) -> Response:
    """Return contents that may be cached, and are made while they are sent."""
    headers = {"ETag": etag, "Cache-Control": MAX_AGE}
    return StreamingResponse(parts, headers=headers, media_type=MEDIA_TYPES[suffix])


def not_modified(request: Request, etag: str, *, exists: bool = True) -> Response | None:
    """Return a 304 if the caller has this already (RFC 9110, section 13.1.2).

    Parameters
    ----------
    exists
        False while there may yet be no answer at all: then ``*`` names nothing.
    """
    given = ",".join(request.headers.getlist("if-none-match"))
    known = {tag.strip().removeprefix("W/") for tag in given.split(",")}
    if etag not in known and not (exists and given.strip() == "*"):
        return None
    return Response(status_code=304, headers={"ETag": etag, "Cache-Control": MAX_AGE})
