"""Rate limits per API key, or else per address: of requests, and of seconds of computation.

The header fields follow draft-ietf-httpapi-ratelimit-headers-10.
"""

import logging
from collections.abc import Callable
from functools import partial
from math import ceil, inf
from time import monotonic, time
from typing import Final, NamedTuple, cast

from fastapi.concurrency import run_in_threadpool
from limits import RateLimitItem, parse
from limits.errors import ConfigurationError, StorageError
from limits.storage import Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter
from pydantic import SecretStr
from starlette.types import Scope

from service.api.clients import identify
from service.api.errors import RateLimited
from service.api.request_record import RequestRecord
from service.errors import Invalid
from service.settings import Settings

logger = logging.getLogger(__name__)

MEMORY: Final = "memory://"
MILLISECONDS: Final = 1000  # per second; the library counts in integers
STORAGES: Final = (MEMORY, "redis://", "rediss://", "redis+unix://")  # one Redis server
REDIS_OPTIONS: Final = {"socket_connect_timeout": 1.0, "socket_timeout": 1.0}  # without: forever
RETRY_SECONDS: Final = 5.0  # after which a storage that failed is used again
UNLIMITED: Final = frozenset({"/metrics"})


class Usage(NamedTuple):
    """What is left of a budget, and the seconds until it is full again."""

    remaining: int
    reset: int


class Budget:
    """An amount per window of time: of requests, or of milliseconds.

    ``unit`` is for messages, and ``scale`` counted units are one of the amount.
    """

    def __init__(self, name: str, unit: str, item: RateLimitItem, scale: int = 1) -> None:
        self.name = name
        self.unit = unit
        self.amount = item.amount
        self.window = item.get_expiry()
        self.scale = scale
        self.total = item.amount * scale
        self._item = type(item)(self.total, item.multiples, namespace=name)

    def test(self, limiter: FixedWindowRateLimiter, client: str, cost: int) -> tuple[bool, Usage]:
        """Return whether a client has enough left for a cost, without taking it."""
        allowed = cost == 0 or limiter.test(self._item, client, cost=cost)
        return allowed, self._usage(limiter, client)

    def take(self, limiter: FixedWindowRateLimiter, client: str, cost: int) -> tuple[bool, Usage]:
        """Take a cost from what a client has left, if that is enough."""
        # A hit counts even if it is refused, and the rest may be enough for a smaller request.
        allowed = self.test(limiter, client, cost)[0] and limiter.hit(self._item, client, cost=cost)
        return allowed, self._usage(limiter, client)

    def spend(self, limiter: FixedWindowRateLimiter, client: str, cost: int) -> tuple[bool, Usage]:
        """Take a cost, or all that is left: it was spent already."""
        remaining = limiter.get_window_stats(self._item, client).remaining
        limiter.hit(self._item, client, cost=min(cost, remaining))
        return True, self._usage(limiter, client)

    def _usage(self, limiter: FixedWindowRateLimiter, client: str) -> Usage:
        stats = limiter.get_window_stats(self._item, client)
        reset = max(0, ceil(stats.reset_time - time()))
        return Usage(stats.remaining // self.scale, reset)


class RateLimits:
    """The budgets of the settings, and what clients have used of them.

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
            item = parse(settings.rate_limit_requests)
            self._requests = Budget("requests", "requests", item)
        if settings.rate_limit_seconds is not None:
            item = parse(settings.rate_limit_seconds)
            self._work = Budget("work", "seconds of computation", item, MILLISECONDS)
        budgets = [budget for budget in (self._requests, self._work) if budget is not None]
        self._policy = ", ".join(f'"{b.name}";q={b.amount};w={b.window}' for b in budgets).encode()

    @property
    def are_set(self) -> bool:
        """Whether there is any budget."""
        return bool(self._policy)

    async def count_request(self, record: RequestRecord) -> None:
        """Count a request, and let its computations be charged; raises RateLimited."""
        client = identify(record.scope)
        usages: dict[str, Usage] = {}
        record.scope["rate_limits"] = usages
        if self._requests is not None:
            await self._call(self._requests, self._requests.take, client, 1, usages)
        work = self._work
        if work is None:
            return
        await self._call(work, work.test, client, 0, usages)

        # All computations of a request together need at most the whole budget. Otherwise a request
        # with several of them might be refused in every window.
        async def admit(seconds: float) -> None:
            needed = ceil((record.work.estimated + seconds) * MILLISECONDS)
            spent = ceil(record.work.spent * MILLISECONDS)
            cost = max(1, min(needed, work.total) - spent)
            await self._call(work, work.test, client, cost, usages)

        async def charge(seconds: float) -> None:
            cost = ceil(seconds * MILLISECONDS)
            if cost:
                await self._call(work, work.spend, client, cost, usages)

        record.work.admit, record.work.charge = admit, charge

    def response_headers(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        """Return the fields of a response, if its request was counted."""
        usages: dict[str, Usage] | None = scope.get("rate_limits")
        if usages is None:
            return []
        left = ", ".join(
            f'"{name}";r={usage.remaining}' + (f";t={usage.reset}" if usage.reset else "")
            for name, usage in usages.items()
        )
        return [(b"ratelimit-policy", self._policy), (b"ratelimit", left.encode())]

    async def _call(
        self,
        budget: Budget,
        method: Callable[[FixedWindowRateLimiter, str, int], tuple[bool, Usage]],
        client: str,
        cost: int,
        usages: dict[str, Usage],
    ) -> None:
        """Call a method of a budget, in a thread if another machine may have to be asked.

        If the storage fails, requests are not limited, for some seconds without asking it again.
        Raises RateLimited if not enough is left.
        """
        if monotonic() < self._retry_at:
            return
        call = partial(method, self._limiter, client, cost)
        try:
            allowed, usage = call() if self._in_memory else await run_in_threadpool(call)
        except StorageError as error:
            self._retry_at = monotonic() + RETRY_SECONDS
            logger.warning("cannot count for rate limits: %s", error.storage_error)
            return
        usages[budget.name] = usage
        if not allowed:
            detail = (
                f"the limit is {budget.amount} {budget.unit} per {budget.window} seconds; "
                f"{usage.remaining} are left for the next {usage.reset} seconds"
            )
            raise RateLimited(detail, budget.name, max(1, usage.reset))


def _open_storage(url: SecretStr | None) -> Storage:
    text = MEMORY if url is None else url.get_secret_value()
    if not text.startswith(STORAGES):
        raise Invalid(f"RNN_RATE_LIMIT_STORAGE: the URL must begin with {' or '.join(STORAGES)}")
    try:
        return cast("Storage", storage_from_string(text, wrap_exceptions=True, **REDIS_OPTIONS))
    except ConfigurationError:
        detail = "RNN_RATE_LIMIT_STORAGE needs the extra redis: pip install 'linear-rnn[redis]'"
        raise Invalid(detail) from None
    except Exception as error:  # depends on the storage; its message may have the password
        detail = f"RNN_RATE_LIMIT_STORAGE: the URL is invalid ({type(error).__name__})"
        raise Invalid(detail) from None
