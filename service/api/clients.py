"""Who a client is: its API key, or else its address or IPv6 network."""

from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from starlette.types import Scope

IPV6_NETWORK: Final = 64  # bits; one client usually has the whole network


def identify(scope: Scope) -> str:
    """Return the name of the client: that of its key, or else of its address."""
    key = scope.get("key_name")
    if key is not None:
        return f"key {key}"
    client = scope.get("client")
    return name_address(client[0] if client else "")


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
