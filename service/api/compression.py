"""Compression of responses with gzip."""

import gzip
import re
from collections.abc import Callable
from typing import BinaryIO, Final, cast

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from service.figures.formats import PICTURE_FORMATS
from service.formats import DATASET_FORMATS

MIN_BYTES: Final = 1000  # a smaller response fits into one packet
LEVEL: Final = 4
ENCODED: Final = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
NOT_COMPRESSED: Final = (
    "text/event-stream",
    "font/*",
    *(fmt.media_type for fmt in (PICTURE_FORMATS | DATASET_FORMATS).values() if fmt.is_compressed),
)
REFUSED: Final = re.compile(r"gzip\s*;\s*q=0(\.0*)?\s*(,|$)", re.IGNORECASE)


class CompressionMiddleware(GZipMiddleware):
    """Starlette's compression, which does not support ``gzip;q=0``."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app, MIN_BYTES, LEVEL, exclude_content_types=NOT_COMPRESSED)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        is_http = scope["type"] == "http"
        if is_http and REFUSED.search(Headers(scope=scope).get("accept-encoding", "")):
            del MutableHeaders(scope=scope)["accept-encoding"]
        await super().__call__(scope, receive, send)


def is_encoded(request: Request, media_type: str) -> bool:
    """Return True if the client accepts gzip, and files of this type are compressed."""
    is_accepted = "gzip" in request.headers.get("accept-encoding", "")
    return is_accepted and media_type not in NOT_COMPRESSED


def write_compressed(write: Callable[[BinaryIO], None]) -> Callable[[BinaryIO], None]:
    """Return a function that writes a file compressed."""

    def write_to(file: BinaryIO) -> None:
        with gzip.GzipFile("", "wb", LEVEL, file, mtime=0) as compressed:
            write(cast("BinaryIO", compressed))

    return write_to
