"""An ASGI middleware: request ids, access, HEAD for every GET route, and a limit for bodies.

One middleware does all of it, since each layer costs every request a few microseconds.
"""

import re
import secrets
from functools import partial

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.access import AccessPolicy
from service.api.bodies import MAX_LENGTH_DIGITS
from service.operations.gate import disconnection

_ACCEPTABLE = re.compile(r"[\x20-\x7e]{1,128}")


def choose_request_id(own_id: str) -> str:
    """Return the id that a client sent, or a random one if it is not acceptable."""
    return own_id if _ACCEPTABLE.fullmatch(own_id) else secrets.token_hex(16)


class RequestGuardMiddleware:
    """Gives every request an id, checks the access, handles HEAD, and rejects large bodies.

    The id is that of the caller's X-Request-ID header, or a random one, and is part of every
    response. HEAD is handled as GET without the body. A body above the limit is a 413: before it
    is read if Content-Length says so, else as soon as it exceeds the limit.

    Parameters
    ----------
    access
        Refuses requests that may not reach the application.
    max_body_bytes
        The limit. FastAPI's own ``max_body_size`` costs 15 µs per request and replaces the problem
        by plain text.
    """

    def __init__(self, app: ASGIApp, access: AccessPolicy, max_body_bytes: int) -> None:
        self.app = app
        self.access = access
        self.max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        request_id = choose_request_id(headers.get(b"x-request-id", b"").decode("latin-1"))
        scope["request_id"] = request_id
        disconnection.set(partial(_wait_for_disconnection, receive))
        head = scope["method"] == "HEAD"
        if head:
            # A copy: the server omits the body based on its own scope.
            scope = {**scope, "method": "GET", "head": True}
        length = headers.get(b"content-length", b"0").decode("latin-1")
        remaining = self.max_body_bytes
        if not length.isdecimal() or len(length) > MAX_LENGTH_DIGITS or int(length) > remaining:
            remaining = -1

        async def receive_limited() -> Message:
            nonlocal remaining
            message: Message = {} if remaining < 0 else await receive()
            remaining -= len(message.get("body", b""))
            if remaining < 0:
                detail = f"the body is larger than the limit of {self.max_body_bytes} bytes"
                raise HTTPException(413, detail)
            return message

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                id_header = (b"x-request-id", request_id.encode())
                own = [*message.get("headers", ()), id_header]
                message["headers"] = self.access.complete_headers(scope, headers, own)
            elif head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        response = self.access.respond_early(scope, headers)
        await (response or self.app)(scope, receive_limited, send_with_id)


async def _wait_for_disconnection(receive: Receive) -> None:
    """Wait until the client disconnects, once the body has been read."""
    while (await receive())["type"] != "http.disconnect":
        pass
