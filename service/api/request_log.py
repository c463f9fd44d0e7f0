"""One log record per request, and one more if it deletes or cancels."""

import logging
from typing import Any, Final

from service.api.exchange import Exchange

CANCEL: Final = "/cancel"  # paths with this suffix cancel
logger = logging.getLogger(__name__)


def log_request(exchange: Exchange) -> None:
    """Log a request that has ended."""
    if not logger.isEnabledFor(logging.INFO):
        return
    scope = exchange.scope
    client = scope.get("client")
    origin = {
        "request_id": scope["request_id"],
        "path": scope["path"],
        "key": scope.get("key_name"),
        "client": client[0] if client else None,
    }
    fields: dict[str, Any] = {
        **origin,
        "method": exchange.method,
        "route": exchange.route,
        "status": exchange.outcome,
        "seconds": round(exchange.seconds, 6),
        "bytes": exchange.n_bytes,
    }
    if exchange.work.estimated:
        fields["estimated_seconds"] = round(exchange.work.estimated, 6)
    if exchange.interruption is not None:
        fields["reason"] = exchange.interruption.detail
    logger.info("request", extra=fields)
    if _is_audited(exchange):
        action = "delete" if exchange.method == "DELETE" else "cancel"
        logger.info("audit", extra={**origin, "action": action, "status": exchange.status})


def _is_audited(exchange: Exchange) -> bool:
    """Return whether the application deleted or canceled, also if the client did not wait."""
    if exchange.status is None or exchange.status >= 400:
        return False
    path: str = exchange.scope["path"]
    return exchange.method == "DELETE" or (exchange.method == "POST" and path.endswith(CANCEL))
