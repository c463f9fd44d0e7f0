"""Files that are written once, and sent in whole or in part (RFC 9110, section 14)."""

import errno
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final
from weakref import WeakSet, finalize

from cachetools import LRUCache
from starlette.exceptions import HTTPException
from starlette.requests import Request

from service.errors import Busy, StoreFull

PART_BYTES: Final = 256 * 1024  # in memory for each client
CACHE_BYTES: Final = 512 * 1024**2  # of the latest files; with default limits, any file fits
DISK_BYTES: Final = 1024**3  # of these and of all that are being sent
# Several ranges in one header are ignored, as RFC 9110 allows.
RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII | re.IGNORECASE)


class WrittenFile:
    """A file without a name, which the operating system deletes when nobody uses it.

    Parameters
    ----------
    parts
        The content.
    directory
        Where it is. None selects the system's directory.

    Raises
    ------
    StoreFull
        The disk is full.
    """

    def __init__(self, parts: Iterable[bytes], directory: Path | None = None) -> None:
        try:
            file = TemporaryFile(dir=directory, buffering=0)  # noqa: SIM115 - `finalize` closes it
            finalize(self, file.close)
            for part in parts:
                if file.write(part) < len(part):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            raise StoreFull(f"the file cannot be written: {error.strerror or 'error'}") from error
        self._descriptor = file.fileno()
        self._size = file.tell()

    def __len__(self) -> int:
        return self._size

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the parts between two positions. Several threads may read at the same time."""
        for position in range(start, stop, PART_BYTES):
            yield os.pread(self._descriptor, min(PART_BYTES, stop - position), position)


class FileStore:
    """The files that are being sent, and the latest ones, which are kept for the next request.

    Clients ask for the size of a file before they read it, and read it in several ranges.

    Parameters
    ----------
    directory
        For temporary files. None selects the system's directory.
    cache_bytes
        The maximum size of the files that are kept.
    max_bytes
        No file is written while those that exist are larger than this together.
    """

    def __init__(
        self,
        directory: Path | None = None,
        cache_bytes: int = CACHE_BYTES,
        max_bytes: int = DISK_BYTES,
    ) -> None:
        self.directory = directory
        self._latest: LRUCache[str, WrittenFile] = LRUCache(cache_bytes, getsizeof=len)
        self._existing: WeakSet[WrittenFile] = WeakSet()
        self._max_bytes = max_bytes

    def find(self, etag: str) -> WrittenFile | None:
        """Return the file with this content if it is kept; else raise Busy if there is no space."""
        file = self._latest.get(etag)
        if file is None and sum(map(len, self._existing)) > self._max_bytes:
            raise Busy("too many large files are being sent")
        return file

    def add(self, etag: str, file: WrittenFile) -> None:
        """Keep a file, unless it is too large."""
        self._existing.add(file)
        with suppress(ValueError):
            self._latest[etag] = file


def find_range(request: Request, etag: str, size: int) -> range | None:
    """Return the positions of the bytes that a GET asks for, or None for all of them.

    An invalid range is ignored, and one of a file with another ETag.

    Raises
    ------
    HTTPException
        The range begins after the end (416).
    """
    match = RANGE.fullmatch(request.headers.get("range", "").replace(" ", ""))
    if match is None or request.method != "GET" or "head" in request.scope:
        return None
    if request.headers.get("if-range", etag) != etag:
        return None
    first, last = match.groups()
    if first:
        selected = range(int(first), min(int(last) + 1, size) if last else size)
        is_valid = not last or int(first) <= int(last)
    else:
        selected = range(max(0, size - int(last or 0)), size)
        is_valid = bool(last)
    if is_valid and not selected:
        detail = f"the file has {size} bytes"
        raise HTTPException(416, detail, {"Content-Range": f"bytes */{size}"})
    return selected if is_valid else None
