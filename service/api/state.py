"""What the application holds while it runs, and how routes reach it."""

import asyncio
from dataclasses import dataclass, field
from math import inf
from typing import Annotated
from weakref import WeakValueDictionary

from fastapi import Depends, Request

from service.api.contents import Contents
from service.api.rendering import Rendering
from service.operations.limits import Limits
from service.settings import Settings
from service.store.database import Database


@dataclass
class State:
    """One application's state.

    ``asked`` holds a lock for every question that is being answered: identical requests at once
    wait for each other and compute once. ``store_seen`` is when the store last answered a probe,
    by the monotonic clock.
    """

    settings: Settings
    database: Database
    limits: Limits
    rendering: Rendering
    contents: Contents
    store_seen: float = -inf
    asked: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    def asking(self, question_id: str) -> asyncio.Lock:
        """Return the lock of a question."""
        return self.asked.setdefault(question_id, asyncio.Lock())


async def state_of(request: Request) -> State:
    """Return the state of the application that serves this request.

    It is async so that FastAPI does not send it to a thread.
    """
    state: State = request.app.state.service
    return state


Here = Annotated[State, Depends(state_of)]
