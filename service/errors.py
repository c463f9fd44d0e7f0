"""What can go wrong, without a word of HTTP.

::

    ServiceError
    ├── Malformed           the body is not what its media type says
    ├── Invalid             the request breaks a rule that no single field shows
    │   └── LimitExceeded   it is well formed, but larger than this service allows
    ├── NotFound            nothing has that name
    ├── Conflict            the state of a resource forbids it
    ├── Busy                too much is waiting already; trying again may help
    └── StoreError
        ├── StoreUnavailable  the database is away; trying again may help
        └── StoreFull         there is no room to keep anything more

The table from these to status numbers is in ``service.api.errors``.
"""

from dataclasses import dataclass


class ServiceError(Exception):
    """The root: a message meant for the caller, in a sentence without internals."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


@dataclass(frozen=True)
class FieldError:
    """One broken field: where it is (an RFC 6901 pointer into the JSON body) and what is wrong."""

    pointer: str
    detail: str


class Malformed(ServiceError):
    """The bytes are not what they are said to be: they cannot be read at all."""


class Invalid(ServiceError):
    """The request is well formed but asks for something that has no meaning."""

    def __init__(self, detail: str, pointer: str | None = None) -> None:
        super().__init__(detail)
        self.errors = [] if pointer is None else [FieldError(pointer, detail)]


class LimitExceeded(Invalid):
    """The request is larger than a limit of this service; the message names the limit."""


class NotFound(ServiceError):
    """No resource has that name."""


class Conflict(ServiceError):
    """A resource is in a state that forbids the request.

    ``referrers`` are the ids of up to ten resources that stand in the way.
    """

    def __init__(self, detail: str, referrers: list[str] | None = None) -> None:
        super().__init__(detail)
        self.referrers = referrers or []


class Busy(ServiceError):
    """There is too much to do at this moment."""


class StoreError(ServiceError):
    """The store could not do its work."""


class StoreUnavailable(StoreError):
    """The database does not answer."""


class StoreFull(StoreError):
    """The disk or the quota is full."""
