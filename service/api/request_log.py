"""One log record per request, and one more if it deletes or cancels."""

import logging
from typing import Any, Final

from service.api.request_record import RequestRecord

CANCEL: Final = "/cancel"  # paths with this suffix cancel
logger = logging.getLogger(__name__)


def log_request(record: RequestRecord) -> None:
    """Log a request that has ended."""
    if not logger.isEnabledFor(logging.INFO):
        return
    scope = record.scope
    client = scope.get("client")
    origin = {
        "request_id": scope["request_id"],
        "path": scope["path"],
        "key": scope.get("key_name"),
        "client": client[0] if client else None,
    }
    fields: dict[str, Any] = {
        **origin,
        "method": record.method,
        "route": record.route,
        "status": record.outcome,
        "seconds": round(record.seconds, 6),
        "bytes": record.n_bytes,
    }
    if record.trace_id is not None:
        fields["trace_id"] = record.trace_id
    if record.work.estimated:
        fields["estimated_seconds"] = round(record.work.estimated, 6)
        fields["spent_seconds"] = round(record.work.spent, 6)
    if record.interruption is not None:
        fields["reason"] = record.interruption.detail
    logger.info("request", extra=fields)
    if _is_audited(record):
        action = "delete" if record.method == "DELETE" else "cancel"
        logger.info("audit", extra={**origin, "action": action, "status": record.status})


def _is_audited(record: RequestRecord) -> bool:
    """Return whether the application deleted or canceled, also if the client did not wait."""
    if record.status is None or record.status >= 400:
        return False
    path: str = record.scope["path"]
    return record.method == "DELETE" or (record.method == "POST" and path.endswith(CANCEL))
