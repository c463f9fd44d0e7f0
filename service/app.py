"""The application: routers, handlers, lifespan."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool

from service import __version__
from service.api import (
    basins,
    datasets,
    docs,
    errors,
    explorer,
    gradients,
    health,
    optimizers,
    predict,
    runs,
    surfaces,
)
from service.api.contents import Contents
from service.api.described import complete
from service.api.middleware import Edge
from service.api.rendering import Rendering, default_processes
from service.api.state import State
from service.operations.limits import Limits
from service.settings import Settings
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


def create_app(settings: Settings | None = None) -> FastAPI:
    """Make the application.

    The store is opened and brought up to date when the server starts, not here.
    """
    settings = settings or Settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        database: Database = app.state.service.database
        await run_in_threadpool(database.migrate)
        rendering: Rendering = app.state.service.rendering
        rendering.start()
        yield
        await rendering.stop()
        await run_in_threadpool(database.close)

    app = App(
        title="linear-rnn",
        summary="See why a recurrent network trains or doesn't.",
        description=DESCRIPTION,
        version=__version__,
        license_info={"name": "MIT", "identifier": "MIT"},
        docs_url=None,
        redoc_url=None,
        separate_input_output_schemas=False,
        lifespan=lifespan,
    )
    app.state.service = State(
        settings=settings,
        database=Database(settings.store_url),
        limits=Limits(
            max_cells=settings.max_cells,
            max_json_numbers=settings.max_json_numbers,
            max_work_seconds=settings.max_work_seconds,
            max_iterations=settings.max_iterations,
            max_grid=settings.max_grid,
        ),
        rendering=Rendering(
            default_processes() if settings.render_processes is None else settings.render_processes,
            settings.max_waiting_pictures,
        ),
        contents=Contents(settings.picture_cache_bytes),
    )
    app.add_middleware(Edge, max_body_bytes=settings.max_body_bytes)
    errors.install(app)
    for resource in (predict, gradients, surfaces, optimizers, runs, basins, datasets, health):
        app.include_router(resource.router)
    app.include_router(docs.router)
    app.include_router(explorer.router)
    app.mount(docs.ASSETS, docs.assets())
    return app
