"""An ASGI middleware: request ids, access, HEAD, and observers.

A single middleware does all of this, because each layer costs a few microseconds per request.
"""

import random
import re
from asyncio import CancelledError
from collections.abc import Mapping, Sequence
from functools import partial
from time import perf_counter
from typing import Final

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.access import AccessPolicy
from service.api.errors import INTERNAL, Refused, error_response
from service.api.request_record import INTERRUPTION, REFUSAL, Observer, RequestRecord
from service.api.telemetry import name_span
from service.errors import Busy
from service.scheduling.work import current_work, disconnection

SHUTDOWN: Final = Busy("the service is shutting down")
NOSNIFF: Final = (b"x-content-type-options", b"nosniff")
_ACCEPTABLE = re.compile(rb"[\x20-\x7e]{1,128}")


class RequestGuardMiddleware:
    """Middleware that assigns request ids, checks access, handles HEAD, and notifies observers.

    The id is the caller's X-Request-ID header, or random, and is part of every response. HEAD is
    handled as GET without the body.
    """

    def __init__(self, app: ASGIApp, access: AccessPolicy, observers: Sequence[Observer]) -> None:
        self.app = app
        self.access = access
        self.observers = observers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start = perf_counter()
        headers = dict(scope["headers"])
        own_id = _choose_id(headers.get(b"x-request-id", b""))
        request_id = scope["request_id"] = own_id.decode("latin-1")
        record = RequestRecord(scope, scope["method"], trace_id=name_span(request_id))
        is_head = record.method == "HEAD"
        if is_head:
            # A copy, because the server omits the body based on its own scope.
            record.scope = {**scope, "method": "GET", "head": True}
        disconnection.set(partial(_wait_for_disconnection, receive))
        current_work.set(record.work)

        async def send_completed(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.status = message["status"]
                own = [*message["headers"], NOSNIFF, (b"x-request-id", own_id)]
                message["headers"] = self.access.complete_headers(record, headers, own)
            elif is_head:
                message = {**message, "body": b""}
            else:
                record.n_bytes += len(message.get("body", b""))
            await send(message)

        try:
            await self._respond(record, headers, scope, receive, send_completed)
        except Exception as error:
            error.add_note(f"request {request_id}")
            record.status = INTERNAL.status  # which the caller of this sends, if it still can
            raise
        finally:
            record.seconds = perf_counter() - start
            route = record.scope.get("route")
            record.route = route and route.path_format
            record.interruption = scope.get(INTERRUPTION)
            for observe in self.observers:
                observe(record)

    async def _respond(
        self,
        record: RequestRecord,
        headers: Mapping[bytes, bytes],
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Call the application, or respond with the error if the request is not accepted."""
        try:
            await self.access.check(record, headers)
            await self.app(record.scope, receive, send)
        except (Refused, CancelledError) as reason:
            if record.status is not None:
                raise
            # The server cancels requests that it rejects, and all requests when it stops.
            refusal = scope.get(REFUSAL, SHUTDOWN)
            error = reason if isinstance(reason, Refused) else refusal
            response = await error_response(Request(record.scope), error)
            await response(record.scope, receive, send)


def _choose_id(given: bytes) -> bytes:
    """Return the id that the caller gave, or a random one if that is not acceptable."""
    # An id is not a secret, and random bytes from the operating system take longer.
    return given if _ACCEPTABLE.fullmatch(given) else b"%032x" % random.getrandbits(128)


async def _wait_for_disconnection(receive: Receive) -> None:
    """Wait until the client disconnects, once the body has been read."""
    while (await receive())["type"] != "http.disconnect":
        pass
