"""The CPU work of the current request, and the disconnection of its client."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final


@dataclass(slots=True)
class Work:
    """CPU seconds of one request, estimated and spent."""

    estimated: float = 0.0
    spent: float = 0.0


# The work of the current request. None outside of requests.
current_work: ContextVar[Work | None] = ContextVar("current_work", default=None)


def add_work(*, estimated: float = 0.0, spent: float = 0.0) -> None:
    """Add CPU seconds to the work of the current request, if any."""
    work = current_work.get()
    if work is not None:
        work.estimated += estimated
        work.spent += spent


# The owner of a share of the queues: the API key, or the address without keys.
current_client: Final[ContextVar[str | None]] = ContextVar("current_client", default=None)

# The name of the API key of the current request. None without keys.
current_key: Final[ContextVar[str | None]] = ContextVar("current_key", default=None)

# A coroutine that ends when the client of the current request disconnects, or None.
disconnection: ContextVar[Callable[[], Awaitable[None]] | None] = ContextVar(
    "disconnection", default=None
)


@contextmanager
def watch_disconnection(call: Callable[[], None], delay: float = 0.0) -> Iterator[None]:
    """Call a function if the client of the current request disconnects during the block.

    The client is observed after a delay in seconds, which short blocks do not reach.
    """
    wait_for_disconnection = disconnection.get()

    async def watch() -> None:
        await asyncio.sleep(delay)
        if wait_for_disconnection is not None:
            await wait_for_disconnection()
            call()

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()
