"""Which requests need an API key, and of which scope."""

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope as AsgiScope

from service.api.errors import FORBIDDEN, UNAUTHORIZED, problem
from service.api.origins import SAFE_METHODS
from service.keys import ApiKey, Scope, find_key
from service.operations.caller import current_key

REALM: Final = 'Bearer realm="linear-rnn"'
OPEN: Final = frozenset({"/", "/docs", "/livez", "/llms.txt", "/openapi.json", "/readyz"})
OPEN_PREFIXES: Final = ("/docs-assets/", "/explorer/", "/problems/")
# These compute and store nothing, so POST needs the scope ``read`` only.
COMPUTATIONS: Final = frozenset(
    f"/v1/{name}"
    for name in (
        "cost-surface",
        "evaluate",
        "gradient-check",
        "gradient-trace",
        "optimum",
        "predict",
    )
)


def needs_key(path: str) -> bool:
    """Return whether a path needs a key; paths that do not exist do."""
    return path not in OPEN and not path.startswith(OPEN_PREFIXES)


def scope_for(method: str, path: str) -> Scope:
    """Return the scope that a request needs."""
    stores_nothing = path.partition(".")[0] in COMPUTATIONS
    return Scope.READ if method in SAFE_METHODS or stores_nothing else Scope.WRITE


class KeyPolicy:
    """Checks the Authorization header of requests against the keys of the settings."""

    def __init__(self, keys: tuple[ApiKey, ...]) -> None:
        self._keys = keys

    def check(self, scope: AsgiScope, path: str, headers: Mapping[bytes, bytes]) -> Response | None:
        """Return a problem unless the request has a key that allows it.

        The name of the key becomes ``key_name`` in the ASGI scope, and `current_key`.
        """
        kind, _, secret = headers.get(b"authorization", b"").strip().partition(b" ")
        request = Request(scope)
        if kind.lower() != b"bearer":
            detail = "an API key is required, as Authorization: Bearer <key>"
            return problem(request, UNAUTHORIZED, detail, headers={"WWW-Authenticate": REALM})
        key = find_key(self._keys, secret.strip())
        if key is None:
            challenge = f'{REALM}, error="invalid_token"'
            headers_out = {"WWW-Authenticate": challenge}
            return problem(request, UNAUTHORIZED, "the API key is unknown", headers=headers_out)
        scope["key_name"] = key.name
        current_key.set(key.name)
        needed = scope_for(scope["method"], path)
        if needed is Scope.WRITE and key.scope is not Scope.WRITE:
            challenge = f'{REALM}, error="insufficient_scope", scope="{needed}"'
            detail = f"the key {key.name!r} has the scope {key.scope}, and this needs {needed}"
            headers_out = {"WWW-Authenticate": challenge}
            return problem(request, FORBIDDEN, detail, headers=headers_out)
        return None
