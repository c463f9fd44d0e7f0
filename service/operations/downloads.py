"""Files that callers download, with ETags that identify their content."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from service import __version__
from service.operations.ids import RESULT_VERSION, canonical_request, digest
from service.schemas.objective import ObjectiveRequest


class Download(NamedTuple):
    """A file that is written only if the caller does not have it.

    Attributes
    ----------
    etag
        Identifies its content.
    seconds
        The estimated seconds for computing and writing it.
    open
        Computes its content, and returns its parts.
    """

    etag: str
    seconds: float
    open: Callable[[], Iterator[bytes]]


def request_etag(path: str, request: ObjectiveRequest) -> str:
    """Return the ETag of the file that a request describes."""
    return _etag(path, canonical_request(request))


def resource_etag(path: str, resource_id: str) -> str:
    """Return the ETag of a file of a stored resource."""
    return _etag(path, resource_id)


def _etag(path: str, content: dict[str, Any] | str) -> str:
    versions = [__version__, RESULT_VERSION]
    return f'"{digest({"path": path, "content": content, "versions": versions})[:32]}"'
