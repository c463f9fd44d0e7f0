"""Request parsing: bodies as models, and checks of query parameters."""

import re
from collections.abc import Callable, Collection, Coroutine
from functools import cached_property
from itertools import islice
from json import JSONDecodeError
from threading import Lock
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from service.api.bodies import declared_size
from service.api.dependencies import get_app_state
from service.api.errors import (
    INVALID,
    MEDIA,
    BodyFailure,
    InvalidBody,
    UnsupportedMediaType,
    problem,
)
from service.api.field_errors import field_errors
from service.api.json_pointer import body_location, pointer
from service.errors import FieldError, Malformed, ServiceError
from service.operations.work_estimates import PARSE
from service.schemas import json_arrays, json_numbers

# Bytes, whose parsing takes a millisecond or two if all numbers nearly underflow: too long for the
# event loop. A thread costs a smaller request 0.2 ms.
LARGE = 20_000
# Bytes of a body that is more than a few long lists of numbers. Its parsing holds the GIL, here
# for 25 ms.
MAX_IRREGULAR = 500_000
JSON_ADVICE = "; send a large dataset to /v1/datasets as application/x-npz or text/csv"
MAX_MEMBERS = 1000  # of an object or a list of objects; no valid request has nearly as many
IDENTITY = "identity"  # the only accepted Content-Encoding
MAX_DEPTH = 6  # of nested objects and lists; no valid request is as deep
# Several at a time would pass the GIL to each other, not to the event loop.
_one_at_a_time = Lock()
_JSON = re.compile(r"application/([-\w.!#$&^]+\+)?json", re.ASCII)


class ModelRequest(Request):
    """A request whose JSON body is a model.

    orjson parses matrices several times faster than the standard library, and rejects NaN. FastAPI
    accepts the model as it is. Large bodies are parsed in a thread.
    """

    def __init__(self, scope: Scope, receive: Receive, adapter: TypeAdapter[Any]) -> None:
        super().__init__(scope, receive)
        self._adapter = adapter
        self._whole: bytes | None = None

    async def read(self, *other_types: str) -> Any:
        """Return the body as a model; an empty body has only defaults.

        Parameters
        ----------
        other_types
            Media types that the route accepts besides JSON.

        Raises
        ------
        UnsupportedMediaType
            The Content-Type is not JSON.
        Malformed
            The body is not JSON.
        InvalidBody
            The body is not a valid request.
        """
        await _check_media_type(self, *other_types)
        if not await self.body():
            return self._adapter.validate_python({})
        try:
            return await self.json()
        except JSONDecodeError as error:
            raise Malformed(f"not JSON: {error.msg} at character {error.pos}") from None

    async def body(self) -> bytes:
        """Return the body; raises as `BodyStore.receive`."""
        if self._whole is None:
            if 0 < declared_size(self) <= LARGE:
                self._whole = await self._receive_small()
            else:
                state = await get_app_state(self)
                limit = state.settings.max_json_bytes
                async with state.bodies.receive(self, limit, JSON_ADVICE) as body:
                    if body.is_in_memory:
                        self._whole = body.load()
                    else:
                        self._whole = await to_thread.run_sync(body.load)
        return self._whole

    async def _receive_small(self) -> bytes:
        """Receive the body in memory. Starlette's generator takes longer than a small prediction.

        Raises
        ------
        ClientDisconnect
            The client has left before the end of the body.
        """
        chunks = []
        more = True
        while more:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            chunks.append(message.get("body", b""))
            more = message.get("more_body", False)
        return b"".join(chunks)

    async def json(self) -> Any:
        """Return the body as a model.

        Raises
        ------
        json.JSONDecodeError
            The body is not JSON; FastAPI turns this into a validation error.
        InvalidBody
            The body is not a valid request.
        BodyFailure
            The body is large and cannot be parsed now.
        """
        body = await self.body()
        if len(body) > LARGE:
            state = await get_app_state(self)
            try:
                return await state.scheduler.run(len(body) * PARSE, self._parse, body)
            except ServiceError as error:
                raise BodyFailure(error) from None
        return self._parse(body)

    def _parse(self, body: bytes) -> Any:
        value = json_arrays.loads(body) if len(body) > json_arrays.LONG else None
        if value is not None:
            return self._validate(value)
        if len(body) <= LARGE:
            return self._validate(json_numbers.loads(body))
        if len(body) > MAX_IRREGULAR:
            what = f"is not JSON, or has more than {MAX_IRREGULAR} bytes besides lists of numbers"
            raise HTTPException(413, f"the body {what}{JSON_ADVICE}")
        with _one_at_a_time:
            return self._validate(_truncate(json_numbers.loads(body)))

    def _validate(self, value: Any) -> Any:
        """Return the model of a parsed body; raises InvalidBody.

        The exception refers to no part of the value, whose deallocation takes too long for the
        event loop.
        """
        try:
            return self._adapter.validate_python(value)
        except ValidationError as error:
            fields = field_errors(error, value)
        del value
        raise InvalidBody(fields)


