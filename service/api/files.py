"""Files that are written once, and sent to several requests."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, Final
from weakref import WeakSet, finalize

from cachetools import LRUCache

from service.errors import Busy

CHUNK_BYTES: Final = 256 * 1024  # in memory for each client
CACHE_BYTES: Final = 512 * 1024**2  # of the latest files; with default limits, any file fits
DISK_BYTES: Final = 1024**3  # of these and of all files being sent
MEMORY_BYTES: Final = 256 * 1024**2  # of files being sent from memory


class WrittenFile:
    """A file that exists as long as it is in use: without a name, or in memory on a full disk.

    Data can therefore be downloaded from a full disk before they are deleted. ``write`` may be
    called twice.
    """

    def __init__(self, write: Callable[[BinaryIO], None], directory: Path | None = None) -> None:
        self._content = b""
        try:
            with TemporaryFile(dir=directory) as file:
                write(file)
                self._size = file.seek(0, os.SEEK_END)
                descriptor = os.dup(file.fileno())
        except OSError:
            content = BytesIO()
            write(content)
            self._content = content.getvalue()
            self._size = len(self._content)
            return
        self._descriptor = descriptor
        finalize(self, os.close, descriptor)

    def __len__(self) -> int:
        return self._size

    @property
    def is_in_memory(self) -> bool:
        """True if it is not on the disk."""
        return bool(self._content)

    def read(self, selected: range) -> Iterator[bytes]:
        """Yield the bytes at some positions. Several threads may read at the same time."""
        for start in range(selected.start, selected.stop, CHUNK_BYTES):
            end = min(start + CHUNK_BYTES, selected.stop)
            if self._content:
                yield self._content[start:end]
            else:
                yield os.pread(self._descriptor, end - start, start)


class FileStore:
    """A cache of recent files, because clients request the size of a file, then several ranges.

    It contains at most ``cache_bytes``, and no files in memory. No file is written while the
    cached files and those being sent exceed ``max_bytes``, or those in memory their limit.
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
        """Return the cached file with this content, or None; raises Busy if there is no space."""
        file = self._latest.get(etag)
        in_memory = (len(file) for file in self._existing if file.is_in_memory)
        is_full = sum(map(len, self._existing)) > self._max_bytes or sum(in_memory) > MEMORY_BYTES
        if file is None and is_full:
            raise Busy("too many large files are being sent")
        return file

    def add(self, etag: str, file: WrittenFile) -> None:
        """Cache a file, unless it is too large or in memory."""
        self._existing.add(file)
        if not file.is_in_memory:
            with suppress(ValueError):
                self._latest[etag] = file
