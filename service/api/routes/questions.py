"""The routes of all questions: responses as JSON and as files, by POST, and some by GET."""

from collections.abc import Callable, Sequence
from inspect import Parameter, Signature, getdoc
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from service.api.dependencies import AppState, AppStateDep
from service.api.openapi import file_responses
from service.api.parameters import PictureQuery, check_suffix, suffix_path
from service.api.request_query import derive_query
from service.api.requests import json_body, make_router
from service.api.responses import json_response, made_response
from service.figures.formats import PICTURE_FORMATS
from service.operations.question import Question
from service.operations.questions import QUESTIONS

ANY: Final = "{suffix}"  # in paths
NO_OPTIONS: Final = PictureQuery()


def make_question_router(question: Question[Any, Any]) -> APIRouter:
    """Return a router with all routes of a question."""
    router = make_router(question.tag)
    pictures, tables = (*PICTURE_FORMATS,) if question.draw else (), (*question.tables,)
    for method in ("GET", "POST") if question.by_query else ("POST",):
        if question.picture_model:
            # The path of pictures, with any suffix, comes last, because it matches those of tables.
            for suffix in tables:
                _add_file(router, question, method, suffix, tables)
            _add_file(router, question, method, ANY, pictures)
        elif pictures or tables:
            _add_file(router, question, method, ANY, (*pictures, *tables))
        _add_answer(router, question, method)
    return router


def _add_answer(router: APIRouter, question: Question[Any, Any], method: str) -> None:
    """Add the route of the response as JSON."""

    async def answer(state: AppState, asked: Any) -> Response:
        request = asked.to_request() if method == "GET" else asked
        return json_response(await question.answer(request, state))

    asked = _read(method, question.path, question.request_model)
    _set_signature(answer, state=AppStateDep, asked=asked)
    router.add_api_route(
        question.path,
        answer,
        methods=[method],
        name=_operation(question, method),
        response_model=question.response_model,
        description=getdoc(question.compute),
    )


def _add_file(
    router: APIRouter,
    question: Question[Any, Any],
    method: str,
    ending: str,
    suffixes: Sequence[str],
) -> None:
    """Add a route of files in some formats, whose path ends with one suffix or any."""
    path, has_pictures = f"{question.path}.{ending}", ending == ANY and question.draw is not None
    known = (*suffixes, *question.tables.keys() - {*suffixes})

    async def send(
        request: Request,
        state: AppState,
        asked: Any,
        options: PictureQuery = NO_OPTIONS,
        suffix: str = ending,
    ) -> Response:
        body = asked
        if method == "GET":  # the parameters of both are one query
            body, options = asked.to_request(), asked if has_pictures else NO_OPTIONS
        check_suffix(suffix, known, options)
        made = await question.make_file(body, suffix, options.to_options(), state)
        return await made_response(request, state, made, suffix)

    model = (has_pictures and question.picture_model) or question.request_model
    annotations = {"asked": _read(method, path, model, with_options=has_pictures)}
    if ending == ANY:
        annotations["suffix"] = Annotated[str, suffix_path(suffixes)]
    if has_pictures and method == "POST":
        annotations["options"] = Annotated[PictureQuery, Query()]
    _set_signature(send, request=Request, state=AppStateDep, **annotations)
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


def _set_signature(handler: Callable[..., Any], **annotations: Any) -> None:
    """Set the signature that FastAPI inspects."""
    parameters = [
        Parameter(name, Parameter.KEYWORD_ONLY, annotation=annotation)
        for name, annotation in annotations.items()
    ]
    handler.__signature__ = Signature(parameters)  # type: ignore[attr-defined]


def _operation(question: Question[Any, Any], method: str) -> str:
    noun = question.path.rpartition("/")[2].replace("-", "_")
    return f"get_{noun}" if method == "GET" else question.name


routers: Final = [make_question_router(question) for question in QUESTIONS]
