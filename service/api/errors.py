"""The table from exceptions to HTTP statuses, and problem details (RFC 9457)."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Match

from service import errors
from service.api.field_errors import MAX_FIELDS, field_errors, summarize
from service.errors import FieldError, ServiceError
from service.lifecycle import JobProblem

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
INVALID = ProblemType("invalid", "Invalid request", 422)
LIMIT = ProblemType("limit-exceeded", "Limit exceeded", 422)
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
    errors.StoreError: STORE,
    errors.ServiceError: INTERNAL,
}
BY_STATUS = {
    kind.status: kind
    for kind in (
        MALFORMED,
        UNAUTHORIZED,
        FORBIDDEN,
        NOT_FOUND,
        METHOD_NOT_ALLOWED,
        PRECONDITION,
        TOO_LARGE,
        MEDIA,
        INVALID,
        RATE_LIMITED,
    )
}
CONNECTION_PROBLEMS = (TIMEOUT, URL_TOO_LONG, HEADERS_TOO_LARGE, NOT_IMPLEMENTED)
PROBLEM_TYPES = (
    *dict.fromkeys((*BY_STATUS.values(), *TABLE.values(), *CONNECTION_PROBLEMS)),
    JOB_FAILED,
    WORKER_LOST,
)
JOB_PROBLEMS = {kind.slug: kind for kind in (JOB_FAILED, WORKER_LOST, INTERNAL, FULL)}
RETRY_AFTER_SECONDS = {UNAVAILABLE: 5, BUSY: 1, NOT_READY: 5}


class RateLimited(ServiceError):
    """The client has used up a budget.

    Parameters
    ----------
    policy
        The name of the budget.
    retry_after
        The seconds until it is full again.
    """

    def __init__(self, detail: str, policy: str, retry_after: int) -> None:
        super().__init__(detail)
        self.policy = policy
        self.retry_after = retry_after


class PreconditionFailed(ServiceError):
    """The resource does not match the If-Match header."""


TABLE[PreconditionFailed] = PRECONDITION
TABLE[RateLimited] = RATE_LIMITED


def problem_type(error: ServiceError) -> ProblemType:
    """Return the problem type of an exception."""
    return next(TABLE[base] for base in type(error).__mro__ if base in TABLE)


def job_problem(stored: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the problem of a failed job.

    Parameters
    ----------
    stored
        The slug as ``type``, and the detail; None unless the job failed.
    """
    if stored is None:
        return None
    kind = JOB_PROBLEMS.get(stored["type"], INTERNAL)
    return {
        "type": TYPE_PREFIX + kind.slug,
        "title": kind.title,
        "status": kind.status,
        "detail": stored["detail"],
    }


def problem_body(kind: ProblemType, detail: str, request_id: str | None, **members: Any) -> bytes:
    """Return a problem as JSON."""
    body = {
        "type": TYPE_PREFIX + kind.slug,
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "request_id": request_id,
        **members,
    }
    return orjson.dumps(body)


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
    listed = [{"pointer": field.pointer, "detail": field.detail} for field in fields]
    if listed:
        members["errors"] = listed[:MAX_FIELDS]
    body = problem_body(kind, detail, request.scope.get("request_id"), **members)
    all_headers = {"Cache-Control": "no-store", **(headers or {})}
    if kind in RETRY_AFTER_SECONDS:
        all_headers["Retry-After"] = str(RETRY_AFTER_SECONDS[kind])
    return Response(body, kind.status, all_headers, MEDIA_TYPE)


def rate_limit_problem(request: Request, error: RateLimited) -> Response:
    """Return the problem of a client that has used up a budget."""
    headers = {"Retry-After": str(error.retry_after)}
    return problem(request, RATE_LIMITED, error.detail, headers=headers, policy=error.policy)


async def _handle_service_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServiceError)  # noqa: S101 - registered for this class only
    if isinstance(error, RateLimited):
        return rate_limit_problem(request, error)
    kind = problem_type(error)
    fields = getattr(error, "errors", [])
    referrers = getattr(error, "referrers", [])
    members: dict[str, Any] = {"referrers": referrers} if referrers else {}
    if kind.status == INTERNAL.status:
        logger.error("request %s: %s", request.scope.get("request_id"), error.detail)
    return problem(request, kind, error.detail, fields=fields, **members)


async def _handle_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
    fields = field_errors(error)
    return problem(request, INVALID, summarize(fields), fields=fields)


async def _handle_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    default = ProblemType("http", "HTTP error", error.status_code)
    kind = BY_STATUS.get(error.status_code, default)
    path, headers, detail = request.url.path[:200], dict(error.headers or {}), str(error.detail)
    if kind is NOT_FOUND:
        detail = f"there is no resource at {path}"
    if kind is METHOD_NOT_ALLOWED:
        detail = f"{request.method[:20]} is not allowed at {path}"
        headers["Allow"] = ", ".join(_allowed_methods(request))
    return problem(request, kind, detail, headers=headers)


def _allowed_methods(request: Request) -> list[str]:
    """Return the methods that all routes of the path accept together."""
    allowed = []
    streams = request.scope["path"].endswith(STREAMS)
    for method in METHODS:
        if method == "HEAD" and streams:
            continue
        scope = {**request.scope, "method": "GET" if method == "HEAD" else method}
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.routes):
            allowed.append(method)
    return allowed


async def _handle_disconnect(request: Request, _error: Exception) -> Response:
    # The client has left, so it does not receive this response.
    return problem(request, MALFORMED, "the body is incomplete")


async def _handle_internal_error(request: Request, _error: Exception) -> Response:
    request_id = request.scope.get("request_id", "")
    detail = "an unexpected error; see the server log for this request id"
    headers = {"X-Request-ID": request_id, "X-Content-Type-Options": "nosniff"}
    return problem(request, INTERNAL, detail, headers=headers)


def install(app: FastAPI) -> None:
    """Register the handlers that turn every error into a problem."""
    app.add_exception_handler(ServiceError, _handle_service_error)
    app.add_exception_handler(RequestValidationError, _handle_validation_error)
    app.add_exception_handler(HTTPException, _handle_http_error)
    app.add_exception_handler(ClientDisconnect, _handle_disconnect)
    app.add_exception_handler(Exception, _handle_internal_error)
