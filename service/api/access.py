"""Access control: the checks before a request reaches the application.

A page of any web site can send requests to a service on the same machine, under its own name (DNS
rebinding) or across origins. Both are rejected unless the operator allows them.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from service.api.errors import FORBIDDEN, MALFORMED, METHODS, UNAUTHORIZED, ProblemType, Refused
from service.api.rate_limits import UNLIMITED, RateLimit
from service.api.request_record import REFUSAL, RawHeaders, RequestRecord
from service.keys import Scope, find_key
from service.operations import tables
from service.operations.questions import QUESTIONS
from service.scheduling.work import current_client, current_key
from service.settings import Settings

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
ANY: Final = "*"
PROBES: Final = frozenset({"/livez", "/readyz"})  # whose Host is the address of a container
# Without a key.
OPEN: Final = PROBES | {"/", "/docs", "/fit", "/guide", "/llms.txt", "/openapi.json"}
OPEN_PREFIXES: Final = ("/docs-assets/", "/explorer/", "/guide/", "/problems/")
# POST to these paths stores nothing, so the scope ``read`` suffices.
QUESTION_PATHS: Final = frozenset({tables.PATH, *(question.path for question in QUESTIONS)})
REALM: Final = 'Bearer realm="linear-rnn"'
MAX_KNOWN: Final = 1000  # addresses that need not be parsed again
IPV6_NETWORK: Final = 64  # bits; usually one client has the whole network
# A name, an IPv4 address or an IPv6 address in brackets, with an optional port (RFC 9110, 7.2).
HOST: Final = re.compile(rb"(?:\[[\da-f:.]++\]|[\w.~%!$&'()*+,;=-]*+)(?::\d*+)?", re.IGNORECASE)
# For pages of the allowed origins; the first three are for preflight requests.
CORS: Final = {
    "Access-Control-Allow-Methods": ", ".join(METHODS),
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match, If-None-Match, "
    "If-Range, Last-Event-ID, Prefer, Range, X-Request-ID",
    "Access-Control-Max-Age": "600",
    "Access-Control-Expose-Headers": "Accept-Ranges, Content-Disposition, Content-Range, ETag, "
    "Location, Preference-Applied, RateLimit, RateLimit-Policy, Retry-After, X-Request-ID",
}
CORS_HEADERS: Final = [(name.lower().encode(), value.encode()) for name, value in CORS.items()]


class AccessPolicy:
    """A check of the host, the origin, the API key and the rate of requests.

    By default a service that listens on a loopback address accepts only the names of that address.
    """

    def __init__(self, settings: Settings) -> None:
        self._hosts = {name.lower() for name in settings.allowed_hosts}
        self._loopback_only = not self._hosts and _is_loopback(settings.host)
        self._any_host = ANY in self._hosts or not (self._hosts or self._loopback_only)
        self._origins = frozenset(settings.cors_origins)
        self._keys = settings.api_keys
        self._rate_limit: RateLimit | None = None
        if settings.rate_limit_requests is not None:
            self._rate_limit = RateLimit(settings.rate_limit_requests, settings.rate_limit_storage)

    async def check(self, record: RequestRecord, headers: Mapping[bytes, bytes]) -> None:
        """Raise Refused unless the request may reach the application."""
        if REFUSAL in record.scope:
            raise record.scope[REFUSAL]
        path = record.scope["path"].removeprefix(record.scope.get("root_path", ""))
        host, origin = headers.get(b"host", b""), headers.get(b"origin", b"").decode("latin-1")
        if not HOST.fullmatch(host):
            detail = "the Host header must be a host name or address, with an optional port"
            raise Refused(MALFORMED, detail)
        if host and not self._any_host and path not in PROBES:
            self._check_host(host.decode("latin-1").lower())
        is_trusted = origin != "" and self._is_trusted(origin)
        from_page = b"origin" in headers or b"sec-fetch-site" in headers
        if from_page and not is_trusted and record.method not in SAFE_METHODS:
            _check_site(origin, host, headers)
        is_preflight = record.method == "OPTIONS" and b"access-control-request-method" in headers
        if (is_preflight and is_trusted) or not needs_key(path):
            return
        if self._keys:
            self._check_key(record, path, headers)
            current_key.set(record.key)
        address, _ = record.scope.get("client") or ("", 0)
        current_client.set(f"key {record.key}" if record.key else name_address(address))
        if self._rate_limit is not None and path not in UNLIMITED:
            await self._rate_limit.count(record)

    def complete_headers(
        self, record: RequestRecord, headers: Mapping[bytes, bytes], response: RawHeaders
    ) -> RawHeaders:
        """Return the headers of a response, including those of the policy.

        Shared caches must not store a response that requires a key.
        """
        if self._origins:
            response.append((b"vary", b"Origin"))
            origin = headers.get(b"origin", b"")
            if origin and self._is_trusted(origin.decode("latin-1")):
                response += [(b"access-control-allow-origin", origin), *CORS_HEADERS]
        response += record.rate_headers
        if self._keys:
            return [
                (name, b"private, " + value)
                if name == b"cache-control" and value.startswith(b"max-age=")
                else (name, value)
                for name, value in response
            ]
        return response

    def _check_host(self, host: str) -> None:
        """Raise Refused unless a host, by its name without the port, is allowed."""
        if host.startswith("["):
            name = host[1:].partition("]")[0]
        else:
            name = host.partition(":")[0].rstrip(".")
        if self._loopback_only:
            is_allowed = _is_loopback(name)
        else:
            parents = (ANY + name[i:] for i, letter in enumerate(name) if letter == ".")
            is_allowed = not self._hosts.isdisjoint({name, *parents})
        if not is_allowed:
            detail = f"the host {name[:80]!r} is not allowed here; see RNN_ALLOWED_HOSTS"
            raise Refused(FORBIDDEN, detail)

    def _is_trusted(self, origin: str) -> bool:
        return origin in self._origins or ANY in self._origins

    def _check_key(self, record: RequestRecord, path: str, headers: Mapping[bytes, bytes]) -> None:
        """Record the key in the Authorization header; raises Refused if it does not suffice."""
        kind, _, secret = headers.get(b"authorization", b"").strip().partition(b" ")
        if kind.lower() != b"bearer":
            detail = "an API key is required, as Authorization: Bearer <key>"
            raise _challenge(UNAUTHORIZED, detail)
        key = find_key(self._keys, secret.strip())
        if key is None:
            raise _challenge(UNAUTHORIZED, "the API key is not valid", ', error="invalid_token"')
        record.key = key.name
        needed = scope_for(record.method, path)
        if needed is Scope.WRITE and key.scope is not Scope.WRITE:
            detail = f"key {key.name!r} has scope {key.scope}; this request requires {needed}"
            error = f', error="insufficient_scope", scope="{needed}"'
            raise _challenge(FORBIDDEN, detail, error)


def needs_key(path: str) -> bool:
    """Return True if a path requires a key, as paths that do not exist do."""
    return path not in OPEN and not path.startswith(OPEN_PREFIXES)


def scope_for(method: str, path: str) -> Scope:
    """Return the scope that a request requires."""
    stores_nothing = path.partition(".")[0] in QUESTION_PATHS
    return Scope.READ if method in SAFE_METHODS or stores_nothing else Scope.WRITE


@lru_cache(MAX_KNOWN)
def name_address(host: str) -> str:
    """Return the name of a client without a key: its address or IPv6 network."""
    try:
        address = ip_address(host)
    except ValueError:
        return f"address {host}"
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return f"address {address.ipv4_mapped}"
        return f"network {ip_network((address, IPV6_NETWORK), strict=False)}"
    return f"address {address}"


def _challenge(kind: ProblemType, detail: str, error: str = "") -> Refused:
    return Refused(kind, detail, {"WWW-Authenticate": REALM + error})


def _check_site(origin: str, host: bytes, headers: Mapping[bytes, bytes]) -> None:
    """Raise Refused if a page of another site sent the request.

    Browsers omit Sec-Fetch-Site over plain HTTP, except on the same machine.
    """
    site = headers.get(b"sec-fetch-site")
    own_site = origin.partition("://")[2] == host.decode("latin-1").lower()
    if site == b"cross-site" or (site is None and not own_site):
        pages = origin[:80] or "other sites"
        raise Refused(
            FORBIDDEN, f"requests from pages of {pages} are not allowed; see RNN_CORS_ORIGINS"
        )


@lru_cache(MAX_KNOWN)
def _is_loopback(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
