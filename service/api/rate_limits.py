"""Rate limits per API key, or per address without keys: of requests and of computing seconds.

The header fields follow draft-ietf-httpapi-ratelimit-headers-10.
"""

import logging
from functools import partial
from math import ceil, inf
from time import monotonic, time
from typing import Final, cast

from fastapi.concurrency import run_in_threadpool
from limits import parse
from limits.errors import StorageError
from limits.storage import Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter
from pydantic import SecretStr

from service.api.errors import RATE_LIMITED, Refused
from service.api.request_record import RawHeaders, RequestRecord
from service.errors import Invalid
from service.scheduling.work import current_client
from service.settings import Settings

logger = logging.getLogger(__name__)

MEMORY: Final = "memory://"
MILLISECONDS: Final = 1000  # per second; the library counts in integers
STORAGES: Final = (MEMORY, "redis://", "rediss://", "redis+unix://")  # one Redis server
REDIS_OPTIONS: Final = {"socket_connect_timeout": 1.0, "socket_timeout": 1.0}  # without it, forever
RETRY_SECONDS: Final = 5.0  # seconds after which a failed storage is used again
UNLIMITED: Final = frozenset({"/metrics"})


class Budget:
    """An amount per window of time: of requests, or of milliseconds.

    ``unit`` is for messages; ``scale`` is the number of counted units per unit of the amount.
    """

    def __init__(self, name: str, unit: str, rate: str, scale: int = 1) -> None:
        item = parse(rate)
        self.name = name
        self.unit = unit
        self.amount = item.amount
        self.window = item.get_expiry()
        self.scale = scale
        self.total = item.amount * scale
        self._item = type(item)(self.total, item.multiples, namespace=name)

    def use(
        self, limiter: FixedWindowRateLimiter, client: str, needed: int, spent: int
    ) -> tuple[bool, int, int]:
        """Charge `spent` if at least `needed` remains.

        If nothing is needed, at most the remainder is charged, because it was spent already.
        Return True if enough remained, the remainder, and the seconds until the budget is full.
        """
        # A rejected hit would count too, and the rest can be enough for a smaller request.
        allowed = not needed or limiter.test(self._item, client, cost=needed)
        if allowed and spent:
            remaining = limiter.get_window_stats(self._item, client).remaining
            allowed = limiter.hit(self._item, client, cost=min(spent, remaining)) or not needed
        stats = limiter.get_window_stats(self._item, client)
        reset = max(0, ceil(stats.reset_time - time()))
        return allowed, stats.remaining // self.scale, reset


class RateLimits:
    """The budgets of the settings, and their use by clients.

    It raises Invalid if the storage is not supported, or its package is not installed.
    """

    def __init__(self, settings: Settings) -> None:
        self._in_memory = settings.rate_limit_storage is None
        storage = _open_storage(settings.rate_limit_storage)
        self._limiter = FixedWindowRateLimiter(storage)
        self._retry_at = -inf
        self._requests: Budget | None = None
        self._work: Budget | None = None
        if settings.rate_limit_requests is not None:
            self._requests = Budget("requests", "requests", settings.rate_limit_requests)
        if settings.rate_limit_seconds is not None:
            unit, rate = "seconds of computation", settings.rate_limit_seconds
            self._work = Budget("work", unit, rate, MILLISECONDS)
        self.budgets = [budget for budget in (self._requests, self._work) if budget is not None]

    async def count_request(self, record: RequestRecord) -> None:
        """Count a request, and enable charges for its computations; raises Refused."""
        client = str(current_client.get())
        usages = record.usages = {}
        use = partial(self._use, client, usages)
        if self._requests is not None:
            await use(self._requests, needed=1, spent=1)
        work = self._work
        if work is None:
            return
        await use(work)

        # All computations of a request together require at most the whole budget. Otherwise a
        # request with several of them could be rejected in every window.
        async def admit(seconds: float) -> None:
            needed = ceil((record.work.estimated + seconds) * MILLISECONDS)
            spent = ceil(record.work.spent * MILLISECONDS)
            await use(work, needed=max(1, min(needed, work.total) - spent))

        async def charge(seconds: float) -> None:
            await use(work, spent=ceil(seconds * MILLISECONDS))

        record.work.admit, record.work.charge = admit, charge

    def charge(self, client: str, seconds: float) -> None:
        """Charge a client the CPU seconds of a job; nothing happens if the storage fails."""
        if self._work is None or monotonic() < self._retry_at:
            return
        try:
            self._work.use(self._limiter, client, 0, ceil(seconds * MILLISECONDS))
        except StorageError as error:
            self._pause(error)

    def response_headers(self, usages: dict[str, str]) -> RawHeaders:
        """Return the header fields of the response to a counted request."""
        policy = ", ".join(f'"{b.name}";q={b.amount};w={b.window}' for b in self.budgets)
        left = ", ".join(usages.values())
        return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", left.encode())]

    async def _use(
        self,
        client: str,
        usages: dict[str, str],
        budget: Budget,
        *,
        needed: int = 0,
        spent: int = 0,
    ) -> None:
        """Charge a budget, in a thread if the storage may be on another machine.

        If the storage fails, requests are not limited, and it is not used for some seconds.
        Raises Refused if the remaining budget is too small.
        """
        if monotonic() < self._retry_at:
            return
        call = partial(budget.use, self._limiter, client, needed, spent)
        try:
            allowed, left, reset = call() if self._in_memory else await run_in_threadpool(call)
        except StorageError as error:
            self._pause(error)
            return
        usages[budget.name] = f'"{budget.name}";r={left}' + (f";t={reset}" if reset else "")
        if not allowed:
            detail = (
                f"the limit is {budget.amount} {budget.unit} per {budget.window} seconds; "
                f"{left} remain for the next {reset} seconds"
            )
            headers = {"Retry-After": str(max(1, reset))}
            raise Refused(RATE_LIMITED, detail, headers, policy=budget.name)

    def _pause(self, error: StorageError) -> None:
        """Do not use the storage for some seconds."""
        self._retry_at = monotonic() + RETRY_SECONDS
        logger.warning("cannot count for rate limits: %s", error.storage_error)


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
