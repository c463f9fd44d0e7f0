"""The routes of all questions: responses as JSON and as files, by POST, and some by GET."""

from collections.abc import Sequence
from inspect import getdoc
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from service.api.dependencies import AppStateDep, get_app_state
from service.api.openapi import file_responses
from service.api.parameters import PictureQuery, check_suffix, derive_query, suffix_path
from service.api.requests import AnswerRoute, json_body, make_router
from service.api.responses import json_response, made_response
from service.figures.formats import PICTURE_FORMATS
from service.operations.questions import QUESTIONS
from service.operations.questions.question import Question

ANY: Final = "{suffix}"  # in paths
NO_OPTIONS: Final = PictureQuery()


def make_question_router(question: Question[Any, Any]) -> APIRouter:
    """Return a router with all routes of a question."""
    router = make_router(question.tag)
    pictures, tables = (*PICTURE_FORMATS,) if question.draw else (), (*question.tables,)
    for method in ("GET", "POST") if question.by_query else ("POST",):
        _add_answer(router, question, method)
        if question.picture_model:
            # The path of pictures, with any suffix, comes last, because it matches those of tables.
            for suffix in tables:
                _add_file(router, question, method, suffix, tables)
            _add_file(router, question, method, ANY, pictures)
        elif pictures or tables:
            _add_file(router, question, method, ANY, (*pictures, *tables))
    return router


def _add_answer(router: APIRouter, question: Question[Any, Any], method: str) -> None:
    """Add the route of the response as JSON."""
    asked_type: Any = _read(method, question.path, question.request_model)

    async def answer(http_request: Request, asked: asked_type) -> Response:
        request = asked.to_request() if method == "GET" else asked
        return json_response(await question.answer(request, await get_app_state(http_request)))

    router.add_api_route(
        question.path,
        answer,
        methods=[method],
        name=_operation(question, method),
        response_model=question.response_model,
        description=getdoc(question.compute),
        route_class_override=AnswerRoute if method == "POST" else None,
    )


def _add_file(
    router: APIRouter,
    question: Question[Any, Any],
    method: str,
    ending: str,
    suffixes: Sequence[str],
) -> None:
    """Add a route of files in some formats, whose path ends with one suffix or any."""
    path = f"{question.path}.{ending}"
    has_pictures = ending == ANY and question.draw is not None
    known = (*suffixes, *question.tables.keys() - {*suffixes})
    model = (has_pictures and question.picture_model) or question.request_model
    asked_type: Any = _read(method, path, model, with_options=has_pictures)
    has_options = has_pictures and method == "POST"
    options_type: Any = Annotated[PictureQuery, Query() if has_options else _constant(NO_OPTIONS)]
    suffix_type: Any = Annotated[str, suffix_path(suffixes) if ending == ANY else _constant(ending)]

    async def send(
        request: Request,
        state: AppStateDep,
        asked: asked_type,
        options: options_type,
        suffix: suffix_type,
    ) -> Response:
        body = asked
        if method == "GET":  # the parameters of both are one query
            body = asked.to_request()
            options = asked if has_pictures else NO_OPTIONS
        check_suffix(suffix, known, options)
        made = await question.make_file(body, suffix, options.to_options(), state)
        return await made_response(request, state, made, suffix)

    router.add_api_route(
        path,
        send,
        methods=[method],
        name=f"{_operation(question, method)}_{'file' if ending == ANY else ending}",
        response_class=Response,
        description=getdoc(question.draw if has_pictures else question.tables[suffixes[0]]),
        responses=file_responses(*suffixes),
    )


def _read(method: str, path: str, model: Any, *, with_options: bool = False) -> Any:
    """Declare the body of a POST, or the query of a GET, with the options of a picture."""
    if method == "POST":
        return json_body(path, model)
    options = [PictureQuery] if with_options else []
    return Annotated[derive_query(model, *options), Query()]


def _constant(value: object) -> Any:
    """Return a dependency whose value is the same for all requests."""

    async def get() -> object:
        return value

    return Depends(get)


def _operation(question: Question[Any, Any], method: str) -> str:
    noun = question.path.rpartition("/")[2].replace("-", "_")
    return f"get_{noun}" if method == "GET" else question.name


routers: Final = [make_question_router(question) for question in QUESTIONS]
