"""The exceptions of the client."""

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any


class LinearRNNError(Exception):
    """Any error of this package."""


class ConnectFailed(LinearRNNError):
    """The service does not respond."""


class TimedOut(ConnectFailed):
    """The service does not respond in time."""


class Disconnected(ConnectFailed):
    """The connection ended before the response."""


@dataclass(frozen=True)
class FieldError:
    """One invalid field of a request.

    Attributes
    ----------
    pointer
        A JSON pointer such as ``/optimizer/learning_rate``, or the name of a query parameter.
    text
        The reason why it is invalid.
    suggestion
        The closest valid name, if the name is unknown.
    """

    pointer: str
    text: str
    suggestion: str | None = None


@dataclass(eq=False)
class StatusError(LinearRNNError):
    """The service responded with an error.

    The subclass depends on the status; other statuses, such as 401, 500 and 507, have no subclass.

    Attributes
    ----------
    status
        The HTTP status.
    title
        The kind of problem.
    detail
        A description of the problem with this request.
    request_id
        The id of the request in the log of the service.
    errors
        The invalid fields.
    problem
        The whole problem (RFC 9457), with members such as ``limit``.
    retry_after
        The seconds after which the request may succeed, if the service states them.
    """

    status: int
    title: str
    detail: str
    request_id: str | None = None
    errors: list[FieldError] = field(default_factory=list)
    problem: dict[str, Any] = field(default_factory=dict, repr=False)
    retry_after: float | None = None

    def __str__(self) -> str:
        lines = [f"{self.title} ({self.status}): {self.detail}"]
        if len(self.errors) > 1:
            lines += [f"  {error.pointer}: {error.text}" for error in self.errors]
        for repair in self.problem.get("repairs") or []:
            options = ", ".join(f"{name}={value!r}" for name, value in repair["query"].items())
            lines.append(f"  {repair['label']}: {options}")
        if self.request_id:
            lines.append(f"  request {self.request_id}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[Any, ...]:
        return status_error, (self.status, self.problem, self.request_id, self.retry_after)


class InvalidRequest(StatusError):
    """The request cannot be parsed (400) or is invalid (422); see ``errors``."""


class NotFound(StatusError):
    """Unknown id or path (404)."""


class Conflict(StatusError):
    """Not possible in this state: still running, or in use (409)."""


class RateLimited(StatusError):
    """Too many requests (429)."""


class Busy(StatusError):
    """Busy, shutting down, or without its database (503)."""


class JobFailed(LinearRNNError):
    """A job ended with an error."""


class JobCancelled(LinearRNNError):
    """A job was cancelled."""


BY_STATUS: dict[int, type[StatusError]] = {
    400: InvalidRequest,
    404: NotFound,
    409: Conflict,
    422: InvalidRequest,
    429: RateLimited,
    503: Busy,
}


def status_error(
    status: int, problem: dict[str, Any], request_id: str | None, retry_after: float | None
) -> StatusError:
    """Return the exception for an error response."""
    return BY_STATUS.get(status, StatusError)(
        status=status,
        title=problem.get("title", "Error"),
        detail=problem.get("detail", "the response is not one of the service"),
        request_id=problem.get("request_id") or request_id,
        errors=[_field_error(item) for item in problem.get("errors") or []],
        problem=problem,
        retry_after=retry_after,
    )


def _field_error(item: dict[str, Any]) -> FieldError:
    pointer = item.get("pointer") or item.get("parameter") or ""
    name = pointer.rpartition("/")[2]
    nearest = get_close_matches(name, item.get("known") or [], 1)
    return FieldError(pointer, item.get("detail", ""), nearest[0] if nearest else None)
