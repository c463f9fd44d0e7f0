"""The application: its state, its routes and its lifespan."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from functools import partial
from importlib import import_module
from typing import Any, Final

from cachetools import LRUCache
from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool

from service import __version__
from service.api.access import AccessPolicy
from service.api.compression import CompressionMiddleware
from service.api.dependencies import AppState
from service.api.errors import install_handlers
from service.api.events import JobWatcher
from service.api.files import FileStore
from service.api.metrics import Metrics
from service.api.middleware import RequestGuardMiddleware
from service.api.openapi import complete_schema
from service.api.request_record import log_request
from service.api.requests import BodyStore
from service.api.routes import (
    computations,
    datasets,
    docs,
    explorer,
    guide,
    health,
    questions,
    tables,
    training,
)
from service.api.telemetry import make_telemetry_config
from service.jobs.queue import JobQueue
from service.jobs.reaper import Reaper
from service.jobs.supervisor import Supervisor
from service.operations.shared.limits import Limits
from service.rendering.pool import RenderPool
from service.scheduling.scheduler import Scheduler
from service.settings import Settings, usable_cores
from service.store import job_queries
from service.store.database import Database

DESCRIPTION = """
The linear recurrent network S_k = f(w_rec S_{k-1} + w_in x_k). Train it to count ones, predict,
trace gradients back through time, and draw cost surfaces. Fit the same recurrence to your own
sequences. All fields except ids and your own data default to the values in the tutorial, so an
empty request reproduces the tutorial. [The guide](guide/) explains the model and the results.
"""
# Routes are matched one by one, so routes of short computations come first.
ROUTERS: Final = (
    *questions.routers,
    *computations.routers,
    *(module.router for module in (training, datasets, tables, health, docs, explorer, guide)),
)


class App(FastAPI):
    """FastAPI with a complete OpenAPI schema."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI schema, which is created once."""
        if self.openapi_schema is None:
            has_keys = bool(self.state.service.settings.api_keys)
            self.openapi_schema = complete_schema(super().openapi(), has_keys=has_keys)
        return self.openapi_schema


def create_app(settings: Settings | None = None, supervisor: Supervisor | None = None) -> FastAPI:
    """Return the application.

    The database is opened and migrated when the server starts, not here.

    Parameters
    ----------
    supervisor
        The supervisor of the workers of this process, if it has any.
    """
    settings = settings or Settings()
    database = Database(settings.store_url, settings.max_stored_bytes)
    queue = JobQueue(settings.store_url, supervisor.wake if supervisor else lambda: None)
    access = AccessPolicy(settings)
    days = settings.retention_days
    retention = None if days is None else timedelta(days=days)
    reaper = Reaper(database, queue, retention)
    app = App(
        title="linear-rnn",
        summary="See why training a recurrent network succeeds or fails.",
        description=DESCRIPTION,
        version=__version__,
        contact={"name": "The operator of this service"},
        servers=[{"url": "/"}],
        generate_unique_id_function=lambda route: route.name,
        license_info={"name": "MIT", "identifier": "MIT"},
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=make_telemetry_config(),
        separate_input_output_schemas=False,
        lifespan=_lifespan(database, queue, reaper),
    )
    state = app.state.service = _make_state(settings, database, queue, supervisor)
    app.add_middleware(CompressionMiddleware)
    app.add_middleware(
        RequestGuardMiddleware,
        access=access,
        observers=state.observers,
    )
    install_handlers(app)
    for router in ROUTERS:
        app.include_router(router)
    return app


def _make_state(
    settings: Settings, database: Database, queue: JobQueue, supervisor: Supervisor | None
) -> AppState:
    limits = Limits(**settings.model_dump(include=set(Limits.model_fields)))
    n_processes = settings.render_processes
    directory = settings.sqlite_file and settings.sqlite_file.parent  # None: the system's
    scheduler = Scheduler(
        usable_cores(), settings.max_waiting_computations, max_seconds=limits.max_work_seconds
    )
    render_pool = RenderPool(
        usable_cores() if n_processes is None else n_processes, settings.max_waiting_pictures
    )
    metrics = Metrics(
        scheduler, render_pool, database, lambda: len(supervisor.pids) if supervisor else 0
    )
    return AppState(
        settings=settings,
        open_database=lambda: database,
        limits=limits,
        enqueue=queue.enqueue,
        scheduler=scheduler,
        render_pool=render_pool,
        picture_cache=LRUCache(settings.picture_cache_bytes, getsizeof=len),
        watcher=JobWatcher(partial(job_queries.get_many, database)),
        bodies=BodyStore(directory),
        files=FileStore(directory),
        get_worker_problem=lambda: None if supervisor is None else supervisor.problem,
        metrics=metrics,
        observers=[metrics.observe, log_request],
    )


def _lifespan(
    database: Database, queue: JobQueue, reaper: Reaper
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        state: AppState = app.state.service
        await run_in_threadpool(database.migrate)
        await run_in_threadpool(queue.migrate)
        # It takes longer than the budget of a short fit, which would otherwise contain it.
        importing = asyncio.create_task(run_in_threadpool(import_module, "scipy.special"))
        reaping = asyncio.create_task(reaper.run())
        state.render_pool.start()
        yield
        reaping.cancel()
        await asyncio.wait({reaping, importing})
        state.watcher.close()
        await state.render_pool.stop()
        await run_in_threadpool(queue.close)
        await run_in_threadpool(database.close)

    return lifespan
