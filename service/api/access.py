"""Who may send a request: the checks before it reaches the application."""

from collections.abc import Iterable, Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from service.api.clients import identify
from service.api.errors import BUSY, RateLimited, problem, rate_limit_problem
from service.api.keys import check_key, needs_key
from service.api.origins import OriginPolicy
from service.api.rate_limits import UNLIMITED, RateLimits
from service.api.request_record import OVERLOAD, RawHeaders, RequestRecord
from service.operations.caller import current_client
from service.settings import Settings

NOSNIFF: Final = (b"x-content-type-options", b"nosniff")
CACHE_CONTROL: Final = b"cache-control"
CACHED: Final = b"max-age="  # how the Cache-Control of a cacheable response begins


class AccessPolicy:
    """Checks the host, the origin, the API key and the rate of requests."""

    def __init__(self, settings: Settings) -> None:
        self._origins = OriginPolicy(settings)
        self._keys = settings.api_keys
        self._limits = RateLimits(settings)

    async def respond_early(
        self, record: RequestRecord, headers: Mapping[bytes, bytes]
    ) -> Response | None:
        """Return the response to a request that does not reach the application, or None."""
        scope = record.scope
        if OVERLOAD in scope:
            return problem(Request(scope), BUSY, scope[OVERLOAD])
        method, path = scope["method"], _route_path(scope)
        refusal = self._origins.refusal(method, path, headers)
        if refusal is not None:
            return problem(Request(scope), *refusal)
        preflight = self._origins.preflight(method, headers)
        if preflight is not None:
            response = Response(status_code=204)
            response.raw_headers += preflight
            return response
        if not needs_key(path):
            return None
        refused = check_key(self._keys, scope, path, headers) if self._keys else None
        current_client.set(identify(scope))
        if refused is None and self._limits.are_set and path not in UNLIMITED:
            try:
                await self._limits.count_request(record)
            except RateLimited as error:
                return rate_limit_problem(Request(scope), error)
        return refused

    def complete_headers(
        self, scope: Scope, headers: Mapping[bytes, bytes], response: Iterable[tuple[bytes, bytes]]
    ) -> RawHeaders:
        """Return the headers of a response with those that the policy adds.

        Shared caches must not store a response that needs a key.
        """
        added = self._origins.response_headers(headers) + self._limits.response_headers(scope)
        completed = [*response, NOSNIFF, *added]
        if not self._keys or not needs_key(_route_path(scope)):
            return completed
        return [
            (name, b"private, " + value)
            if name == CACHE_CONTROL and value.startswith(CACHED)
            else (name, value)
            for name, value in completed
        ]


def _route_path(scope: Scope) -> str:
    """Return the path without the prefix under which the application is mounted."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))
