"""Request parsing: bodies in temporary files, orjson, media types, and strict query parameters.

FastAPI's documented extension is a route class that replaces the request. This one parses JSON
bodies with orjson, in a thread if they are large, and checks media types and query parameters.
"""

import re
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterable
from contextlib import asynccontextmanager
from json import JSONDecodeError
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Annotated, Any, BinaryIO, Final, TypeVar, cast, get_origin

import orjson
from fastapi import APIRouter, Body, Request
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.datastructures import UploadFile
from starlette.responses import Response

from service.api.errors import MEDIA, TOO_LARGE, Refused
from service.api.examples import needs_fields, request_examples
from service.errors import Busy, Invalid, Malformed, StoreFull
from service.formats import CSV, DATASET_FORMATS, NPZ, DatasetFormat
from service.formats.text import GZIP, ZIP, is_workbook
from service.operations.shared.field_errors import (
    MAX_STEP,
    explain_unknown,
    name_parameter,
    validate,
)
from service.operations.shared.work_estimates import PARSE, READ, UNPACK
from service.schemas.base import QueryModel

MEMORY_BYTES: Final = 64 * 1024  # of a body; the rest is in a temporary file
DISK_BYTES: Final = 4 * 1024**3  # of all bodies together
HEAD_BYTES: Final = 2_000  # of a file, in which its format is recognized
SMALL: Final = 16_000  # bytes that the event loop parses, in a millisecond at most
# Parsing holds the GIL: at most 3 ms for 2 MB of decimals, and 20 ms for a million digits. As many
# lists or members would take much longer. No valid request has nearly as many.
MAX_JSON_BYTES: Final = 2_000_000
MAX_LISTS: Final = 100_000
MAX_MEMBERS: Final = 500
ADVICE: Final = "; send a large dataset to /v1/datasets as application/x-npz or text/csv"
IDENTITY: Final = "identity"  # the only accepted Content-Encoding
M = TypeVar("M", bound=BaseModel)
_JSON: Final = re.compile(r"application/([-\w.!#$&^]+\+)?json", re.ASCII)
FORM: Final = "multipart/form-data"
WORKBOOK_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FORMATS: Final = {
    **{file_format.media_type: file_format for file_format in DATASET_FORMATS.values()},
    # Windows sends the last one for files with the suffix csv.
    **dict.fromkeys(("text/plain", "application/csv", "application/vnd.ms-excel"), CSV),
    **dict.fromkeys(("text/tab-separated-values", WORKBOOK_TYPE, "application/gzip"), CSV),
}
OCTETS: Final = "application/octet-stream"
FILE_TYPES: Final = (*_FORMATS, OCTETS, FORM)
TABLE_TYPES: Final = (*(name for name, each in _FORMATS.items() if each is CSV), OCTETS)
ZIP_MARKS: Final = (b"PK\x03\x04", b"PK\x05\x06")  # the first bytes of an archive, or an empty one
CHARSET: Final = re.compile(r""";\s*+charset=["']?([^"';\s]++)""", re.IGNORECASE)
BOUNDARY: Final = re.compile(r';\s*+boundary="?([^";]++)', re.IGNORECASE)
CHARSETS: Final = {"utf8", "usascii", "ascii"}  # without hyphens


class BodyStore:
    """The bodies that are being received or wait for their computation.

    Many clients can send large bodies at the same time, slowly. A body is loaded into memory only
    when its computation begins. All bodies together have at most ``max_bytes``. None as the
    directory of temporary files selects the system's.
    """

    def __init__(self, directory: Path | None = None, max_bytes: int = DISK_BYTES) -> None:
        self._directory = directory
        self._free_bytes = max_bytes

    @asynccontextmanager
    async def receive(
        self, request: Request, limit: int, advice: str = ""
    ) -> AsyncIterator[UploadFile]:
        """Receive the body of a request; it exists until the context ends.

        It raises Refused for more than ``limit`` bytes, with advice; Busy if the bodies of other
        clients use all space; and StoreFull.
        """
        directory = None if self._directory is None else str(self._directory)
        with SpooledTemporaryFile(MEMORY_BYTES, dir=directory) as file:
            body = UploadFile(cast("BinaryIO", file), size=0)
            try:
                await self._fill(body, request, limit, advice)
                yield body
            finally:
                self._free_bytes += body.size or 0

    async def _fill(self, body: UploadFile, request: Request, limit: int, advice: str) -> None:
        too_large = Refused(TOO_LARGE, f"the body is larger than {limit} bytes{advice}")
        if int(request.headers.get("content-length", 0)) > limit:
            raise too_large
        async for chunk in request.stream():
            self._free_bytes -= len(chunk)
            try:
                await body.write(chunk)  # in a thread if it is a file
            except OSError as error:
                reason = error.strerror or "error"
                raise StoreFull(f"the body cannot be stored: {reason}") from error
            if (body.size or 0) > limit:
                raise too_large
            if self._free_bytes < 0:
                raise Busy("too many large bodies are being received")
        await body.seek(0)


