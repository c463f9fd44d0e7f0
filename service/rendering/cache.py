"""A cache of rendered pictures, bounded in bytes."""

from cachetools import LRUCache

LARGEST_SHARE = 4  # a picture larger than a quarter of the cache would evict too many others


class PictureCache:
    """Pictures by ETag; the least recently used are evicted first.

    An ETag names its bytes forever, so entries never become stale. All calls come from the event
    loop's thread, so there is no lock.

    Parameters
    ----------
    max_bytes
        The size of all pictures together; 0 caches nothing.
    """

    def __init__(self, max_bytes: int) -> None:
        self._pictures: LRUCache[str, bytes] = LRUCache(max_bytes, getsizeof=len)

    def get(self, etag: str) -> bytes | None:
        """Return a picture, or None if it is not cached."""
        return self._pictures.get(etag)

    def put(self, etag: str, picture: bytes) -> None:
        """Cache a picture unless it is larger than its share."""
        if len(picture) * LARGEST_SHARE <= self._pictures.maxsize:
            self._pictures[etag] = picture
