"""Compression of responses with gzip."""

import re
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.figures.formats import PICTURE_FORMATS
from service.formats import DATASET_FORMATS

MIN_BYTES: Final = 1000  # a smaller response fits into one packet
LEVEL: Final = 4
# Media types of the service. Starlette would normalize its whole list for every request.
NOT_COMPRESSED: Final = (
    "text/event-stream",
    *(fmt.media_type for fmt in (PICTURE_FORMATS | DATASET_FORMATS).values() if fmt.is_compressed),
)
SUFFIX: Final = '-gzip"'  # the end of the ETag of a compressed response
CONDITIONS: Final = ("if-none-match", "if-match")
REFUSED: Final = re.compile(r"gzip\s*;\s*q=0(\.0*)?\s*(,|$)", re.IGNORECASE)


class CompressionMiddleware(GZipMiddleware):
    """Starlette's compression, with separate ETags and support for ``gzip;q=0``.

    The ETag of a compressed response differs from that of the uncompressed one, because the bytes
    differ (RFC 9110, section 8.8.3.3). The application uses only the latter. Starlette compresses
    in a thread if that takes more than a few milliseconds.
    """

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app, MIN_BYTES, LEVEL, exclude_content_types=NOT_COMPRESSED)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_headers = MutableHeaders(scope=scope)
        knows_compressed = False
        for name in CONDITIONS:
            condition = ", ".join(request_headers.getlist(name))
            if SUFFIX in condition:
                knows_compressed = True
                request_headers[name] = condition.replace(SUFFIX, '"')
        is_refused = REFUSED.search(request_headers.get("accept-encoding", ""))
        if is_refused or "range" in request_headers:  # ranges refer to the original
            del request_headers["accept-encoding"]

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

        await super().__call__(scope, receive, send_with_etag)
