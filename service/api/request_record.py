"""What the log and the metrics record of a request."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

from starlette.types import Scope

from service.scheduling import Work

INTERRUPTION: Final = "interruption"  # the key of an Interruption in the ASGI scope
OVERLOAD: Final = "overload"  # the key of the reason why the server cannot serve a request

RawHeaders: TypeAlias = list[tuple[bytes, bytes]]
"""Header fields as ASGI has them, with names in lower case."""


class Interruption(NamedTuple):
    """Why a client does not get the complete response of the application.

    The server refused the request, the client disconnected, or the rest of the response failed. The
    status is for the log and the metrics, since another one may have been sent already.
    """

    status: int
    detail: str


DISCONNECTED: Final = Interruption(499, "the client disconnected")  # the status is that of nginx


@dataclass(slots=True)
class RequestRecord:
    """A request and its response."""

    scope: Scope
    method: str  # of the client: HEAD where the scope has GET
    route: str | None = None  # its path, with parameters in braces; None if no route matched
    status: int | None = None  # of the application's response; None until it starts
    n_bytes: int = 0  # of the body of the response
    seconds: float = 0.0
    interruption: Interruption | None = None  # None if the client got that response
    trace_id: str | None = None  # of its OpenTelemetry span, if there is one
    work: Work = field(default_factory=Work)  # CPU seconds, estimated and spent

    @property
    def outcome(self) -> int | None:
        """The status for the log and the metrics."""
        return self.interruption.status if self.interruption else self.status


Observer: TypeAlias = Callable[[RequestRecord], None]
"""Called after every response."""
