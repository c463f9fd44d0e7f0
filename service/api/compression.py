"""Compression of responses with gzip."""

import gzip
import re
from collections.abc import Callable
from threading import Lock
from typing import BinaryIO, Final, cast

from cachetools import LRUCache, cached
from starlette.datastructures import MutableHeaders
from starlette.middleware.gzip import GZipResponder, IdentityResponder
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.figures.formats import PICTURE_FORMATS
from service.formats import DATASET_FORMATS

MIN_BYTES: Final = 1000  # a smaller response fits into one packet
LEVEL: Final = 4
CACHE_BYTES: Final = 16 * 1024**2  # of compressed contents
ENCODED: Final = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
# Media types of the service. Starlette would normalize its whole list for every request.
NOT_COMPRESSED: Final = (
    "text/event-stream",
    *(fmt.media_type for fmt in (PICTURE_FORMATS | DATASET_FORMATS).values() if fmt.is_compressed),
)
SUFFIX: Final = '-gzip"'  # the end of the ETag of a compressed response
CONDITIONS: Final = {b"if-none-match", b"if-match"}
REFUSED: Final = re.compile(rb"gzip\s*;\s*q=0(\.0*)?\s*(,|$)", re.IGNORECASE)


def is_encoded(request: Request, media_type: str) -> bool:
    """Return True if the client accepts gzip, and responses of this type are compressed."""
    is_accepted = "gzip" in request.headers.get("accept-encoding", "")
    return is_accepted and media_type not in NOT_COMPRESSED


@cached(LRUCache(CACHE_BYTES, getsizeof=len), key=lambda etag, _: etag, lock=Lock())
def compress_once(_etag: str, contents: bytes) -> bytes:
    """Return compressed contents, which the ETag identifies; the latest are cached."""
    return gzip.compress(contents, LEVEL, mtime=0)


def write_compressed(write: Callable[[BinaryIO], None]) -> Callable[[BinaryIO], None]:
    """Return a function that writes a file compressed."""

    def write_to(file: BinaryIO) -> None:
        with gzip.GzipFile("", "wb", LEVEL, file, mtime=0) as compressed:
            write(cast("BinaryIO", compressed))

    return write_to


class CompressionMiddleware:
    """Starlette's compression, with separate ETags and support for ``gzip;q=0``.

    The ETag of a compressed response differs from that of the uncompressed one, because the bytes
    differ (RFC 9110, section 8.8.3.3). The application uses only the latter. Starlette compresses
    in a thread if that takes more than a few milliseconds.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = dict(scope["headers"])
        accepted = given.get(b"accept-encoding", b"")
        if b"range" in given or REFUSED.search(accepted):  # ranges refer to the original
            del MutableHeaders(scope=scope)["accept-encoding"]
            accepted = b""
        is_accepted = b"gzip" in accepted
        knows_compressed = not CONDITIONS.isdisjoint(given) and _remove_suffix(
            scope, is_accepted=is_accepted
        )

        async def send_with_etag(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                is_304 = message["status"] == 304
                if is_304 or message["status"] == 206:
                    headers.add_vary_header("Accept-Encoding")
                if "etag" in headers and (
                    "content-encoding" in headers or (is_304 and knows_compressed)
                ):
                    headers["etag"] = headers["etag"][:-1] + SUFFIX
            await send(message)

        responder = IdentityResponder(self.app, MIN_BYTES, exclude_content_types=NOT_COMPRESSED)
        if is_accepted:
            responder = GZipResponder(
                self.app, MIN_BYTES, LEVEL, exclude_content_types=NOT_COMPRESSED
            )
        await responder(scope, receive, send_with_etag)


def _remove_suffix(scope: Scope, *, is_accepted: bool) -> bool:
    """Replace ETags of compressed responses in the conditions of a request; True if any is."""
    headers = MutableHeaders(scope=scope)
    is_replaced = False
    for name in map(bytes.decode, CONDITIONS):
        condition = ", ".join(headers.getlist(name))
        if SUFFIX in condition and (is_accepted or name == "if-match"):
            headers[name] = condition.replace(SUFFIX, '"')
            is_replaced = True
    return is_replaced
