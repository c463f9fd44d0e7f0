"""Files that callers download, with ETags that identify their content."""

from collections.abc import Callable
from typing import Any, BinaryIO, NamedTuple

from service import __version__
from service.operations.ids import RESULT_VERSION, canonical_request, digest
from service.schemas.objective import ObjectiveRequest


class Download(NamedTuple):
    """A file that is written only if the caller does not have it."""

    etag: str  # identifies its content
    seconds: float  # the estimate for computing and writing it
    write: Callable[[BinaryIO], None]  # computes its content, and writes it to a file


def request_etag(path: str, request: ObjectiveRequest) -> str:
    """Return the ETag of the file that a request describes."""
    return _etag(path, canonical_request(request))


def resource_etag(path: str, resource_id: str) -> str:
    """Return the ETag of a file of a stored resource."""
    return _etag(path, resource_id)


def _etag(path: str, content: dict[str, Any] | str) -> str:
    versions = [__version__, RESULT_VERSION]
    return f'"{digest({"path": path, "content": content, "versions": versions})[:32]}"'
