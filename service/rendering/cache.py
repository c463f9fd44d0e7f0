"""Rendered contents, kept for the next one who asks."""

from collections import OrderedDict
from threading import Lock

LARGEST = 4  # what takes more than a quarter of the room would push out all else


class Contents:
    """Contents by ETag; those asked for least recently make room for new ones.

    An ETag names its bytes for ever, so that nothing here can become wrong.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def n_bytes(self) -> int:
        """How much is kept."""
        return self._bytes

    def get(self, etag: str) -> bytes | None:
        """Return contents, None where they are not kept."""
        with self._lock:
            found = self._kept.get(etag)
            if found is not None:
                self._kept.move_to_end(etag)
            return found

    def put(self, etag: str, contents: bytes) -> None:
        """Keep contents, unless they are too large to be worth it."""
        if len(contents) * LARGEST > self._max_bytes:
            return
        with self._lock:
            self._bytes += len(contents) - len(self._kept.pop(etag, b""))
            self._kept[etag] = contents
            while self._bytes > self._max_bytes:
                _, dropped = self._kept.popitem(last=False)
                self._bytes -= len(dropped)
