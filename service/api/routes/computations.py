"""The routes that training runs, basin maps and fits share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from service.api import sse
from service.api.dependencies import AppState, AppStateDep
from service.api.errors import BUSY, CONFLICT, INVALID, LIMIT, PRECONDITION, job_problem
from service.api.examples import IDS, request_examples
from service.api.openapi import (
    BODY,
    ITEM,
    JOB_HEADERS,
    KEEP,
    STORE,
    file_responses,
    problem_responses,
)
from service.api.pictures import check_suffix, id_path, picture_response, suffix_path
from service.api.prefer import PreferenceDep
from service.api.query_params import ComputationListQuery, PictureQuery
from service.api.responses import (
    OrjsonResponse,
    check_if_match,
    download_response,
    item_response,
    status_response,
)
from service.figures.formats import PICTURE_FORMATS
from service.lifecycle import UNFINISHED, Kind
from service.operations import computations
from service.operations.downloads import Download, Picture
from service.operations.job_types import JobType
from service.operations.limits import Limits
from service.operations.resolve import get_succeeded
from service.operations.submit import get_or_submit, run_without_storing
from service.schemas.base import ResponseModel
from service.schemas.computations import ComputationRequest
from service.schemas.pictures import PictureOptions
from service.store.computations import list_page as list_page_of_computations
from service.store.database import Database
from service.store.rows import ComputationRow


@dataclass(frozen=True)
class ComputationRoutes:
    """Adds the routes of one kind of computation to a router."""

    router: APIRouter
    job_type: JobType[Any]
    page_model: type[ResponseModel]

    def add_file(
        self,
        name: str,
        summary: str,
        description: str,
        draw: Callable[[ComputationRow, PictureOptions, str, Limits], Picture],
        table: str,
        download: Callable[[ComputationRow, Database], Download],
        path: str = "",
    ) -> None:
        """Add the route of a file of a result, before the route of ids, which matches it as well.

        ``draw`` returns it as a picture, and ``download`` its numbers in the format ``table``. Its
        ``path`` is relative to the resource.
        """
        job_type, suffixes = self.job_type, (*PICTURE_FORMATS, table)

        @self.router.get(
            f"{job_type.path}/{{{self._id_name}}}{path}.{{suffix}}",
            name=f"get_{name}_file",
            response_class=Response,
            summary=summary,
            description=description,
            responses={
                **file_responses(*suffixes),
                **problem_responses(INVALID, *STORE, CONFLICT, LIMIT, BUSY),
            },
        )
        async def get_file(
            request: Request,
            state: AppStateDep,
            query: Annotated[PictureQuery, Query()],
            item_id: str = self._id,
            suffix: str = suffix_path(suffixes),
        ) -> Response:
            check_suffix(suffix, suffixes, query)
            row = await run_in_threadpool(get_succeeded, job_type.prefix, item_id, state.database)
            if suffix == table:
                numbers = download(row, state.database)
                return await download_response(request, state, numbers, suffix)
            picture = draw(row, query.to_options(), suffix, state.limits)
            return await picture_response(request, state, picture)

    def add_create(self, name: str, summary: str, effect: str) -> None:
        """Add the route that creates a computation; ``effect`` is what it does, as a sentence."""
        job_type, model = self.job_type, self.job_type.response_model

        async def create(
            body: ComputationRequest, state: AppStateDep, preference: PreferenceDep
        ) -> Response:
            as_job = preference.respond_async
            if not body.keep:
                result = await run_without_storing(job_type, body, state, respond_async=as_job)
                return OrjsonResponse(result, headers=preference.headers)
            row, created = await get_or_submit(job_type, body, state, respond_async=as_job)
            if row.status in UNFINISHED and preference.wait:
                row = await state.watcher.wait(row, preference.wait)
            return status_response(
                self._describe(row),
                f"{job_type.path}/{row.id}",
                created=created,
                unfinished=row.status in UNFINISHED,
                headers=preference.headers,
            )

        # FastAPI reads the body as the annotation says.
        examples = request_examples(job_type.path, job_type.request_model)
        create.__annotations__["body"] = Annotated[
            job_type.request_model,
            Body(default_factory=job_type.request_model, openapi_examples=examples),
        ]
        self.router.add_api_route(
            job_type.path,
            create,
            methods=["POST"],
            name=name,
            response_model=model,
            summary=summary,
            description=f"{effect} A long computation becomes a job, which can be polled or "
            "followed; `Prefer: respond-async` always creates a job. A repeated request returns "
            f"the same {self._noun} and computes nothing.",
            responses={
                200: {"description": "Computed earlier, or computed without storing it."},
                201: {"model": model, "description": "Computed and stored."},
                202: {
                    "model": model,
                    "description": "A job, queued or running.",
                    "headers": JOB_HEADERS,
                },
                **problem_responses(*BODY, *STORE, *KEEP),
            },
        )

    def add_others(self) -> None:
        """Add the routes that list, describe, follow, cancel and delete computations."""
        self._add_reads(self.job_type.kind, f"{self.job_type.path}/{{{self._id_name}:id}}")
        self._add_changes(self.job_type.kind, f"{self.job_type.path}/{{{self._id_name}:id}}")

    def _add_reads(self, kind: Kind, path: str) -> None:
        router, noun = self.router, self._noun

        @router.get(
            self.job_type.path,
            name=f"list_{kind}s",
            response_model=self.page_model,
            summary=f"List {noun}s",
            responses=problem_responses(INVALID, *STORE[1:]),
        )
        async def list_page(
            state: AppStateDep, query: Annotated[ComputationListQuery, Query()]
        ) -> Response:
            """Return one page of what is stored, newest first."""
            rows, next_cursor = await run_in_threadpool(
                list_page_of_computations,
                state.database,
                kind,
                query.limit,
                query.cursor,
                query.status,
            )
            items = [self._describe(row) for row in rows]
            page = self.page_model.model_construct(items=items, next_cursor=next_cursor)
            return OrjsonResponse(page)

        @router.get(
            path,
            name=f"get_{kind}",
            response_model=self.job_type.response_model,
            summary=f"Describe a {noun}",
            responses={**ITEM, **problem_responses(*STORE)},
        )
        async def get(
            request: Request,
            state: AppStateDep,
            preference: PreferenceDep,
            item_id: str = self._id,
        ) -> Response:
            """Return its request, its status and its result.

            `Prefer: wait=N` waits for an unfinished one.
            """
            row = await self._get_row(state, item_id)
            if row.status in UNFINISHED and preference.wait:
                row = await state.watcher.wait(row, preference.wait)
            applied = preference._replace(respond_async=False)
            return item_response(request, self._describe(row), applied.headers)

        @router.get(
            f"{path}/events",
            name=f"follow_{kind}",
            response_class=Response,
            summary=f"Follow a {noun}",
            responses={**sse.EVENTS, **problem_responses(*STORE)},
        )
        async def follow(request: Request, state: AppStateDep, item_id: str = self._id) -> Response:
            """Stream the progress as server-sent events. Any replica serves the stream."""
            sse.refuse_head(request)
            row = await self._get_row(state, item_id)
            return sse.event_response(request, row, state.watcher, self._describe)

    def _add_changes(self, kind: Kind, path: str) -> None:
        router, noun, job_type = self.router, self._noun, self.job_type
        model = job_type.response_model

        @router.post(
            f"{path}/cancel",
            name=f"cancel_{kind}",
            response_model=model,
            summary=f"Cancel a {noun}",
            responses={
                200: {"description": "It had already finished and is unchanged."},
                202: {
                    "model": model,
                    "description": "It was queued or running and is now cancelled.",
                },
                **problem_responses(*STORE),
            },
        )
        async def cancel(state: AppStateDep, item_id: str = self._id) -> Response:
            """Cancel a job that is queued or running. Its worker stops at the next step."""
            row, changed = await run_in_threadpool(
                computations.cancel, job_type, item_id, state.database
            )
            return OrjsonResponse(self._describe(row), 202 if changed else 200)

        @router.delete(
            path.replace(":id", ""),  # an id with a suffix is unknown, too
            name=f"delete_{kind}",
            status_code=204,
            summary=f"Delete a {noun}",
            responses=problem_responses(*STORE, CONFLICT, PRECONDITION),
        )
        async def delete(request: Request, state: AppStateDep, item_id: str = self._id) -> Response:
            """Delete a finished one. A repeated request computes it again."""

            async def read() -> ResponseModel:
                return self._describe(await self._get_row(state, item_id))

            await check_if_match(request, read)
            await run_in_threadpool(computations.delete, job_type, item_id, state.database)
            return Response(status_code=204)

    @property
    def _noun(self) -> str:
        return self.job_type.kind.replace("_", " ")

    @property
    def _id_name(self) -> str:
        return f"{self.job_type.prefix}_id"

    @property
    def _id(self) -> Any:
        return id_path(IDS[self.job_type.prefix], self._id_name)

    def _describe(self, row: ComputationRow) -> ResponseModel:
        return computations.describe(self.job_type, row, job_problem(row.error))

    async def _get_row(self, state: AppState, item_id: str) -> ComputationRow:
        return await run_in_threadpool(computations.get_row, self.job_type, item_id, state.database)
