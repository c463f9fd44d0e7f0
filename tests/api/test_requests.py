"""How routes read their arguments."""

import asyncio
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Body, Depends, FastAPI, Path, Request
from starlette.responses import JSONResponse, Response

from service.api.requests import make_router
from service.schemas.base import RequestModel


class Numbers(RequestModel):
    """A body."""

    x: int = 1


async def get_agent(request: Request) -> str:
    """Return something that only the request knows."""
    return request.headers["user-agent"]


NumbersBody = Annotated[Numbers, Body(default_factory=Numbers)]
AgentDep = Annotated[str, Depends(get_agent)]


def make_app() -> FastAPI:
    """Return an application with one route of each kind."""
    router = make_router("Test")

    @router.post("/direct")
    async def direct(request: Request, agent: AgentDep, body: NumbersBody) -> Response:
        return JSONResponse(
            [request.method, agent, body.x, "fastapi_inner_astack" in request.scope]
        )

    @router.post("/items/{name}")
    async def with_path(
        name: Annotated[str, Path()], agent: AgentDep, body: NumbersBody
    ) -> Response:
        return JSONResponse([name, agent, body.x])

    app = FastAPI()
    app.router.routes += router.routes
    return app


def post(path: str, **options: Any) -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(make_app())
        headers = {"User-Agent": "me"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://test", headers=headers
        ) as client:
            return await client.post(path, **options)

    return asyncio.run(send())


@pytest.mark.parametrize(("body", "x"), [({}, 1), ({"x": 3}, 3)])
def test_a_route_with_a_body_reads_its_own_arguments(body: dict[str, int], x: int) -> None:
    assert post("/direct", json=body).json() == ["POST", "me", x, False]  # not FastAPI's handler


def test_fastapi_reads_path_parameters() -> None:
    assert post("/items/a", json={"x": 3}).json() == ["a", "me", 3]


@pytest.mark.parametrize("path", ["/direct", "/items/a"])
def test_a_route_rejects_unknown_query_parameters(path: str) -> None:
    response = post(path, params={"y": "1"}, json={})
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "/y")
