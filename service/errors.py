"""The exceptions of the service, independent of HTTP. `service.api.errors` maps them to HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


def count(n: int, noun: str) -> str:
    """Return a number with a noun, such as ``1 target`` or ``2 targets``, for a message."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


class ServiceError(Exception):
    """The base class. Its message is for the caller and does not reveal internals.

    ``members`` are the numbers and names in the message for programs, by the names in
    `service.schemas.problems`.
    """

    def __init__(self, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.members = members


@dataclass(frozen=True)
class FieldError:
    """An invalid field, by an RFC 6901 pointer into the JSON body, or a query parameter by name."""

    pointer: str | None
    detail: str
    parameter: str | None = None
    members: Mapping[str, Any] = field(default_factory=dict)  # as those of a ServiceError


class Malformed(ServiceError):
    """The body cannot be parsed."""


class Invalid(ServiceError):
    """The request can be parsed but is contradictory or meaningless."""

    def __init__(
        self, detail: str, pointer: str | None = None, parameter: str | None = None, **members: Any
    ) -> None:
        super().__init__(detail, **members)
        is_located = pointer is not None or parameter is not None
        self.errors = [FieldError(pointer, detail, parameter, members)] if is_located else []


class LimitExceeded(Invalid):
    """The request exceeds a limit of this service, given by the member ``limit``."""


class NotFound(ServiceError):
    """The resource does not exist."""


class Conflict(ServiceError):
    """The state of a resource does not permit the request."""


class Busy(ServiceError):
    """Too many requests are waiting; a retry can succeed."""


class NotReady(ServiceError):
    """The service cannot accept work, for the reasons in the message."""


class StoreError(ServiceError):
    """A database operation failed."""


class StoreUnavailable(StoreError):
    """The database is unavailable; a retry can succeed."""


class StoreFull(StoreError):
    """The disk or the quota of the database is full."""


class DiskFull(StoreFull):
    """The disk of the database is full, possibly because of other programs, which may free it."""


class StartError(Exception):
    """A process cannot start. The message is one line."""

    exit_code = 1  # of the environment; 2 for options and settings
