"""The rate limit of requests per API key, or per address without keys.

The header fields follow draft-ietf-httpapi-ratelimit-headers-10.
"""

import logging
from math import ceil, inf
from time import monotonic, time
from typing import Final, cast

from fastapi.concurrency import run_in_threadpool
from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter
from pydantic import SecretStr

from service.api.errors import RATE_LIMITED, Refused
from service.api.request_record import RequestRecord
from service.errors import Invalid
from service.scheduling.work import current_client

logger = logging.getLogger(__name__)

POLICY: Final = "requests"
MEMORY: Final = "memory://"
STORAGES: Final = (MEMORY, "redis://", "rediss://", "redis+unix://")  # one Redis server
REDIS_OPTIONS: Final = {"socket_connect_timeout": 1.0, "socket_timeout": 1.0}  # without it, forever
RETRY_SECONDS: Final = 5.0  # seconds after which a failed storage is used again
UNLIMITED: Final = frozenset({"/metrics"})


class RateLimit:
    """The number of requests that a client may send per window of time.

    It raises Invalid if the storage is not supported, or its package is not installed.
    """

    def __init__(self, rate: str, storage: SecretStr | None) -> None:
        self._item: RateLimitItem = parse(rate)
        self._in_memory = storage is None
        self._limiter = FixedWindowRateLimiter(_open_storage(storage))
        self._retry_at = -inf

    async def count(self, record: RequestRecord) -> None:
        """Count a request, in a thread if the storage may be on another machine.

        If the storage fails, requests are not limited, and it is not used for some seconds.
        Raises Refused above the limit.
        """
        if monotonic() < self._retry_at:
            return
        client = str(current_client.get())
        try:
            is_allowed, left, reset = (
                self._hit(client) if self._in_memory else await run_in_threadpool(self._hit, client)
            )
        except StorageError as error:
            self._retry_at = monotonic() + RETRY_SECONDS
            logger.warning("cannot count for rate limits: %s", error.storage_error)
            return
        limit, window = self._item.amount, self._item.get_expiry()
        remaining = f'"{POLICY}";r={left}' + (f";t={reset}" if reset else "")
        record.rate_headers = [
            (b"ratelimit-policy", f'"{POLICY}";q={limit};w={window}'.encode()),
            (b"ratelimit", remaining.encode()),
        ]
        if not is_allowed:
            detail = f"the limit is {limit} requests per {window} seconds; wait {reset} seconds"
            headers = {"Retry-After": str(max(1, reset))}
            raise Refused(RATE_LIMITED, detail, headers, policy=POLICY)

    def _hit(self, client: str) -> tuple[bool, int, int]:
        """Return True if a request is allowed, the remainder, and the seconds until its reset."""
        is_allowed = self._limiter.hit(self._item, client)
        stats = self._limiter.get_window_stats(self._item, client)
        return is_allowed, stats.remaining, max(0, ceil(stats.reset_time - time()))


def _open_storage(url: SecretStr | None) -> Storage:
    text = MEMORY if url is None else url.get_secret_value()
    if not text.startswith(STORAGES):
        raise Invalid(f"RNN_RATE_LIMIT_STORAGE: the URL must begin with {' or '.join(STORAGES)}")
    try:
        return cast("Storage", storage_from_string(text, wrap_exceptions=True, **REDIS_OPTIONS))
    except Exception as error:  # depends on the storage; its message may contain the password
        detail = (
            f"RNN_RATE_LIMIT_STORAGE cannot be used ({type(error).__name__}); it needs a valid URL "
            "and the extra redis (`pip install '.[redis]'` in the repository)"
        )
        raise Invalid(detail) from None
