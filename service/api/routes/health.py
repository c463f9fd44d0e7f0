"""/livez and /readyz."""

from time import monotonic
from typing import Annotated, Literal

from fastapi.concurrency import run_in_threadpool
from pydantic import Field

from service import __version__
from service.api.dependencies import AppStateDep
from service.api.errors import UNAVAILABLE
from service.api.openapi import problems
from service.api.requests import router as make_router
from service.api.responses import OrjsonResponse
from service.errors import StoreUnavailable
from service.schemas.base import ResponseModel

router = make_router("Operations")

PATIENCE_SECONDS = 10.0


class Health(ResponseModel):
    """The process, or the store, is there."""

    status: Annotated[Literal["ok"], Field(description="Always this.")] = "ok"
    version: Annotated[str, Field(description="The version of the service.")] = __version__


@router.get("/livez", response_model=Health, summary="Is the process alive?")
async def livez() -> OrjsonResponse:
    """Answer at once, without asking the store."""
    return OrjsonResponse(Health())


@router.get(
    "/readyz",
    response_model=Health,
    summary="Can the service do its work?",
    responses=problems(UNAVAILABLE),
)
async def readyz(state: AppStateDep) -> OrjsonResponse:
    """Answer while the store does, and for ten seconds after it last did.

    A short absence is then no reason to take every replica out of service at once.
    """
    try:
        await run_in_threadpool(state.database.ping)
        state.store_seen = monotonic()
    except StoreUnavailable:
        if monotonic() - state.store_seen >= PATIENCE_SECONDS:
            raise
    return OrjsonResponse(Health())
