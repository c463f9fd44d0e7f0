"""A request and its response, as the log and the metrics see them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias

from starlette.types import Scope

from service.operations.gate import Work

REFUSAL: Final = "refusal"  # the key of a Refused in the ASGI scope

RawHeaders: TypeAlias = list[tuple[bytes, bytes]]
"""Header fields as ASGI has them, with names in lower case."""


class Refused(NamedTuple):
    """The response of the server itself, instead of that of the application, and its reason."""

    status: int
    detail: str


@dataclass(slots=True)
class Exchange:
    """A request and its response.

    Parameters
    ----------
    method
        The method of the client, which is HEAD where the scope has GET.
    route
        Set at the end; see `find_route`.
    status
        None until the response starts.
    n_bytes, seconds
        The size of the body of the response, and the duration.
    refusal
        Why the server itself refused the request; None if the application responded.
    work
        What it computed.
    """

    scope: Scope
    method: str
    route: str | None = None
    status: int | None = None
    n_bytes: int = 0
    seconds: float = 0.0
    refusal: str | None = None
    work: Work = field(default_factory=Work)


def find_route(scope: Scope) -> str | None:
    """Return the path of the route that served a request, with parameters in braces.

    It is None if no route matched, so that there are finitely many values.
    """
    route: Any = scope.get("route")
    if route is not None:
        template: str = route.path_format
        return template
    # Starlette's own routes are not in the scope. They have no parameters.
    return scope["path"] if "endpoint" in scope else None


Observer: TypeAlias = Callable[[Exchange], None]
"""Called after every response."""
