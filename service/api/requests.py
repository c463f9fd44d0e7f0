"""Request parsing: orjson, media types and strict query parameters.

Its documented extension is a route class that passes on another request. The one here parses JSON
bodies with orjson, in a thread if they are large, and checks media types and query parameters.
"""

import re
from collections.abc import Callable, Collection, Coroutine
from json import JSONDecodeError
from typing import Any, Final, TypeVar, get_origin

import orjson
from fastapi import APIRouter, Body, Request
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.responses import Response

from service.api.bodies import declared_size
from service.api.dependencies import get_app_state
from service.api.errors import MEDIA, TOO_LARGE, Refused
from service.api.field_errors import MAX_STEP, explain_unknown, name_parameter, validate
from service.errors import Invalid, Malformed
from service.operations.work_estimates import PARSE

SMALL: Final = 16_000  # bytes that the event loop parses, in a millisecond at most
# Parsing holds the GIL: at most 3 ms for 2 MB of decimals, and 20 ms for a million digits. As many
# lists or members would take much longer. No valid request has nearly as many members.
MAX_JSON_BYTES: Final = 2_000_000
MAX_LISTS: Final = 100_000
MAX_MEMBERS: Final = 500
ADVICE: Final = "; send a large dataset to /v1/datasets as application/x-npz or text/csv"
IDENTITY: Final = "identity"  # the only accepted Content-Encoding
M = TypeVar("M", bound=BaseModel)
_JSON: Final = re.compile(r"application/([-\w.!#$&^]+\+)?json", re.ASCII)


class _ModelRequest(Request):
    """Hands FastAPI a validated model instead of JSON."""

    def __init__(self, request: Request, model: Any) -> None:
        super().__init__(request.scope, request.receive)
        self._model = model

    async def body(self) -> bytes:
        """Return nothing if there is no body; FastAPI does not use other bytes."""
        return b"" if self._model is None else b"{}"

    async def json(self) -> Any:
        """Return the model."""
        return self._model


class JsonRoute(APIRoute):
    """A route that parses JSON bodies itself, and rejects unknown and repeated query parameters.

    FastAPI rejects unknown query parameters only where others are declared, and uses the last value
    of a repeated one.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return FastAPI's handler, preceded by what it does not do."""
        handler = super().get_route_handler()
        body = self.body_field
        model: Any = body and body.field_info.annotation
        models: list[Any] = [param.field_info.annotation for param in self.dependant.query_params]
        fields = {name: info for model in models for name, info in model.model_fields.items()}
        lists = {name for name, info in fields.items() if get_origin(info.annotation) is list}
        pointers = {
            name: pointer
            for query in models
            for name, pointer in getattr(query, "pointers", dict)().items()
        }

        async def handle(request: Request) -> Response:
            if request.scope["query_string"]:
                _check_query(request, fields.keys(), lists)
            if model is not None:
                request = _ModelRequest(request, await read_model(request, model))
            try:
                return await handler(request)
            except Invalid as error:
                if pointers:
                    written = request.query_params.keys()
                    error.errors = [name_parameter(e, pointers, written) for e in error.errors]
                raise

        return handle


def make_router(tag: str) -> APIRouter:
    """Return a router for the routes of one resource."""
    return APIRouter(tags=[tag], route_class=JsonRoute)


def json_body(model: type[BaseModel], examples: dict[str, Any]) -> Any:
    """Declare a JSON body of which every field has a default."""
    return Body(default_factory=model, openapi_examples=examples)


async def read_model(request: Request, model: type[M], *other_types: str) -> M | None:
    """Return the JSON body of a request as a model, or None if there is no body.

    It raises Refused for another media type or too many bytes, Malformed, InvalidBody, and Busy for
    a large body that cannot be parsed now. A message about the media type names ``other_types``,
    which the route accepts besides JSON.
    """
    size = declared_size(request)
    if size:
        _check_media_type(request, *other_types)
    if 0 < size <= SMALL:
        return _parse(await request.body(), model)
    state = await get_app_state(request)
    async with state.bodies.receive(request, MAX_JSON_BYTES, ADVICE) as body:
        if not body.size:
            return None  # although its length was not declared
        _check_media_type(request, *other_types)
        seconds = body.size * PARSE
        return await state.scheduler.run(seconds, lambda: _parse(body.file.read(), model))


def media_type(request: Request) -> str:
    """Return the media type of the body without its parameters, in lower case."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def check_encoding(request: Request) -> None:
    """Raise Refused if the body is compressed."""
    encoding = request.headers.get("content-encoding", IDENTITY)
    if encoding.strip().lower() != IDENTITY:
        detail = f"the Content-Encoding of the body must be {IDENTITY}, not {encoding[:80]}"
        raise Refused(MEDIA, detail, {"Accept-Encoding": IDENTITY})


def _check_media_type(request: Request, *other_types: str) -> None:
    check_encoding(request)
    essence = media_type(request)
    if not _JSON.fullmatch(essence):
        what = f"not {essence[:80]}" if essence else "and there is no Content-Type"
        accepted = " or ".join(("application/json", *other_types))
        raise Refused(MEDIA, f"the body must be {accepted}, {what}")


def _parse(body: bytes, model: type[M]) -> M:
    """Return the model of a JSON body; raises as `read_model`."""
    n_members = max(body.count(b"{"), body.count(b":"))
    if n_members > MAX_MEMBERS or body.count(b"[") > MAX_LISTS:
        what = f"more than {MAX_MEMBERS} fields or {MAX_LISTS} lists"
        raise Refused(TOO_LARGE, f"the body has {what}{ADVICE}")
    try:
        value = orjson.loads(body)
    except JSONDecodeError as error:
        raise Malformed(f"not JSON: {error.msg} at character {error.pos}") from None
    return validate(value, model)


def _check_query(request: Request, known: Collection[str], lists: Collection[str]) -> None:
    """Raise Invalid if a parameter is unknown, or repeated although it has one value."""
    names = [name for name, _ in request.query_params.multi_items()]
    for name in names:
        if name not in known:
            detail = explain_unknown("query parameter", name, known)
            raise Invalid(detail, parameter=name[:MAX_STEP], known=sorted(known))
        if name not in lists and names.count(name) > 1:
            raise Invalid(f"{name} is repeated", parameter=name)
