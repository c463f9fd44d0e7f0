"""Metrics for Prometheus."""

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from prometheus_client.exposition import choose_encoder
from starlette.responses import Response

from service.api.dependencies import AppStateDep
from service.api.requests import make_router

router = make_router("Operations")


@router.get(
    "/metrics",
    response_class=Response,
    summary="Read metrics",
    responses={
        200: {
            "description": "Success.",
            "content": {
                "text/plain": {"schema": {"type": "string"}},
                "application/openmetrics-text": {"schema": {"type": "string"}},
            },
        }
    },
)
async def metrics(request: Request, state: AppStateDep) -> Response:
    """Return metrics in the format of Prometheus, or in OpenMetrics if the client accepts it."""
    encode, media_type = choose_encoder(request.headers.get("accept", ""))
    body = await run_in_threadpool(encode, state.metrics.registry)
    return Response(body, headers={"Content-Type": media_type, "Cache-Control": "no-store"})