async def read_body(request: Request, adapter: TypeAdapter[Any], *other_types: str) -> Any:
    """Return the JSON body of a request; see `ModelRequest.read`."""
    return await ModelRequest(request.scope, request.receive, adapter).read(*other_types)


def media_type(request: Request) -> str:
    """Return the media type of the body without its parameters, in lower case."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def check_encoding(request: Request) -> None:
    """Raise an HTTPException (415) if the body is compressed."""
    encoding = request.headers.get("content-encoding", IDENTITY)
    if encoding.strip().lower() != IDENTITY:
        detail = f"the Content-Encoding of the body must be {IDENTITY}, not {encoding[:80]}"
        raise HTTPException(MEDIA.status, detail, {"Accept-Encoding": IDENTITY})


class StrictRoute(APIRoute):
    """A route that rejects other media types, and unknown or repeated query parameters.

    FastAPI rejects unknown query parameters only if a query model is declared, and uses the last
    value of a repeated one.

    A route with a JSON body and no path parameters reads its arguments by itself, since FastAPI
    takes longer for that than a small prediction. Its dependencies need only the request.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        if self.body_field is not None and not self.dependant.path_params:
            self.app = self._respond

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return FastAPI's handler, preceded by the checks."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            refusal = check_query(request, *self._query_names)
            if refusal is not None:
                return refusal
            if self.body_field is not None:
                request = ModelRequest(request.scope, request.receive, self._adapter)
                await _check_media_type(request)
            return await handler(request)

        return handle

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to a request without FastAPI's handler."""
        request = ModelRequest(scope, receive, self._adapter)
        response = check_query(request, *self._query_names)
        if response is None:
            own = self.dependant
            arguments: dict[Any, Any] = {
                own.body_params[0].name: await request.read(),
                **{each.name: await each.call(request) for each in own.dependencies if each.call},
            }
            if own.request_param_name is not None:
                arguments[own.request_param_name] = request
            response = await self.endpoint(**arguments)
        await response(scope, receive, send)

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        model: Any = self.body_field and self.body_field.field_info.annotation
        return TypeAdapter(model)

    @cached_property
    def _query_names(self) -> tuple[set[str], set[str]]:
        """The names of the query parameters, and those that may not be repeated."""
        known: set[str] = set()
        single: set[str] = set()
        for param in self.dependant.query_params:
            model: Any = param.field_info.annotation
            known |= model.model_fields.keys()
            single |= known
        for parameter in (self.openapi_extra or {}).get("parameters", []):
            known.add(parameter["name"])
            if parameter["schema"].get("type") != "array":
                single.add(parameter["name"])
        return known, single


def make_router(tag: str) -> APIRouter:
    """Return a router for the routes of one resource."""
    return APIRouter(tags=[tag], route_class=StrictRoute)


def check_query(
    request: Request, known: Collection[str] = (), single: Collection[str] = ()
) -> Response | None:
    """Return a problem if a query parameter is unknown, or repeated although it must be single."""
    if not request.scope["query_string"]:
        return None
    names = [name for name, _ in request.query_params.multi_items()]
    unknown = [name for name in names if name not in known]
    if unknown:
        listed = ", ".join(sorted(known)) or "none"
        detail = f"unknown query parameter {unknown[0][:80]!r}; known parameters: {listed}"
        fields = [FieldError(pointer([name], None), "Unknown parameter") for name in unknown]
        return problem(request, INVALID, detail, fields=fields)
    repeated = [name for name in single if names.count(name) > 1]
    if repeated:
        fields = [
            FieldError(pointer(body_location(["query", name]), None), f"{name} is repeated")
            for name in repeated
        ]
        return problem(request, INVALID, fields[0].detail, fields=fields)
    return None


def _truncate(value: Any, depth: int = 0) -> Any:
    """Drop all but a thousand members of every object; an invalid object remains invalid.

    Each unknown member becomes an error with its own text, and a body has room for millions.
    Matrices are left alone: an invalid one is a single error.
    """
    nested: list[Any] = []
    if isinstance(value, list):
        nested = [each for each in islice(value, MAX_MEMBERS) if isinstance(each, dict)]
    elif isinstance(value, dict):
        for name in list(islice(value, MAX_MEMBERS, None)):
            del value[name]
        nested = [each for each in value.values() if isinstance(each, (dict, list))]
    if depth < MAX_DEPTH:
        for each in nested:
            _truncate(each, depth + 1)
    return value


async def _check_media_type(request: Request, *other_types: str) -> None:
    check_encoding(request)
    headers = dict(reversed(request.scope["headers"]))  # of repeated ones, the first counts
    has_length = headers.get(b"content-length", b"0") != b"0"
    if not has_length and b"transfer-encoding" not in headers:
        return  # there is no body
    if headers.get(b"content-type") == b"application/json":
        return  # usually
    essence = media_type(request)
    if not _JSON.fullmatch(essence):
        if b"transfer-encoding" in headers and not await request.body():
            return  # there is no body, although its length was not declared
        what = f"not {essence[:80]}" if essence else "and there is no Content-Type"
        accepted = " or ".join(("application/json", *other_types))
        raise UnsupportedMediaType(f"the body must be {accepted}, {what}")
