"""A request and its response, for the metrics and the log.

The log has one event per request, and one more if it deletes or cancels.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias

from starlette.types import Scope

from service.scheduling.work import Work

INTERRUPTION: Final = "interruption"  # the key of an Interruption in the ASGI scope
REFUSAL: Final = "refusal"  # the key of the exception with which the server rejects a request
CANCEL: Final = "/cancel"  # paths with this suffix cancel
logger = logging.getLogger(__name__)

# Header fields in the format of ASGI, with names in lower case.
RawHeaders: TypeAlias = list[tuple[bytes, bytes]]


class Interruption(NamedTuple):
    """The reason why a client does not receive the complete response of the application.

    The server rejected the request, the client disconnected, or the rest of the response failed.
    The status is for the log and the metrics, because another one may have been sent already.
    """

    status: int
    detail: str


DISCONNECTED: Final = Interruption(499, "the client disconnected")  # the status is that of nginx


@dataclass(slots=True)
class RequestRecord:
    """A request and its response."""

    scope: Scope
    method: str  # of the client: HEAD, for which the scope has GET
    key: str | None = None  # the name of its API key, if one is required
    rate_headers: RawHeaders = field(default_factory=list)  # empty if it was not counted
    route: str | None = None  # its path, with parameters in braces; None if no route matched
    status: int | None = None  # of the application's response; None until it starts
    n_bytes: int = 0  # of the body of the response
    seconds: float = 0.0
    interruption: Interruption | None = None  # None if the client received that response
    trace_id: str | None = None  # of its OpenTelemetry span, if there is one
    work: Work = field(default_factory=Work)  # CPU seconds, estimated and spent

    @property
    def outcome(self) -> int | None:
        """The status for the log and the metrics."""
        return self.interruption.status if self.interruption else self.status


# A callback after every response.
Observer: TypeAlias = Callable[[RequestRecord], None]


def log_request(record: RequestRecord) -> None:
    """Log a request that has ended."""
    if not logger.isEnabledFor(logging.INFO):
        return
    scope = record.scope
    client = scope.get("client")
    origin = {
        "request_id": scope["request_id"],
        "path": scope["path"],
        "key": record.key,
        "client": client[0] if client else None,
    }
    fields: dict[str, Any] = {
        **origin,
        "method": record.method,
        "route": record.route,
        "status": record.outcome,
        "seconds": round(record.seconds, 6),
        "bytes": record.n_bytes,
    }
    if record.trace_id is not None:
        fields["trace_id"] = record.trace_id
    if record.work.estimated:
        fields["estimated_seconds"] = round(record.work.estimated, 6)
        fields["spent_seconds"] = round(record.work.spent, 6)
    if record.interruption is not None:
        fields["reason"] = record.interruption.detail
    logger.info("request", extra=fields)
    if _is_audited(record):
        action = "delete" if record.method == "DELETE" else "cancel"
        logger.info("audit", extra={**origin, "action": action, "status": record.status})


def _is_audited(record: RequestRecord) -> bool:
    """Return True if the application deleted or canceled, even if the client did not wait."""
    if record.status is None or record.status >= 400:
        return False
    path: str = record.scope["path"]
    return record.method == "DELETE" or (record.method == "POST" and path.endswith(CANCEL))
