"""The listening socket.

It has no slow imports, so that a port in use is reported at once.
"""

import socket
from typing import Final

from service.errors import StartError

BACKLOG: Final = 2048


def listen(host: str, port: int) -> socket.socket:
    """Open the listening socket, on a free port for port 0; raises StartError."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except (OSError, UnicodeError) as error:
        reason = (getattr(error, "strerror", None) or "not a host name").partition(" (")[0]
        message = f"cannot listen on {host} port {port}: {reason}"
        raise StartError(message) from None
