"""The table from exceptions to HTTP statuses, and problem details (RFC 9457)."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from starlette.requests import Request
from starlette.responses import Response

from service import errors
from service.api.field_errors import MAX_FIELDS
from service.errors import FieldError, ServiceError
from service.lifecycle import JobProblem

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
    errors.DiskFull: FULL,
    errors.StoreError: STORE,
    errors.ServiceError: INTERNAL,
}
CONNECTION_PROBLEMS = (TIMEOUT, URL_TOO_LONG, HEADERS_TOO_LARGE, NOT_IMPLEMENTED)
PROBLEM_TYPES = tuple(value for value in [*vars().values()] if isinstance(value, ProblemType))
# What the page of a problem says, by its slug: the usual cause, and what to do.
EXPLANATIONS: dict[str, str] = orjson.loads(
    Path(__file__).with_name("problem_explanations.json").read_bytes()
)
BY_STATUS = {kind.status: kind for kind in reversed(PROBLEM_TYPES)}  # the first of each status
JOB_PROBLEMS = {kind.slug: kind for kind in (JOB_FAILED, WORKER_LOST, INTERNAL, FULL, LIMIT)}
RETRY_AFTER_SECONDS = {UNAVAILABLE: 5, BUSY: 1, NOT_READY: 5}


class RateLimited(ServiceError):
    """The client has used up the budget of a policy, which is full again after some seconds."""

    def __init__(self, detail: str, policy: str, retry_after: int) -> None:
        super().__init__(detail, policy=policy)
        self.retry_after = retry_after


class PreconditionFailed(ServiceError):
    """The resource does not match the If-Match header."""


TABLE[PreconditionFailed] = PRECONDITION
TABLE[RateLimited] = RATE_LIMITED


def problem_type(error: ServiceError) -> ProblemType:
    """Return the problem type of an exception."""
    return next(TABLE[base] for base in type(error).__mro__ if base in TABLE)


def job_problem(stored: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the problem of a failed job from its slug and detail; None unless it failed."""
    if stored is None:
        return None
    return _describe(JOB_PROBLEMS.get(stored["type"], INTERNAL), stored["detail"])


def problem_body(kind: ProblemType, detail: str, request_id: str | None, **members: Any) -> bytes:
    """Return a problem as JSON."""
    return orjson.dumps({**_describe(kind, detail), "request_id": request_id, **members})


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
    body = problem_body(kind, detail, request.scope.get("request_id"), **members)
    all_headers = {"Cache-Control": "no-store", **(headers or {})}
    if kind in RETRY_AFTER_SECONDS:
        all_headers["Retry-After"] = str(RETRY_AFTER_SECONDS[kind])
    return Response(body, kind.status, all_headers, MEDIA_TYPE)


def rate_limit_problem(request: Request, error: RateLimited) -> Response:
    """Return the problem of a client that has used up a budget."""
    headers = {"Retry-After": str(error.retry_after)}
    return problem(request, RATE_LIMITED, error.detail, headers=headers, **error.members)
