"""Which Host names reach the service, and which web pages of other origins may use it.

A page of any web site can send requests to a service on the same machine, under its own name (DNS
rebinding) or across origins. Both are refused unless the operator allows them.
"""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Final

from service.api.errors import FORBIDDEN, MALFORMED, METHODS, ProblemType
from service.api.request_record import RawHeaders
from service.settings import Settings

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
ANY: Final = "*"
PROBES: Final = frozenset({"/livez", "/readyz"})  # whose Host is the address of a container
# A name, an IPv4 address or an IPv6 address in brackets, and perhaps a port (RFC 9110, 7.2).
HOST: Final = re.compile(rb"(?:\[[\da-f:.]++\]|[\w.~%!$&'()*+,;=-]*+)(?::\d*+)?", re.IGNORECASE)
PREFLIGHT_SECONDS: Final = 600
REQUEST_HEADERS: Final = (
    "Authorization, Content-Type, If-Match, If-None-Match, If-Range, Last-Event-ID, Prefer, Range, "
    "X-Request-ID"
)
RESPONSE_HEADERS: Final = (
    "Accept-Ranges, Content-Disposition, Content-Range, ETag, Location, Preference-Applied, "
    "RateLimit, RateLimit-Policy, Retry-After, X-Request-ID"
)


class OriginPolicy:
    """Decides by the Host, Origin and Sec-Fetch-Site headers of a request.

    By default a service that listens on a loopback address accepts only the names of that address.
    """

    def __init__(self, settings: Settings) -> None:
        self._hosts = {name.lower() for name in settings.allowed_hosts}
        self._loopback_only = not self._hosts and _is_loopback(settings.host)
        self._any_host = ANY in self._hosts or not (self._hosts or self._loopback_only)
        self._origins = frozenset(settings.cors_origins)

    def refusal(
        self, method: str, path: str, headers: Mapping[bytes, bytes]
    ) -> tuple[ProblemType, str] | None:
        """Return why a request is refused, with the type of the problem, or None."""
        host = headers.get(b"host", b"")
        if not HOST.fullmatch(host):
            return MALFORMED, "the Host header is not a name or an address, and perhaps a port"
        if host and not self._any_host and path not in PROBES and not self._is_allowed(host):
            name = _name(host)[:80]
            return FORBIDDEN, f"the host {name!r} is not allowed here; see RNN_ALLOWED_HOSTS"
        from_page = b"origin" in headers or b"sec-fetch-site" in headers
        if method in SAFE_METHODS or not from_page:
            return None
        origin = headers.get(b"origin", b"").decode("latin-1")
        if self._is_trusted(origin) or not _is_cross_site(origin, host, headers):
            return None
        site = origin[:80] or "other sites"
        return FORBIDDEN, f"pages of {site} may not do this; see RNN_CORS_ORIGINS"

    def preflight(self, method: str, headers: Mapping[bytes, bytes]) -> RawHeaders | None:
        """Return the headers of the response to a preflight request, or None if it is none."""
        if method != "OPTIONS" or b"access-control-request-method" not in headers:
            return None
        if not self._is_trusted(headers.get(b"origin", b"").decode("latin-1")):
            return None
        return [
            (b"access-control-allow-methods", ", ".join(METHODS).encode()),
            (b"access-control-allow-headers", REQUEST_HEADERS.encode()),
            (b"access-control-max-age", str(PREFLIGHT_SECONDS).encode()),
        ]

    def response_headers(self, headers: Mapping[bytes, bytes]) -> RawHeaders:
        """Return the headers that let a page of an allowed origin read the response."""
        if not self._origins:
            return []
        origin = headers.get(b"origin", b"")
        vary = (b"vary", b"Origin")
        if not self._is_trusted(origin.decode("latin-1")):
            return [vary]
        exposed = (b"access-control-expose-headers", RESPONSE_HEADERS.encode())
        return [vary, (b"access-control-allow-origin", origin), exposed]

    def _is_trusted(self, origin: str) -> bool:
        return bool(origin) and (origin in self._origins or ANY in self._origins)

    def _is_allowed(self, host: bytes) -> bool:
        name = _name(host)
        if self._loopback_only:
            return _is_loopback(name)
        parents = (name[i:] for i, letter in enumerate(name) if letter == ".")
        return name in self._hosts or any(ANY + parent in self._hosts for parent in parents)


def _is_cross_site(origin: str, host: bytes, headers: Mapping[bytes, bytes]) -> bool:
    """Return whether a page of another site sent the request.

    Browsers omit Sec-Fetch-Site over plain HTTP, except on the same machine.
    """
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        return site == b"cross-site"
    return origin.partition("://")[2] != host.decode("latin-1").lower()


def _name(host: bytes) -> str:
    """Return the name in a Host header, without the port."""
    text = host.decode("latin-1").lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0].rstrip(".")


def _is_loopback(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
