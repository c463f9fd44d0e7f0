"""The application: routers, handlers, lifespan."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool

from service import __version__
from service.api import errors
from service.api.dependencies import AppState
from service.api.job_watcher import JobWatcher
from service.api.middleware import RequestGuardMiddleware
from service.api.openapi import complete
from service.api.routes import (
    basin_maps,
    cost_surface,
    datasets,
    docs,
    explorer,
    gradient_trace,
    health,
    optimizers,
    predict,
    training_runs,
)
from service.jobs.queue import JobQueue
from service.jobs.reaper import Reaper
from service.jobs.supervisor import Supervisor
from service.operations.limits import Limits
from service.rendering.cache import PictureCache
from service.rendering.pool import RenderPool
from service.settings import Settings, usable_cores
from service.store.database import Database

DESCRIPTION = """
The linear recurrent network S_k = f(w_rec S_{k-1} + w_in x_k): train it to count ones, predict,
trace gradients back through time, draw cost surfaces. An empty request is the tutorial note's:
every field has the note's value as its default.
"""


class App(FastAPI):
    """FastAPI, with the problems in its schema."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI schema, made once."""
        if self.openapi_schema is None:
            self.openapi_schema = complete(super().openapi())
        return self.openapi_schema


def create_app(settings: Settings | None = None, supervisor: Supervisor | None = None) -> FastAPI:
    """Make the application; ``supervisor`` keeps the workers that were started with it, if any.

    The store is opened and brought up to date when the server starts, not here.
    """
    settings = settings or Settings()
    store = Database(settings.store_url)
    queue = JobQueue(settings.store_url)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(store.migrate)
        await run_in_threadpool(queue.migrate)
        if supervisor is not None:
            reaper = Reaper(store, queue)
            if settings.sqlite_file is not None:
                # No other serve uses this file, so the jobs of unknown workers are orphans.
                await run_in_threadpool(reaper.requeue_orphans, supervisor.worker_names)
            supervisor.report_exits_to(lambda name: reaper.requeue_jobs_of([name]))
        rendering: RenderPool = app.state.service.rendering
        rendering.start()
        yield
        app.state.service.watch.close()
        await rendering.stop()
        await run_in_threadpool(queue.close)
        await run_in_threadpool(store.close)

    app = App(
        title="linear-rnn",
        summary="See why a recurrent network trains or doesn't.",
        description=DESCRIPTION,
        version=__version__,
        license_info={"name": "MIT", "identifier": "MIT"},
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
        lifespan=lifespan,
    )
    app.state.service = AppState(
        settings=settings,
        database=store,
        limits=Limits(
            max_cells=settings.max_cells,
            max_steps=settings.max_steps,
            max_json_numbers=settings.max_json_numbers,
            max_work_seconds=settings.max_work_seconds,
            max_sync_seconds=settings.max_sync_seconds,
            max_job_seconds=settings.max_job_seconds,
            max_iterations=settings.max_iterations,
            max_grid=settings.max_grid,
        ),
        rendering=RenderPool(
            usable_cores() if settings.render_processes is None else settings.render_processes,
            settings.max_waiting_pictures,
        ),
        contents=PictureCache(settings.picture_cache_bytes),
        queue=queue,
        watch=JobWatcher(store),
    )
    app.add_middleware(RequestGuardMiddleware, max_body_bytes=settings.max_body_bytes)
    errors.install(app)
    for resource in (
        predict,
        gradient_trace,
        cost_surface,
        optimizers,
        training_runs,
        basin_maps,
        datasets,
        health,
    ):
        app.include_router(resource.router)
    app.include_router(docs.router)
    app.include_router(explorer.router)
    app.mount(docs.ASSETS, docs.assets())
    return app
