"""The state of the application, and how routes get it."""

from dataclasses import dataclass
from math import inf
from typing import Annotated

from fastapi import Depends, Request

from service.api.job_watcher import JobWatcher
from service.operations.services import Services
from service.rendering.cache import PictureCache
from service.rendering.pool import RenderPool
from service.settings import Settings


@dataclass(kw_only=True)
class AppState(Services):
    """The services of use cases, and the state that only the HTTP layer needs.

    Parameters
    ----------
    database_seen
        When the database last responded to a readiness probe, by the monotonic clock.
    """

    settings: Settings
    render_pool: RenderPool
    picture_cache: PictureCache
    watcher: JobWatcher
    database_seen: float = -inf


async def get_app_state(request: Request) -> AppState:
    """Return the state of the application that serves a request.

    It is async because FastAPI calls other dependencies in a thread.
    """
    state: AppState = request.app.state.service
    return state


AppStateDep = Annotated[AppState, Depends(get_app_state)]
