"""The routes that training runs and basin maps share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from service.api import sse
from service.api.dependencies import AppStateDep
from service.api.errors import CONFLICT, INVALID, job_problem
from service.api.openapi import BODY, KEEP, STORE, problem_responses
from service.api.pictures import id_path
from service.api.prefer import PreferenceDep
from service.api.query_params import ComputationListQuery
from service.api.responses import OrjsonResponse, status_response
from service.operations import computations
from service.operations.job_types import JobType
from service.operations.submit import get_or_submit, run_without_storing
from service.schemas.base import ResponseModel
from service.schemas.computations import ComputationRequest
from service.store.rows import ComputationRow
from service.store.tables import UNFINISHED


@dataclass(frozen=True)
class ResourceText:
    """How the documentation names a kind of computation.

    Parameters
    ----------
    noun
        The resource, such as "training run".
    id_name, id_example
        The name of the path parameter, and an id that exists after an empty request.
    create
        The summary of the request that creates the resource.
    effect
        What this request does, as a sentence.
    """

    noun: str
    id_name: str
    id_example: str
    create: str
    effect: str

    @property
    def nouns(self) -> str:
        """The plural."""
        return f"{self.noun}s"


def add_routes(
    router: APIRouter,
    job_type: JobType[Any],
    page_model: type[ResponseModel],
    text: ResourceText,
    examples: dict[str, Any],
) -> None:
    """Add the routes that create, list, describe, follow, cancel and delete computations."""
    path = job_type.path
    item_path = f"{path}/{{{text.id_name}}}"
    model = job_type.response_model
    identifier_type = Annotated[str, id_path(text.id_example, text.id_name)]

    def describe(row: ComputationRow) -> ResponseModel:
        return computations.describe(job_type, row, job_problem(row.error))

    @_with_annotations(
        body=Annotated[
            job_type.request_model,
            Body(default_factory=job_type.request_model, openapi_examples=examples),
        ]
    )
    async def create(
        body: ComputationRequest, state: AppStateDep, preference: PreferenceDep
    ) -> Response:
        respond_async = preference.respond_async
        if not body.keep:
            result = await run_without_storing(job_type, body, state, respond_async=respond_async)
            return OrjsonResponse(result, headers=preference.headers)
        row, created = await get_or_submit(job_type, body, state, respond_async=respond_async)
        if row.status in UNFINISHED and preference.wait:
            row = await state.watcher.wait(row, preference.wait)
        return status_response(
            describe(row),
            f"{path}/{row.id}",
            created=created,
            unfinished=row.status in UNFINISHED,
            headers=preference.headers,
        )

    async def list_page(
        state: AppStateDep, query: Annotated[ComputationListQuery, Query()]
    ) -> Response:
        rows, next_cursor = await run_in_threadpool(
            computations.list_rows,
            job_type,
            state.database,
            status=query.status,
            limit=query.limit,
            cursor=query.cursor,
        )
        items = [describe(row) for row in rows]
        return OrjsonResponse(page_model.model_construct(items=items, next_cursor=next_cursor))

    @_with_annotations(identifier=identifier_type)
    async def get(state: AppStateDep, identifier: str) -> Response:
        row = await run_in_threadpool(computations.get_row, job_type, identifier, state.database)
        return OrjsonResponse(describe(row))

    @_with_annotations(identifier=identifier_type)
    async def follow(request: Request, state: AppStateDep, identifier: str) -> Response:
        sse.refuse_head(request)
        row = await run_in_threadpool(computations.get_row, job_type, identifier, state.database)
        return sse.event_response(request, row, state.watcher, describe)

    @_with_annotations(identifier=identifier_type)
    async def cancel(state: AppStateDep, identifier: str) -> Response:
        row, changed = await run_in_threadpool(
            computations.cancel, job_type, identifier, state.database
        )
        return OrjsonResponse(describe(row), 202 if changed else 200)

    @_with_annotations(identifier=identifier_type)
    async def delete(state: AppStateDep, identifier: str) -> Response:
        await run_in_threadpool(computations.delete, job_type, identifier, state.database)
        return Response(status_code=204)

    router.add_api_route(
        path,
        create,
        methods=["POST"],
        response_model=model,
        summary=text.create,
        description=f"{text.effect} A long computation becomes a job, which can be polled or "
        "followed; `Prefer: respond-async` always creates a job. A repeated request returns the "
        f"same {text.noun} and computes nothing.",
        responses={
            200: {"description": "Computed earlier, or computed without storing it."},
            201: {"model": model, "description": "Computed and stored."},
            202: {"model": model, "description": "A job, queued or running."},
            **problem_responses(*BODY, *STORE, *KEEP),
        },
    )
    router.add_api_route(
        path,
        list_page,
        methods=["GET"],
        response_model=page_model,
        summary=f"List {text.nouns}",
        description=f"Return one page of the stored {text.nouns}, newest first.",
        responses=problem_responses(INVALID, *STORE[1:]),
    )
    router.add_api_route(
        item_path,
        get,
        methods=["GET"],
        response_model=model,
        summary=f"Describe a {text.noun}",
        description=f"Return a stored {text.noun}: its request, its status and its result.",
        responses=problem_responses(*STORE),
    )
    router.add_api_route(
        f"{item_path}/events",
        follow,
        methods=["GET"],
        response_class=Response,
        summary=f"Follow a {text.noun}",
        description="Stream the progress as server-sent events. Any replica serves the stream.",
        responses={**sse.EVENTS, **problem_responses(*STORE)},
    )
    router.add_api_route(
        f"{item_path}/cancel",
        cancel,
        methods=["POST"],
        response_model=model,
        summary=f"Cancel a {text.noun}",
        description="Cancel a job that is queued or running. Its worker stops at the next step.",
        responses={
            200: {"description": "It had already finished and is unchanged."},
            202: {"model": model, "description": "It was queued or running and is now cancelled."},
            **problem_responses(*STORE),
        },
    )
    router.add_api_route(
        item_path,
        delete,
        methods=["DELETE"],
        status_code=204,
        summary=f"Delete a {text.noun}",
        description=f"Delete a finished {text.noun}. A repeated request computes it again.",
        responses=problem_responses(*STORE, CONFLICT),
    )


def _with_annotations(**annotations: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Replace annotations of a route, from which FastAPI derives how to read its parameters."""

    def replace(route: Callable[..., Any]) -> Callable[..., Any]:
        route.__annotations__.update(annotations)
        return route

    return replace
