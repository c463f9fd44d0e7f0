"""Dependencies of routes: the state of the application, and the Prefer header."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Annotated, NamedTuple

from cachetools import LRUCache
from fastapi import Depends, Header, Request

from service.api.events import JobWatcher
from service.api.files import FileStore
from service.api.metrics import Metrics
from service.api.request_record import Observer
from service.api.requests import BodyStore
from service.operations.shared.context import Context
from service.rendering.pool import RenderPool
from service.settings import Settings

MAX_WAIT = 60
_WAIT = re.compile(r"wait\s*+=\s*+\"?([0-9]++)\"?", re.IGNORECASE | re.ASCII)


@dataclass(kw_only=True)
class AppState(Context):
    """The resources of use cases, and the state of the HTTP layer."""

    settings: Settings
    render_pool: RenderPool
    picture_cache: LRUCache[str, bytes]  # by ETag, which identifies their bytes permanently
    watcher: JobWatcher
    bodies: BodyStore
    files: FileStore
    metrics: Metrics
    observers: Sequence[Observer]  # called after every response: the metrics and the log
    get_worker_problem: Callable[[], str | None]  # returns why no worker of this process runs
    # The monotonic time of the last readiness probe that succeeded.
    ready_at: float = -inf

    def close(self) -> None:
        """Fail readiness, reject waiting requests, and end streams at the shutdown."""
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


class Preference(NamedTuple):
    """Preferences: to respond before the work is done, and the seconds to wait for it."""

    respond_async: bool = False
    wait: int | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The response header with the applied preferences."""
        applied = ["respond-async"] if self.respond_async else []
        if self.wait is not None:
            applied.append(f"wait={self.wait}")
        return {"Preference-Applied": ", ".join(applied)} if applied else {}


async def get_preference(
    request: Request,
    prefer: Annotated[
        str,
        Header(
            alias="Prefer",
            description="`respond-async` always creates a job. `wait=N` waits up to N seconds "
            f"for the job to finish, at most {MAX_WAIT}.",
            examples=["respond-async, wait=5"],
        ),
    ] = "",
) -> Preference:
    """Return the preferences of a request, from all of its Prefer headers.

    Unknown preferences are ignored, as the standard requires (section 2).
    """
    respond_async, wait = False, None
    for item in ",".join(request.headers.getlist("prefer") or [prefer]).split(","):
        preference = item.partition(";")[0].strip()
        if preference.lower() == "respond-async":
            respond_async = True
        elif wait is None and (match := _WAIT.fullmatch(preference)):
            seconds = match[1].lstrip("0")[:9]  # more digits are irrelevant
            wait = min(int(seconds or 0), MAX_WAIT)
    return Preference(respond_async, wait)


PreferenceDep = Annotated[Preference, Depends(get_preference)]
