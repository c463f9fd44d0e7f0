"""The one table from exceptions to status numbers, and problem+json (RFC 9457)."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Match

from service import errors
from service.api.json_pointer import pointer
from service.errors import FieldError, ServiceError

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "/problems/"


class Kind(NamedTuple):
    """A kind of problem: its slug under /problems/, title and status."""

    slug: str
    title: str
    status: int


MALFORMED = Kind("malformed", "The body cannot be parsed", 400)
NOT_FOUND = Kind("not-found", "There is no such thing", 404)
METHOD_NOT_ALLOWED = Kind("method-not-allowed", "That method has no use here", 405)
CONFLICT = Kind("conflict", "The state of the resource forbids this", 409)
TOO_LARGE = Kind("too-large", "The body has too many bytes", 413)
MEDIA = Kind("unsupported-media-type", "The body's media type is not accepted", 415)
INVALID = Kind("invalid", "The request is not valid", 422)
LIMIT = Kind("limit-exceeded", "The request is above a limit", 422)
UNAVAILABLE = Kind("unavailable", "The store is away", 503)
BUSY = Kind("busy", "Too much is waiting already", 503)
STORE = Kind("store", "The store could not do its work", 500)
INTERNAL = Kind("internal", "Internal server error", 500)
FULL = Kind("store-full", "There is no room to keep more", 507)
JOB_FAILED = Kind("job", "The job failed", 500)
WORKER_LOST = Kind("worker-lost", "The workers of the job were lost", 500)

# Every class of service.errors, the most special first where one includes another.
TABLE: dict[type[ServiceError], Kind] = {
    errors.Malformed: MALFORMED,
    errors.LimitExceeded: LIMIT,
    errors.Invalid: INVALID,
    errors.NotFound: NOT_FOUND,
    errors.Conflict: CONFLICT,
    errors.Busy: BUSY,
    errors.StoreUnavailable: UNAVAILABLE,
    errors.StoreFull: FULL,
    errors.StoreError: STORE,
    errors.ServiceError: INTERNAL,
}

BY_STATUS = {
    kind.status: kind
    for kind in (MALFORMED, NOT_FOUND, METHOD_NOT_ALLOWED, TOO_LARGE, MEDIA, INVALID)
}
KINDS = (*dict.fromkeys((*BY_STATUS.values(), *TABLE.values())),)
JOB_KINDS = (JOB_FAILED, WORKER_LOST, INTERNAL, FULL)  # in the error of a failed job
JOB_KINDS_BY_SLUG = {kind.slug: kind for kind in JOB_KINDS}

RETRY_AFTER_SECONDS = {UNAVAILABLE: 5, BUSY: 1}
MAX_FIELDS = 50  # listed in one answer; a body may have any number of wrong ones
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE")
STREAMS = "/events"  # paths that end like this have no HEAD


class UnsupportedMediaType(ServiceError):
    """The body is of a type that this route does not read."""


TABLE[UnsupportedMediaType] = MEDIA


class InvalidBody(HTTPException):
    """A body that is JSON but not a question: FastAPI lets HTTPExceptions alone pass."""

    def __init__(self, error: ValidationError, body: Any) -> None:
        super().__init__(INVALID.status)
        self.error = error
        self.body = body


def kind_of(error: ServiceError) -> Kind:
    """Return the kind of problem that an exception is."""
    return next(TABLE[each] for each in type(error).__mro__ if each in TABLE)


def problem(
    request: Request,
    kind: Kind,
    detail: str,
    *,
    fields: Iterable[FieldError] = (),
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Response:
    """Return a problem as a response, which no cache keeps."""
    body: dict[str, Any] = {
        "type": TYPE_PREFIX + kind.slug,
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "request_id": request.scope.get("request_id"),
        **more,
    }
    listed = [{"pointer": each.pointer, "detail": each.detail} for each in fields]
    listed = listed[:MAX_FIELDS]
    if listed:
        body["errors"] = listed
    all_headers = {"Cache-Control": "no-store", **(headers or {})}
    if kind in RETRY_AFTER_SECONDS:
        all_headers["Retry-After"] = str(RETRY_AFTER_SECONDS[kind])
    return Response(orjson.dumps(body), kind.status, all_headers, MEDIA_TYPE)


def job_problem(stored: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the problem of a failed job, of which its row holds the slug and the detail.

    Rows of earlier releases hold the whole problem: their ``type`` has the prefix.
    """
    if stored is None:
        return None
    slug = stored["type"].removeprefix(TYPE_PREFIX)
    kind = JOB_KINDS_BY_SLUG.get(slug, INTERNAL)
    return {
        "type": TYPE_PREFIX + kind.slug,
        "title": kind.title,
        "status": kind.status,
        "detail": stored["detail"],
    }