class _ModelRequest(Request):
    """A request that provides FastAPI with a validated model instead of JSON."""

    model: BaseModel | None

    async def body(self) -> bytes:
        """Return nothing if there is no body; FastAPI does not use other bytes."""
        return b"" if self.model is None else b"{}"

    async def json(self) -> Any:
        """Return the model."""
        return self.model


class JsonRoute(APIRoute):
    """A route that parses JSON bodies itself, and rejects unknown and repeated query parameters.

    FastAPI rejects unknown query parameters only where others are declared, and uses the last value
    of a repeated one.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return FastAPI's handler, with checks that FastAPI does not make."""
        handler = super().get_route_handler()
        model: Any = self.body_field and self.body_field.field_info.annotation
        params = self.dependant.query_params
        query: Any = params[0].field_info.annotation if params else QueryModel
        fields, pointers = query.model_fields, query.pointers()
        lists = {name for name, info in fields.items() if get_origin(info.annotation) is list}

        async def handle(request: Request) -> Response:
            if request.scope["query_string"]:
                _check_query(request, fields.keys(), lists)
            if model is not None:
                parsed = _ModelRequest(request.scope, request.receive)
                parsed.model = await read_model(request, model)
                if parsed.model is None and needs_fields(model):
                    parsed.model = validate({}, model)  # raises InvalidBody
                request = parsed
            try:
                return await handler(request)
            except Invalid as error:
                if pointers:
                    written = request.query_params.keys()
                    error.errors = [name_parameter(e, pointers, written) for e in error.errors]
                raise

        return handle


class AnswerRoute(JsonRoute):
    """A route whose endpoint takes only the request and its body.

    FastAPI would spend about a quarter of the time of a small prediction on dependencies.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return a handler that calls the endpoint."""
        model: Any = self.body_field and self.body_field.field_info.annotation
        endpoint = self.endpoint

        async def handle(request: Request) -> Response:
            if request.scope["query_string"]:
                _check_query(request, (), ())
            body = await read_model(request, model)
            response: Response = await endpoint(request, model() if body is None else body)
            return response

        return handle


def make_router(tag: str) -> APIRouter:
    """Return a router for the routes of one resource."""
    return APIRouter(tags=[tag], route_class=JsonRoute)


def json_body(path: str, model: type[BaseModel]) -> Any:
    """Return the annotation of a JSON body, which may be empty if all fields have defaults."""
    options: dict[str, Any] = {"openapi_examples": request_examples(path, model)}
    if not needs_fields(model):
        options["default_factory"] = model
    return Annotated[model, Body(**options)]


async def read_model(request: Request, model: type[M], *other_types: str) -> M | None:
    """Return the JSON body of a request as a model, or None if there is no body.

    It raises Refused for another media type or too many bytes, Malformed, InvalidBody, and Busy for
    a large body that cannot be parsed now. A message about the media type lists ``other_types``,
    which the route also accepts.
    """
    size = int(request.headers.get("content-length", 0))
    if size:
        _check_json(request, *other_types)
    if 0 < size <= SMALL:
        return _parse(await request.body(), model)
    state = request.app.state.service
    async with state.bodies.receive(request, MAX_JSON_BYTES, ADVICE) as body:
        if not body.size:
            return None  # although its length was not declared
        _check_json(request, *other_types)
        seconds = body.size * PARSE
        parsed: M = await state.scheduler.run(seconds, lambda: _parse(body.file.read(), model))
        return parsed


