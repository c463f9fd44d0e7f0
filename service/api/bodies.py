"""Large request bodies: up to 64 KiB in memory, the rest in a temporary file.

Many clients can send large bodies at the same time, slowly. A body is loaded into memory only when
its computation begins.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, Final, cast

from starlette.datastructures import UploadFile
from starlette.requests import Request

from service.api.errors import TOO_LARGE, Refused
from service.errors import Busy, StoreFull

MEMORY_BYTES: Final = 64 * 1024  # of one body
DISK_BYTES: Final = 4 * 1024**3  # of all bodies together


class BodyStore:
    """The bodies that are being received or wait for their computation.

    All bodies together have at most ``max_bytes``. None as the directory of temporary files selects
    the system's.
    """

    def __init__(self, directory: Path | None = None, max_bytes: int = DISK_BYTES) -> None:
        self._directory = directory
        self._free_bytes = max_bytes

    @asynccontextmanager
    async def receive(
        self, request: Request, limit: int, advice: str = ""
    ) -> AsyncIterator[UploadFile]:
        """Receive the body of a request; it exists until the context ends.

        It raises Refused for more than ``limit`` bytes, with advice; Busy if the bodies of other
        clients use all space; and StoreFull.
        """
        directory = None if self._directory is None else str(self._directory)
        with SpooledTemporaryFile(MEMORY_BYTES, dir=directory) as file:
            body = UploadFile(cast("BinaryIO", file), size=0)
            try:
                await self._fill(body, request, limit, advice)
                yield body
            finally:
                self._free_bytes += body.size or 0

    async def _fill(self, body: UploadFile, request: Request, limit: int, advice: str) -> None:
        too_large = Refused(TOO_LARGE, f"the body is larger than {limit} bytes{advice}")
        if int(request.headers.get("content-length", 0)) > limit:
            raise too_large
        async for chunk in request.stream():
            self._free_bytes -= len(chunk)
            try:
                await body.write(chunk)  # in a thread if it is a file
            except OSError as error:
                reason = error.strerror or "error"
                raise StoreFull(f"the body cannot be stored: {reason}") from error
            if (body.size or 0) > limit:
                raise too_large
            if self._free_bytes < 0:
                raise Busy("too many large bodies are being received")
        await body.seek(0)
