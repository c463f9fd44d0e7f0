"""What the application holds while it runs, and how routes reach it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import Annotated, Any, Protocol, TypeVar, TypeVarTuple
from weakref import WeakValueDictionary

from anyio import CapacityLimiter, to_thread
from fastapi import Depends, Request

from service.api.job_watcher import JobWatcher
from service.operations.limits import Limits
from service.rendering.cache import PictureCache
from service.rendering.pool import RenderPool
from service.settings import Settings, usable_cores
from service.store.database import Database

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")


class JobQueue(Protocol):
    """The queue that delivers jobs to workers."""

    def enqueue(self, connection: Any, lease: str, result_version: int) -> None:
        """Enqueue a lease as part of the transaction of a connection."""


@dataclass
class AppState:
    """One application's state.

    ``asked`` holds a lock for every question that is being answered: identical requests at once
    wait for each other and compute once. ``computing`` lets one thread a core compute, so that
    others are free to answer. ``store_seen`` is when the store last answered a probe, by the
    monotonic clock.
    """

    settings: Settings
    database: Database
    limits: Limits
    rendering: RenderPool
    contents: PictureCache
    queue: JobQueue
    watch: JobWatcher
    computing: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(usable_cores()))
    store_seen: float = -inf
    asked: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    def asking(self, computation_id: str) -> asyncio.Lock:
        """Return the lock of a question."""
        return self.asked.setdefault(computation_id, asyncio.Lock())

    async def compute(self, function: Callable[[*Arguments], T], *arguments: *Arguments) -> T:
        """Return what a function returns that takes long: it has a thread once a core is free.

        In the threads that all share, a few such calls would hold up the short ones, and each
        holds its samples while it waits for the others.
        """
        return await to_thread.run_sync(function, *arguments, limiter=self.computing)


async def get_app_state(request: Request) -> AppState:
    """Return the state of the application that serves this request.

    It is async so that FastAPI does not send it to a thread.
    """
    state: AppState = request.app.state.service
    return state


AppStateDep = Annotated[AppState, Depends(get_app_state)]