def is_file(request: Request) -> bool:
    """Return True if the body is a file; raises Refused for other encodings."""
    if _media_type(request) not in FILE_TYPES:
        return False
    match = CHARSET.search(request.headers["content-type"])
    if match is not None and match[1].lower().replace("-", "") not in CHARSETS:
        raise Refused(MEDIA, f"the table must be in UTF-8, not {match[1][:40]}")
    return True


def require_table(request: Request) -> None:
    """Raise Refused for a body that is not a table."""
    name = _media_type(request)
    if name not in TABLE_TYPES and name != FORM:
        raise _refuse_type(name, TABLE_TYPES)
    is_file(request)


def file_seconds(request: Request, body: UploadFile) -> float:
    """Return the estimated seconds for reading the file in a body; raises Refused.

    An archive begins as long work, by its first bytes: 64 MB of a table can be compressed to 62 kB,
    and 160 MB of arrays to 160 kB. Long work does not wait with its contents in memory, and the
    process that reads a workbook could not return the slot of short work.
    """
    seconds = (body.size or 0) * READ
    head = body.file.read(HEAD_BYTES)
    body.file.seek(0)
    if _media_type(request) == FORM:
        head = head.partition(b"\r\n\r\n")[2]
    is_plain = head and not head.startswith((GZIP, ZIP))  # unknown after long headers of a part
    return seconds if is_plain else max(seconds, UNPACK)


def read_part(request: Request, body: bytes) -> bytes:
    """Return the contents of the file in a body; raises errors of `_read_form`."""
    is_form = _media_type(request) == FORM
    return _read_form(body, request.headers["content-type"]) if is_form else body


def open_file(request: Request, body: bytes) -> tuple[DatasetFormat, bytes]:
    """Return the format and the contents of the file in a body; raises errors of `_read_form`."""
    name = _media_type(request)
    body = read_part(request, body)
    is_archive = body.startswith(ZIP_MARKS) and not is_workbook(body)
    return _FORMATS.get(name) or (NPZ if is_archive else CSV), body


def _read_form(body: bytes, content_type: str) -> bytes:
    """Return the only part of a form (RFC 7578); raises Malformed, and Invalid for several parts.

    `Request.form` of Starlette would write it to a second temporary file, outside the limits of
    `service.api.requests`.
    """
    match = BOUNDARY.search(content_type)
    if match is None:
        raise Malformed("the Content-Type of the form has no boundary")
    boundary = b"--" + match[1].strip().encode("latin-1")
    _, _, part = body.partition(boundary + b"\r\n")
    _, _, part = part.partition(b"\r\n\r\n")
    content, end, more = part.partition(b"\r\n" + boundary)
    if not end:
        raise Malformed("the form contains no file or is truncated")
    if not more.startswith(b"--"):
        raise Invalid("the form must contain one file and no other fields", "")
    return content


def _media_type(request: Request) -> str:
    """Return the media type of the body; raises Refused if the body is compressed."""
    encoding = request.headers.get("content-encoding", IDENTITY)
    if encoding.strip().lower() != IDENTITY:
        detail = f"the Content-Encoding of the body must be {IDENTITY}, not {encoding[:80]}"
        raise Refused(MEDIA, detail, {"Accept-Encoding": IDENTITY})
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _check_json(request: Request, *other_types: str) -> None:
    essence = _media_type(request)
    if not _JSON.fullmatch(essence):
        raise _refuse_type(essence, ("application/json", *other_types))


def _refuse_type(given: str, accepted: Iterable[str]) -> Refused:
    """Return the error of a body of another media type."""
    what = f"not {given[:80]}" if given else "and there is no Content-Type"
    return Refused(MEDIA, f"the body must be {' or '.join(accepted)}, {what}")


def _parse(body: bytes, model: type[M]) -> M:
    """Return the model of a JSON body; raises errors of `read_model`."""
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
    """Raise Invalid if a parameter is unknown, or repeated although it takes one value."""
    names = [name for name, _ in request.query_params.multi_items()]
    for name in names:
        if name not in known:
            detail = explain_unknown("query parameter", name, known)
            raise Invalid(detail, parameter=name[:MAX_STEP], known=sorted(known))
        if name not in lists and names.count(name) > 1:
            raise Invalid(f"{name} is repeated", parameter=name)
