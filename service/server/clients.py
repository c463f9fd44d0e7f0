"""The open connections of each client."""

from collections import Counter
from collections.abc import Sequence

from uvicorn.middleware.proxy_headers import _TrustedHosts

from service.api.access import name_address


class OpenConnections:
    """Counts the open connections of each address or IPv6 network.

    Each trusted proxy stands for many clients, so none is counted.
    """

    def __init__(self, trusted_proxies: Sequence[str]) -> None:
        self._proxies = _TrustedHosts(list(trusted_proxies))
        self._counts: Counter[str] = Counter()

    def add(self, host: str) -> int:
        """Return how many connections a host has with a new one; 0 for a proxy."""
        if host in self._proxies:
            return 0
        name = name_address(host)
        self._counts[name] += 1
        return self._counts[name]

    def remove(self, host: str) -> None:
        """Forget a connection that `add` counted."""
        name = name_address(host)
        self._counts[name] -= 1
        if self._counts[name] <= 0:  # of a proxy as well
            del self._counts[name]
