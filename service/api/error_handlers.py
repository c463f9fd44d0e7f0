"""The handlers that turn every exception into a problem."""

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Match

from service.api.errors import (
    BUSY,
    BY_STATUS,
    INTERNAL,
    INVALID,
    MALFORMED,
    METHOD_NOT_ALLOWED,
    METHODS,
    NOT_FOUND,
    STREAMS,
    ProblemType,
    RateLimited,
    problem,
    problem_type,
    rate_limit_problem,
)
from service.api.field_errors import InvalidBody, query_errors, summarize
from service.errors import FieldError, ServiceError

logger = logging.getLogger(__name__)


async def _handle_service_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServiceError)  # noqa: S101 - registered for this class only
    if isinstance(error, RateLimited):
        return rate_limit_problem(request, error)
    kind = problem_type(error)
    fields: list[FieldError] = getattr(error, "errors", [])
    detail = summarize(fields) if isinstance(error, InvalidBody) else error.detail
    if kind.status == INTERNAL.status:
        logger.error("request %s: %s", request.scope.get("request_id"), error.detail)
    return problem(request, kind, detail, fields=fields, **error.members)


async def _handle_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
    fields = query_errors(error)
    return problem(request, INVALID, summarize(fields), fields=fields)


async def _handle_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    default = ProblemType("http", "HTTP error", error.status_code)
    kind = BY_STATUS.get(error.status_code, default)
    path, headers, detail = request.url.path[:200], dict(error.headers or {}), str(error.detail)
    if kind is METHOD_NOT_ALLOWED and _allowed_methods(request) == ["DELETE", "OPTIONS"]:
        kind = NOT_FOUND  # an id with an unknown suffix, which has a route for DELETE only
    if kind is NOT_FOUND:
        detail = f"there is no resource at {path}"
    if kind is METHOD_NOT_ALLOWED:
        detail = f"{request.method[:20]} is not allowed at {path}"
        headers["Allow"] = ", ".join(_allowed_methods(request))
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=headers)
    return problem(request, kind, detail, headers=headers)


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
    # The client has left, so it does not receive this response.
    return problem(request, MALFORMED, "the body is incomplete")


async def _handle_memory_error(request: Request, error: Exception) -> Response:
    logger.error("request %s: out of memory: %s", request.scope.get("request_id"), error)
    return problem(request, BUSY, "not enough memory is available")


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
    app.add_exception_handler(MemoryError, _handle_memory_error)
    app.add_exception_handler(Exception, _handle_internal_error)
