"""How every route reads its request: bodies as questions, no query parameter unread."""

import re
from collections.abc import Callable, Coroutine, Sequence
from inspect import iscoroutinefunction
from itertools import islice
from json import JSONDecodeError
from typing import Any

import orjson
from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from starlette.responses import Response

from service.api.dependencies import AppState
from service.api.errors import INVALID, InvalidBody, UnsupportedMediaType, problem
from service.api.json_pointer import step
from service.errors import FieldError, Malformed

LARGE = 100_000  # bytes: reading more takes milliseconds, too long for the event loop
MOST = 1000  # fields or items that are looked at; no object or list of objects has nearly as many
DEEPEST = 6  # objects or lists in each other; no question has as many
_JSON = re.compile(r"application/([-\w.!#$&^]+\+)?json", re.ASCII)


class ModelRequest(Request):
    """A request that hands FastAPI its question, read by orjson and valid already.

    orjson is several times faster on matrices than the standard library, and strict. Large bodies
    are read in a thread.
    """

    adapter: TypeAdapter[Any]

    async def json(self) -> Any:
        """Read the body; raises json.JSONDecodeError, also for NaN and Infinity, or InvalidBody."""
        body = await self.body()
        if len(body) > LARGE:
            state: AppState = self.app.state.service
            return await state.compute(self._read, body)
        return self._read(body)

    async def question(self) -> Any:
        """Read the body; no body at all is the question with every field at its default.

        Raises
        ------
        Malformed
            It is not JSON.
        InvalidBody
            It is not a question.
        """
        if not await self.body():
            return self.adapter.validate_python({})
        try:
            return await self.json()
        except JSONDecodeError as error:
            raise Malformed(f"not JSON: {error.msg} at character {error.pos}") from None

    def _read(self, body: bytes) -> Any:
        value = orjson.loads(body)
        if len(body) > LARGE and isinstance(value, (dict, list)):
            _thin_out(value)
        try:
            return self.adapter.validate_python(value)
        except ValidationError as error:
            raise InvalidBody(error, value) from None


async def read_json(request: Request, adapter: TypeAdapter[Any], *others: str) -> Any:
    """Read a question for a route that takes bodies of other media types as well.

    Raises what ``ModelRequest.question`` raises, and UnsupportedMediaType if the body is not
    said to be JSON.
    """
    question = ModelRequest(request.scope, request.receive)
    question.adapter = adapter
    await _check_media_type(question, *others)
    return await question.question()


def media_type(request: Request) -> str:
    """Return the media type of the body without its parameters, in lower case."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


class Route(APIRoute):
    """A route that refuses what it would not look at."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return FastAPI's handler behind the checks of media type and query parameters."""
        handler = self._straight() or super().get_route_handler()
        adapter: TypeAdapter[Any] | None = None
        if self.body_field is not None:
            question: Any = self.body_field.field_info.annotation
            adapter = TypeAdapter(question)
        once = {field.alias for field in self.dependant.query_params}
        for dependency in self.dependant.dependencies:
            once |= {field.alias for field in dependency.query_params}
        spelled = (self.openapi_extra or {}).get("parameters", [])
        known = once | {each["name"] for each in spelled if each["in"] == "query"}

        async def checked(request: Request) -> Response:
            if request.scope["query_string"]:
                names = [name for name, _ in request.query_params.multi_items()]
                refusal = _unknown(request, names, known) or _repeated(request, names, once)
                if refusal is not None:
                    return refusal
            if adapter is not None:
                request = ModelRequest(request.scope, request.receive)
                request.adapter = adapter
                await _check_media_type(request)
            return await handler(request)

        return checked

    def _straight(self) -> Callable[[Any], Coroutine[Any, Any, Response]] | None:
        """Return a handler for an async route of nothing but a request and a question.

        FastAPI's own looks for dependencies, which takes as long as a small prediction.
        """
        wanted, body = self.dependant, self.dependant.body_params
        others = (wanted.path_params, wanted.query_params, wanted.header_params)
        if any((*others, wanted.cookie_params, wanted.dependencies)) or len(body) != 1:
            return None
        if wanted.request_param_name is None or not iscoroutinefunction(self.endpoint):
            return None
        asker, asked = wanted.request_param_name, body[0].name

        async def handler(request: ModelRequest) -> Response:
            question = await request.question()
            response: Response = await self.endpoint(**{asker: request, asked: question})
            return response

        return handler


def router(tag: str) -> APIRouter:
    """Return a router for the routes of one resource."""
    return APIRouter(tags=[tag], route_class=Route)


def _unknown(request: Request, names: Sequence[str], known: set[str]) -> Response | None:
    unknown = [name for name in names if name not in known]
    if not unknown:
        return None
    listed = ", ".join(sorted(known)) or "none"
    detail = f"unknown query parameter {unknown[0][:80]!r}; known here: {listed}"
    fields = [FieldError(step(name), "This parameter is not known here") for name in unknown]
    return problem(request, INVALID, detail, fields=fields)


def _repeated(request: Request, names: Sequence[str], once: set[str]) -> Response | None:
    repeated = [name for name in once if names.count(name) > 1]
    if not repeated:
        return None
    fields = [FieldError(step(name), f"{name} is given twice") for name in repeated]
    return problem(request, INVALID, fields[0].detail, fields=fields)


def _thin_out(value: Any, depth: int = 0) -> None:
    """Drop all but a thousand fields of an object, which is still as wrong as it was.

    Every one of them would become an error with a text of its own, and a body has room for
    millions. Matrices are not looked into: what is wrong in them is one error.
    """
    if isinstance(value, list):
        nested: list[Any] = [each for each in islice(value, MOST) if isinstance(each, dict)]
    else:
        for name in list(islice(value, MOST, None)):
            del value[name]
        nested = [each for each in value.values() if isinstance(each, (dict, list))]
    if depth < DEEPEST:
        for each in nested:
            _thin_out(each, depth + 1)


async def _check_media_type(request: ModelRequest, *others: str) -> None:
    headers = request.headers
    if headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers:
        return  # no body at all: every field at its default
    essence = media_type(request)
    if not _JSON.fullmatch(essence):
        if "transfer-encoding" in headers and not await request.body():
            return  # the length was not known before, and is 0
        what = f"not {essence[:80]}" if essence else "and there is no Content-Type"
        accepted = " or ".join(("application/json", *others))
        raise UnsupportedMediaType(f"the body must be {accepted}, {what}")
