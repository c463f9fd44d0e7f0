"""Which requests need an API key, and of which scope."""

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope as AsgiScope

from service.api.errors import FORBIDDEN, UNAUTHORIZED, ProblemType, problem
from service.api.origins import SAFE_METHODS
from service.keys import ApiKey, Scope, find_key
from service.operations.caller import current_key
from service.operations.questions import QUESTIONS

REALM: Final = 'Bearer realm="linear-rnn"'
OPEN: Final = frozenset({"/", "/docs", "/fit", "/livez", "/llms.txt", "/openapi.json", "/readyz"})
OPEN_PREFIXES: Final = ("/docs-assets/", "/explorer/", "/problems/")
# POST of these stores nothing, so it needs only the scope ``read``.
QUESTION_PATHS: Final = frozenset(question.path for question in QUESTIONS)


def needs_key(path: str) -> bool:
    """Return whether a path needs a key; paths that do not exist do."""
    return path not in OPEN and not path.startswith(OPEN_PREFIXES)


def scope_for(method: str, path: str) -> Scope:
    """Return the scope that a request needs."""
    stores_nothing = path.partition(".")[0] in QUESTION_PATHS
    return Scope.READ if method in SAFE_METHODS or stores_nothing else Scope.WRITE


def check_key(
    keys: tuple[ApiKey, ...], scope: AsgiScope, path: str, headers: Mapping[bytes, bytes]
) -> Response | None:
    """Return a problem unless the Authorization header has a key that allows the request.

    The name of the key becomes ``key_name`` in the ASGI scope, and `current_key`.
    """
    kind, _, secret = headers.get(b"authorization", b"").strip().partition(b" ")
    if kind.lower() != b"bearer":
        detail = "an API key is required, as Authorization: Bearer <key>"
        return _challenge(scope, UNAUTHORIZED, detail)
    key = find_key(keys, secret.strip())
    if key is None:
        return _challenge(scope, UNAUTHORIZED, "the API key is unknown", ', error="invalid_token"')
    scope["key_name"] = key.name
    current_key.set(key.name)
    needed = scope_for(scope["method"], path)
    if needed is Scope.WRITE and key.scope is not Scope.WRITE:
        detail = f"the key {key.name!r} has the scope {key.scope}, and this needs {needed}"
        error = f', error="insufficient_scope", scope="{needed}"'
        return _challenge(scope, FORBIDDEN, detail, error)
    return None


def _challenge(scope: AsgiScope, kind: ProblemType, detail: str, error: str = "") -> Response:
    return problem(Request(scope), kind, detail, headers={"WWW-Authenticate": REALM + error})
