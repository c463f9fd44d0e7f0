"""/livez and /readyz."""

from typing import Annotated, Literal

from fastapi.concurrency import run_in_threadpool
from pydantic import Field

from service import __version__
from service.api.answers import JsonAnswer
from service.api.described import problems
from service.api.errors import UNAVAILABLE
from service.api.routing import router as make_router
from service.api.state import Here
from service.schemas.base import Answer

router = make_router("Operations")


class Health(Answer):
    """The process, or the store, is there."""

    status: Literal["ok"] = "ok"
    version: Annotated[str, Field(description="The version of the service.")] = __version__


@router.get("/livez", response_model=Health, summary="Is the process alive?")
async def livez() -> JsonAnswer:
    """Answer at once, without asking the store."""
    return JsonAnswer(Health())


@router.get(
    "/readyz",
    response_model=Health,
    summary="Can the service do its work?",
    responses=problems(UNAVAILABLE),
)
async def readyz(state: Here) -> JsonAnswer:
    """Answer once the store does."""
    await run_in_threadpool(state.database.ping)
    return JsonAnswer(Health())
