"""How every route reads its request: orjson for bodies, no unknown query parameters."""

from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from service.api.errors import INVALID, UnsupportedMediaType, problem
from service.errors import FieldError


class OrjsonRequest(Request):
    """A request whose JSON is read by orjson: several times faster on matrices, and strict."""

    async def json(self) -> Any:
        """Parse the body; raises json.JSONDecodeError, also for NaN and Infinity."""
        if not hasattr(self, "_json"):
            self._json = orjson.loads(await self.body())
        return self._json


class Route(APIRoute):
    """A route that reads JSON with orjson and refuses what it would not look at."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return FastAPI's handler behind the two checks."""
        handler = super().get_route_handler()
        takes_json = self.body_field is not None
        known = {field.alias for field in self.dependant.query_params}
        known |= {
            parameter["name"]
            for parameter in (self.openapi_extra or {}).get("parameters", [])
            if parameter["in"] == "query"
        }
        for dependency in self.dependant.dependencies:
            known |= {field.alias for field in dependency.query_params}

        async def checked(request: Request) -> Response:
            if request.scope["query_string"]:
                unknown = [name for name in request.query_params if name not in known]
                if unknown:
                    return _unknown(request, unknown, known)
            if takes_json:
                _check_media_type(request)
            return await handler(OrjsonRequest(request.scope, request.receive))

        return checked


def router(tag: str) -> APIRouter:
    """Return a router for the routes of one resource."""
    return APIRouter(tags=[tag], route_class=Route)


def _unknown(request: Request, unknown: list[str], known: set[str]) -> Response:
    listed = ", ".join(sorted(known)) or "none"
    fields = [FieldError(f"/{name}", "This parameter is not known here") for name in unknown]
    detail = f"unknown query parameter {unknown[0]!r}; known here: {listed}"
    return problem(request, INVALID, detail, fields=fields)


def _check_media_type(request: Request) -> None:
    given = request.headers.get("content-type")
    if given is None and request.headers.get("content-length", "0") == "0":
        return  # no body at all: every field at its default
    essence = (given or "").partition(";")[0].strip().lower()
    if essence != "application/json" and not essence.endswith("+json"):
        what = f"not {essence}" if essence else "and there is no Content-Type"
        raise UnsupportedMediaType(f"the body must be application/json, {what}")