def field_errors(error: RequestValidationError | ValidationError, body: Any) -> list[FieldError]:
    """Return what pydantic found wrong, each with its place in the JSON body.

    The offending input itself is left out: it may be a large matrix.
    """
    raw: Sequence[Any] = error.errors()
    found = []
    for each in raw[:MAX_FIELDS]:
        context = each.get("ctx") or {}
        loc = [part for part in each["loc"] if part not in ("body", "query", "path")][:20]
        loc += context.get("at", [])
        if each["type"] == "union_tag_invalid":
            loc.append(context["discriminator"].strip("'"))
        found.append(FieldError(pointer(loc, body), _sentence(each)))
    return found


# Where pydantic's own words are about pydantic, or repeat what was sent.
_WORDS = {
    "extra_forbidden": "This field is not known here",
    "model_type": "Input should be an object",
    "model_attributes_type": "Input should be an object",
    "union_tag_not_found": "Input should be an object",
    "int_parsing_size": "Input is too large",
    "missing": "This field is required",
}


def _sentence(error: Mapping[str, Any]) -> str:
    if error["type"] == "union_tag_invalid":
        return f"Input should be one of {error['ctx']['expected_tags']}"
    return _WORDS.get(error["type"], str(error["msg"]).removeprefix("Value error, "))


def summary(fields: list[FieldError]) -> str:
    """Return one sentence over all broken fields."""
    first = fields[0]
    more = f" (and {len(fields) - 1} more)" if len(fields) > 1 else ""
    return f"{first.pointer[:200] or 'the body'}: {first.detail}{more}"


async def _service_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServiceError)  # noqa: S101 - registered for this class only
    kind = kind_of(error)
    fields = getattr(error, "errors", [])
    referrers = getattr(error, "referrers", [])
    more: dict[str, Any] = {"referrers": referrers} if referrers else {}
    if kind.status == INTERNAL.status:
        logger.error("request %s: %s", request.scope.get("request_id"), error.detail)
    return problem(request, kind, error.detail, fields=fields, **more)


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return problem(
            request, MALFORMED, f"not JSON: {first['ctx']['error']} at character {first['loc'][-1]}"
        )
    return _invalid(request, error, error.body)


async def _invalid_body(request: Request, error: Exception) -> Response:
    assert isinstance(error, InvalidBody)  # noqa: S101 - as above
    return _invalid(request, error.error, error.body)


def _invalid(
    request: Request, error: RequestValidationError | ValidationError, body: Any
) -> Response:
    fields = field_errors(error, body)
    return problem(request, INVALID, summary(fields), fields=fields)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    kind = BY_STATUS.get(error.status_code)
    if kind is None:
        kind = Kind("http", "The request was not answered", error.status_code)
    path, headers = request.url.path[:200], dict(error.headers or {})
    detail = {
        404: f"there is nothing at {path}",
        405: f"{request.method[:20]} is not possible at {path}",
    }.get(error.status_code, str(error.detail))
    if kind is METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_allowed(request))
    return problem(request, kind, detail, headers=headers)


def _allowed(request: Request) -> list[str]:
    """Return the methods that the path takes: a single route knows only its own."""
    found = []
    streams = request.scope["path"].endswith(STREAMS)
    for method in METHODS:
        if method == "HEAD" and streams:
            continue
        scope = {**request.scope, "method": "GET" if method == "HEAD" else method}
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.routes):
            found.append(method)
    return found


async def _broken_off(request: Request, _error: Exception) -> Response:
    # Nobody hears this but the access log.
    return problem(request, MALFORMED, "the body ended before its end")


async def _internal_error(request: Request, _error: Exception) -> Response:
    # The server logs the traceback; the caller gets the id to ask about.
    request_id = request.scope.get("request_id", "")
    detail = "an unexpected error; the log has it under the request id"
    return problem(request, INTERNAL, detail, headers={"X-Request-ID": request_id})


def install(app: FastAPI) -> None:
    """Answer every error of the application as a problem."""
    app.add_exception_handler(ServiceError, _service_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(InvalidBody, _invalid_body)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(ClientDisconnect, _broken_off)
    app.add_exception_handler(Exception, _internal_error)
