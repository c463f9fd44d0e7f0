"""A request and its response, as the log and the metrics see them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from starlette.types import Scope

from service.operations.gate import Work


@dataclass(slots=True)
class Exchange:
    """A request and its response.

    Parameters
    ----------
    method
        The method of the client, which is HEAD where the scope has GET.
    status
        None until the response starts.
    n_bytes, seconds
        The size of the body of the response, and the duration.
    work
        What it computed.
    """

    scope: Scope
    method: str
    status: int | None = None
    n_bytes: int = 0
    seconds: float = 0.0
    work: Work = field(default_factory=Work)

    @property
    def route(self) -> str | None:
        """The path of the route, with parameters in braces; None if no route matched."""
        route: Any = self.scope.get("route")
        if route is not None:
            template: str = route.path_format
            return template
        # Starlette's own routes are not in the scope. They have no parameters.
        return self.scope["path"] if "endpoint" in self.scope else None


Observer: TypeAlias = Callable[[Exchange], None]
"""Called after every response."""
