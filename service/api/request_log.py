"""One log event per request, and one more if it deletes or cancels."""

from time import time
from typing import Final

from service.api.exchange import Exchange
from service.logs import Event, LogWriter

CANCEL: Final = "/cancel"  # paths with this suffix cancel


class RequestLog:
    """Writes the events of requests.

    Parameters
    ----------
    writer
        Where the events go.
    """

    def __init__(self, writer: LogWriter) -> None:
        self._writer = writer

    def write(self, exchange: Exchange) -> None:
        """Log a request that has ended."""
        scope = exchange.scope
        client = scope.get("client")
        event: Event = {
            "timestamp": time(),
            "level": "info",
            "event": "request",
            "request_id": scope["request_id"],
            "method": exchange.method,
            "route": exchange.route,
            "path": scope["path"],
            "status": exchange.outcome,
            "seconds": round(exchange.seconds, 6),
            "bytes": exchange.n_bytes,
            "key": scope.get("key_name"),
            "client": client[0] if client else None,
        }
        if exchange.work.estimated:
            event["estimated_seconds"] = round(exchange.work.estimated, 6)
        if exchange.interruption is not None:
            event["reason"] = exchange.interruption.detail
        # Made first, since the writer may change an event from its thread.
        audit = _audit(event, exchange) if _is_audited(exchange) else None
        self._writer.put(event)
        if audit is not None:
            self._writer.put(audit)


def _is_audited(exchange: Exchange) -> bool:
    """Return whether the application deleted or canceled, also if the client did not wait."""
    if exchange.status is None or exchange.status >= 400:
        return False
    path: str = exchange.scope["path"]
    return exchange.method == "DELETE" or (exchange.method == "POST" and path.endswith(CANCEL))


def _audit(event: Event, exchange: Exchange) -> Event:
    action = "delete" if exchange.method == "DELETE" else "cancel"
    names = ("timestamp", "level", "request_id", "path", "key", "client")
    own: Event = {"event": "audit", "action": action, "status": exchange.status}
    return {name: event[name] for name in names} | own
