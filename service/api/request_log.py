"""One log record per request."""

import logging
from typing import Any

from service.api.request_record import RequestRecord

logger = logging.getLogger(__name__)


def log_request(record: RequestRecord) -> None:
    """Log a request that has ended."""
    if not logger.isEnabledFor(logging.INFO):
        return
    scope = record.scope
    client = scope.get("client")
    fields: dict[str, Any] = {
        "request_id": scope["request_id"],
        "path": scope["path"],
        "key": scope.get("key_name"),
        "client": client[0] if client else None,
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
