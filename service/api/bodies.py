"""Request bodies: in memory while there is room for all of them together, else on disk.

Many clients may send large bodies at the same time, slowly. Only bodies whose computation begins
are then loaded into memory.
"""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import IO, Final

from anyio import to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request

from service.errors import Busy, StoreFull

MEBIBYTE: Final = 1024 * 1024
MEMORY_BYTES: Final = 64 * MEBIBYTE  # of all bodies together
DISK_BYTES: Final = 4096 * MEBIBYTE  # of all bodies together
MAX_LENGTH_DIGITS: Final = 18  # of a Content-Length; a longer one is above any limit
BLOCK_BYTES: Final = MEBIBYTE // 4  # written to disk at a time


class BodyStore:
    """The bodies that are being received or wait for their computation.

    Parameters
    ----------
    directory
        For bodies on disk. None selects the system's directory for temporary files.
    memory_bytes, disk_bytes
        The room for all bodies together.
    """

    def __init__(
        self,
        directory: Path | None = None,
        memory_bytes: int = MEMORY_BYTES,
        disk_bytes: int = DISK_BYTES,
    ) -> None:
        self.directory = directory
        self.free_memory = memory_bytes
        self.free_disk = disk_bytes

    @asynccontextmanager
    async def receive(
        self, request: Request, limit: int, advice: str = ""
    ) -> "AsyncIterator[Body]":
        """Receive the body of a request; it exists until the context ends.

        Parameters
        ----------
        limit
            The maximum size in bytes.
        advice
            What to do instead of sending a larger body.

        Raises
        ------
        HTTPException
            The body is larger than the limit (413).
        Busy
            The bodies of other clients need all room.
        StoreFull
            The disk is full.
        """
        body = Body(self)
        try:
            if declared_size(request) > limit:
                raise _too_large(limit, advice)
            async for chunk in request.stream():
                await body.append(chunk)
                if body.size > limit:
                    raise _too_large(limit, advice)
            yield body
        finally:
            body.close()


class Body:
    """A body: a file if it was moved to disk, and the last part of it in memory."""

    def __init__(self, store: BodyStore) -> None:
        self.size = 0
        self._store = store
        # Loaded without a copy; a list of chunks of one byte would need 40 times the memory.
        self._buffer = BytesIO()
        self._n_on_disk = 0
        self._file: IO[bytes] | None = None

    async def append(self, chunk: bytes) -> None:
        """Add a chunk, and move the body to disk if there is no room in memory."""
        self.size += len(chunk)
        self._buffer.write(chunk)
        self._store.free_memory -= len(chunk)
        if self._store.free_memory < 0 and self._buffer.tell() >= BLOCK_BYTES:
            if self._store.free_disk < self._buffer.tell():
                raise Busy("too many large bodies are being received")
            part, self._buffer = self._buffer.getvalue(), BytesIO()
            self._n_on_disk += len(part)
            self._store.free_memory += len(part)
            self._store.free_disk -= len(part)
            await to_thread.run_sync(self._write, part)

    @property
    def is_in_memory(self) -> bool:
        """Whether loading the body needs no disk."""
        return self._file is None

    def load(self) -> bytes:
        """Return the whole body."""
        if self._file is None:
            return self._buffer.getvalue()
        self._file.seek(0)
        return self._file.read() + self._buffer.getvalue()

    def close(self) -> None:
        """Delete the body."""
        self._store.free_memory += self._buffer.tell()
        self._store.free_disk += self._n_on_disk
        if self._file is not None:
            self._file.close()

    def _write(self, part: bytes) -> None:
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._store.directory)  # noqa: SIM115
            self._file.write(part)
        except OSError as error:
            reason = error.strerror or "error"
            raise StoreFull(f"the body cannot be stored: {reason}") from error


def declared_size(request: Request) -> int:
    """Return the size of the body according to its Content-Length, or 0."""
    for name, value in request.scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() and len(value) <= MAX_LENGTH_DIGITS else 0
    return 0


def _too_large(limit: int, advice: str = "") -> HTTPException:
    return HTTPException(413, f"the body is larger than the limit of {limit} bytes{advice}")
