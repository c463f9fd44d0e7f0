"""The CPU work of the current request: its budget, and whether its client still waits."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class Work:
    """CPU seconds of one request, estimated and actual.

    ``charge`` takes estimated seconds from the budget of the client, and raises a ServiceError if
    they are too many. It is None where clients have no budget.
    """

    estimated: float = 0.0
    actual: float = 0.0
    charge: Callable[[float], Awaitable[None]] | None = None


current_work: ContextVar[Work | None] = ContextVar("current_work", default=None)
"""The work of the current request. None outside of requests."""

disconnection: ContextVar[Callable[[], Awaitable[None]] | None] = ContextVar(
    "disconnection", default=None
)
"""Waits until the client of the current request disconnects. None if there is no client."""


async def charge_work(seconds: float) -> None:
    """Add estimated seconds to the current request; raises a ServiceError if they are too many."""
    work = current_work.get()
    if work is not None:
        if work.charge is not None:
            await work.charge(seconds)
        work.estimated += seconds
