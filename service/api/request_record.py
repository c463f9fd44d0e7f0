"""What the log and the metrics record of a request."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias

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
        Set at the end; see `find_route`.
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


def find_route(scope: Scope) -> str | None:
    """Return the path of the route that served a request, with parameters in braces.

    It is None if no route matched, so that there are finitely many values.
    """
    route: Any = scope.get("route")
    template: str | None = route and route.path_format
    return template


Observer: TypeAlias = Callable[[RequestRecord], None]
"""Called after every response."""
