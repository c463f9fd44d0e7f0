"""The state of the application, and how routes get it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Annotated

from cachetools import LRUCache
from fastapi import Depends, Request

from service.api.bodies import BodyStore
from service.api.files import FileStore
from service.api.job_watcher import JobWatcher
from service.api.metrics import Metrics
from service.api.request_record import Observer
from service.operations.context import Context
from service.rendering.pool import RenderPool
from service.settings import Settings


@dataclass(kw_only=True)
class AppState(Context):
    """What use cases share, and the state that only the HTTP layer needs."""

    settings: Settings
    render_pool: RenderPool
    picture_cache: LRUCache[str, bytes]  # by ETag, which names their bytes forever
    watcher: JobWatcher
    bodies: BodyStore
    files: FileStore
    uploads: asyncio.Semaphore  # limits the datasets that are in memory to be stored
    metrics: Metrics
    observers: Sequence[Observer]  # called after every response: the metrics and the log
    get_worker_problem: Callable[[], str | None]  # returns why no worker of this process runs
    # When a readiness probe last succeeded without a reason against it, by the monotonic clock.
    ready_at: float = -inf
    closing: bool = False  # the service is shutting down

    def close(self) -> None:
        """Fail readiness, refuse what waits, and end streams, because the service shuts down."""
        self.closing = True
        self.watcher.close()
        self.scheduler.close()
        self.render_pool.close()


async def get_app_state(request: Request) -> AppState:
    """Return the state of the application that serves a request.

    It is async because FastAPI calls other dependencies in a thread.
    """
    state: AppState = request.app.state.service
    return state


AppStateDep = Annotated[AppState, Depends(get_app_state)]
