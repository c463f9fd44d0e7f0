"""The table from exceptions to HTTP statuses, and problem details (RFC 9457)."""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match

from service import errors
from service.errors import FieldError, ServiceError
from service.lifecycle import JobProblem
from service.operations.shared.field_errors import MAX_FIELDS, InvalidBody, query_errors, summarize

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "/problems/"
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE")
STREAMS = "/events"  # paths with this suffix have no HEAD


class ProblemType(NamedTuple):
    """A type of problem: its slug under /problems/, its title and its HTTP status."""

    slug: str
    title: str
    status: int


MALFORMED = ProblemType("malformed", "Malformed request", 400)
UNAUTHORIZED = ProblemType("unauthorized", "API key required", 401)
FORBIDDEN = ProblemType("forbidden", "Forbidden", 403)
NOT_FOUND = ProblemType("not-found", "Not found", 404)
METHOD_NOT_ALLOWED = ProblemType("method-not-allowed", "Method not allowed", 405)
TIMEOUT = ProblemType("timeout", "Request timeout", 408)
CONFLICT = ProblemType("conflict", "Conflict with the state of a resource", 409)
PRECONDITION = ProblemType("precondition-failed", "Precondition failed", 412)
TOO_LARGE = ProblemType("too-large", "Request body too large", 413)
URL_TOO_LONG = ProblemType("url-too-long", "URL too long", 414)
MEDIA = ProblemType("unsupported-media-type", "Unsupported media type", 415)
RANGE = ProblemType("range-not-satisfiable", "Range not satisfiable", 416)
INVALID = ProblemType(JobProblem.INVALID, "Invalid request", 422)
LIMIT = ProblemType(JobProblem.LIMIT, "Limit exceeded", 422)
RATE_LIMITED = ProblemType("rate-limited", "Rate limit exceeded", 429)
HEADERS_TOO_LARGE = ProblemType("headers-too-large", "Header fields too large", 431)
INTERNAL = ProblemType(JobProblem.INTERNAL, "Internal server error", 500)
STORE = ProblemType("store", "Database error", 500)
NOT_IMPLEMENTED = ProblemType("not-implemented", "Method not implemented", 501)
UNAVAILABLE = ProblemType("unavailable", "Database unavailable", 503)
BUSY = ProblemType("busy", "Service busy", 503)
NOT_READY = ProblemType("not-ready", "Not ready", 503)
FULL = ProblemType(JobProblem.STORE_FULL, "Insufficient storage", 507)
JOB_FAILED = ProblemType(JobProblem.FAILED, "Job failed", 500)
WORKER_LOST = ProblemType(JobProblem.WORKER_LOST, "Worker lost", 500)

TABLE: dict[type[ServiceError], ProblemType] = {
    errors.Malformed: MALFORMED,
    errors.LimitExceeded: LIMIT,
    errors.Invalid: INVALID,
    errors.NotFound: NOT_FOUND,
    errors.Conflict: CONFLICT,
    errors.Busy: BUSY,
    errors.NotReady: NOT_READY,
    errors.StoreUnavailable: UNAVAILABLE,
    errors.StoreFull: FULL,
    errors.DiskFull: FULL,
    errors.StoreError: STORE,
    errors.ServiceError: INTERNAL,
}
CONNECTION_PROBLEMS = (TIMEOUT, URL_TOO_LONG, HEADERS_TOO_LARGE, NOT_IMPLEMENTED)
PROBLEM_TYPES = tuple(value for value in [*vars().values()] if isinstance(value, ProblemType))
# The text of the page of a problem, by its slug: the usual cause, and the action to take.
EXPLANATIONS: dict[str, str] = orjson.loads(
    Path(__file__).with_name("problem_explanations.json").read_bytes()
)
OF_JOBS = (JOB_FAILED, WORKER_LOST, INTERNAL, FULL, LIMIT, INVALID)
JOB_PROBLEMS = {kind.slug: kind for kind in OF_JOBS}
RETRY_AFTER_SECONDS = {UNAVAILABLE: 5, BUSY: 1, NOT_READY: 5}


class Refused(ServiceError):
    """A request that is rejected for a reason specific to HTTP."""

    def __init__(
        self,
        kind: ProblemType,
        detail: str,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail, **members)
        self.kind = kind
        self.headers = headers


def problem_type(error: ServiceError) -> ProblemType:
    """Return the problem type of an exception."""
    if isinstance(error, Refused):
        return error.kind
    return next(TABLE[base] for base in type(error).__mro__ if base in TABLE)


