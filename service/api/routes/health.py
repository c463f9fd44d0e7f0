"""Liveness, readiness and metrics."""

from time import monotonic
from typing import Annotated, Literal

from fastapi import Request
from prometheus_client.exposition import choose_encoder
from pydantic import Field
from starlette.responses import Response

from service import __version__
from service.api.dependencies import AppStateDep
from service.api.errors import NOT_READY
from service.api.openapi import problem_responses
from service.api.requests import make_router
from service.api.responses import json_response
from service.errors import NotReady, StoreError
from service.schemas.base import ResponseModel

router = make_router("Operations")

GRACE_SECONDS = 10.0


class Health(ResponseModel):
    """The process or the database responds."""

    status: Annotated[Literal["ok"], Field(description="Always ok.")] = "ok"
    version: Annotated[str, Field(description="The version of the service.")] = __version__


@router.get("/livez", response_model=Health)
async def livez() -> Response:
    """Check that the process is running.

    Respond without using the database.
    """
    return json_response(Health())


@router.get("/readyz", response_model=Health, responses=problem_responses(NOT_READY))
def readyz(state: AppStateDep) -> Response:
    """Check that the service is ready.

    Succeed if the database accepted data and workers ran within the last ten seconds.

    The database does not accept data while it is unavailable or read-only, its disk is full, or its
    file is missing. A short outage does not take all replicas out of service at once.
    """
    if state.watcher.closing:
        raise NotReady("the service is shutting down")
    reasons = []
    try:
        state.database.check_ready()
    except StoreError as error:
        reasons.append(error.detail)
    if (worker_problem := state.get_worker_problem()) is not None:
        reasons.append(worker_problem)
    if not reasons:
        state.ready_at = monotonic()
    elif monotonic() - state.ready_at >= GRACE_SECONDS:
        raise NotReady("; ".join(reasons))
    return json_response(Health())


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {
            "content": {
                "text/plain": {"schema": {"type": "string"}},
                "application/openmetrics-text": {"schema": {"type": "string"}},
            }
        }
    },
)
def metrics(request: Request, state: AppStateDep) -> Response:
    """Read metrics.

    They are in the format of Prometheus, or in OpenMetrics if the client accepts it.
    """
    encode, media_type = choose_encoder(request.headers.get("accept", ""))
    body = encode(state.metrics.registry)
    return Response(body, headers={"Content-Type": media_type, "Cache-Control": "no-store"})
