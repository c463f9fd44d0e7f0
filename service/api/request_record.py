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
    """A request and its response.

    Parameters
    ----------
    method
        The method of the client, which is HEAD where the scope has GET.
    route
        The path of the route, with parameters in braces; None if no route matched.
    status
        That of the application's response; None until it starts.
    n_bytes, seconds
        The size of the body of the response, and the duration.
    interruption
        None if the client got that response.
    trace_id
        That of its OpenTelemetry span, if there is one.
    work
        CPU seconds, estimated and actual.
    """

    scope: Scope
    method: str
    route: str | None = None
    status: int | None = None
    n_bytes: int = 0
    seconds: float = 0.0
    interruption: Interruption | None = None
    trace_id: str | None = None
    work: Work = field(default_factory=Work)

    @property
    def outcome(self) -> int | None:
        """The status for the log and the metrics."""
        return self.interruption.status if self.interruption else self.status


Observer: TypeAlias = Callable[[RequestRecord], None]
"""Called after every response."""