def job_problem(stored: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the problem of a failed job from its slug and detail; None unless it failed."""
    if stored is None:
        return None
    return _describe(JOB_PROBLEMS.get(stored["type"], INTERNAL), stored["detail"])


def _describe(kind: ProblemType, detail: str) -> dict[str, Any]:
    problem_type = TYPE_PREFIX + kind.slug
    return {"type": problem_type, "title": kind.title, "status": kind.status, "detail": detail}


def _describe_field(field: FieldError) -> dict[str, Any]:
    location = {"pointer": field.pointer, "parameter": field.parameter}
    known = {name: value for name, value in location.items() if value is not None}
    return {**known, "detail": field.detail, **field.members}


def problem(
    request: Request,
    kind: ProblemType,
    detail: str,
    *,
    fields: Iterable[FieldError] = (),
    headers: Mapping[str, str] | None = None,
    **members: Any,
) -> Response:
    """Return a problem as a response that is not cached."""
    listed = [_describe_field(field) for field in fields]
    if listed:
        members["errors"] = listed[:MAX_FIELDS]
    request_id = request.scope.get("request_id")
    body = orjson.dumps({**_describe(kind, detail), "request_id": request_id, **members})
    all_headers = {"Cache-Control": "no-store", **(headers or {})}
    if kind in RETRY_AFTER_SECONDS:
        all_headers["Retry-After"] = str(RETRY_AFTER_SECONDS[kind])
    return Response(body, kind.status, all_headers, MEDIA_TYPE)


async def error_response(request: Request, error: Any) -> Response:
    """Return a ServiceError as a problem."""
    kind = problem_type(error)
    fields: list[FieldError] = getattr(error, "errors", [])
    detail = summarize(fields) if isinstance(error, InvalidBody) else error.detail
    if kind.status == INTERNAL.status:
        logger.error("request %s: %s", request.scope.get("request_id"), error.detail)
    headers = getattr(error, "headers", None)
    return problem(request, kind, detail, fields=fields, headers=headers, **error.members)


async def _handle_validation_error(request: Request, error: Any) -> Response:
    fields = query_errors(error.errors())
    return problem(request, INVALID, summarize(fields), fields=fields)


async def _handle_http_error(request: Request, error: Any) -> Response:
    """Respond with 404 or 405 if no route has the path, or none has the method."""
    if error.status_code == MALFORMED.status:  # for a body that FastAPI cannot read
        return problem(request, MALFORMED, error.detail)
    path, allowed = request.url.path[:200], _allowed_methods(request)
    # Only DELETE has a route for an id with an unknown suffix.
    if error.status_code == NOT_FOUND.status or allowed == ["DELETE", "OPTIONS"]:
        return problem(request, NOT_FOUND, f"there is no resource at {path}")
    headers = {"Allow": ", ".join(allowed)}
    if request.method == "OPTIONS":
        return Response(status_code=204, headers=headers)
    detail = f"{request.method[:20]} is not allowed at {path}"
    return problem(request, METHOD_NOT_ALLOWED, detail, headers=headers)


def _allowed_methods(request: Request) -> list[str]:
    """Return the methods that the routes of the path accept together."""
    allowed = []
    streams = request.scope["path"].endswith(STREAMS)
    for method in METHODS:
        if method == "HEAD" and streams:
            continue
        scope = {**request.scope, "method": "GET" if method == "HEAD" else method}
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.routes):
            allowed.append(method)
    return [*allowed, "OPTIONS"]


async def _handle_disconnect(request: Request, _error: Exception) -> Response:
    # The client has disconnected, so it does not receive this response.
    return problem(request, MALFORMED, "the body is incomplete")


async def _handle_memory_error(request: Request, error: Exception) -> Response:
    logger.error("request %s: out of memory: %s", request.scope.get("request_id"), error)
    return problem(request, BUSY, "not enough memory is available")


async def _handle_internal_error(request: Request, _error: Exception) -> Response:
    request_id = request.scope.get("request_id", "")
    detail = "an unexpected error; see the server log for this request id"
    headers = {"X-Request-ID": request_id, "X-Content-Type-Options": "nosniff"}
    return problem(request, INTERNAL, detail, headers=headers)


def install_handlers(app: FastAPI) -> None:
    """Register the handlers that turn every error into a problem."""
    app.add_exception_handler(ServiceError, error_response)
    app.add_exception_handler(RequestValidationError, _handle_validation_error)
    app.add_exception_handler(HTTPException, _handle_http_error)
    app.add_exception_handler(ClientDisconnect, _handle_disconnect)
    app.add_exception_handler(MemoryError, _handle_memory_error)
    app.add_exception_handler(Exception, _handle_internal_error)
