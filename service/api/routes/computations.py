"""The routes of training runs, basin maps and fits."""

from inspect import getdoc
from typing import Annotated, Any, Final

from fastapi import HTTPException, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.sse import EventSourceResponse
from starlette.responses import Response

from service.api.dependencies import AppState, AppStateDep, Preference, PreferenceDep
from service.api.errors import job_problem
from service.api.events import DONE, stream_events
from service.api.examples import IDS
from service.api.openapi import EVENTS, ITEM, JOB_HEADERS, file_responses
from service.api.parameters import (
    PICTURE_QUERIES,
    ComputationListQuery,
    check_suffix,
    id_path,
    suffix_path,
)
from service.api.requests import json_body, make_router
from service.api.responses import check_if_match, item_response, json_response, made_response
from service.lifecycle import UNFINISHED
from service.operations.computations import stored
from service.operations.computations.resources import RESOURCES, Resource, ResultFile
from service.operations.computations.submit import get_or_submit, run_without_storing
from service.operations.shared.resolve import get_succeeded
from service.schemas.base import ResponseModel
from service.store.computations import list_page as list_page_of_computations
from service.store.rows import ComputationRow


class ComputationRoutes:
    """The routes of one kind of computation."""

    def __init__(self, resource: Resource) -> None:
        self.router = make_router(resource.tag)
        self._job_type = resource.job_type
        self._kind = resource.job_type.kind
        self._model = resource.job_type.response_model
        path, id_name = self._job_type.path, f"{self._job_type.prefix}_id"
        self._id: Any = id_path(IDS[self._job_type.prefix], id_name)
        self._add_create(resource)
        for file in resource.files:
            self._add_file(file, f"{path}/{{{id_name}}}{file.path}.{{suffix}}")
        self._add_list(path, resource.page_model)
        self._add_reads(f"{path}/{{{id_name}:id}}")
        self._add_cancel(f"{path}/{{{id_name}:id}}")
        self._add_delete(f"{path}/{{{id_name}}}")  # an id with a suffix is also unknown

    def _add_create(self, resource: Resource) -> None:
        job_type = self._job_type
        body_type: Any = json_body(job_type.path, job_type.request_model)

        async def create(
            body: body_type, state: AppStateDep, preference: PreferenceDep
        ) -> Response:
            as_job = preference.respond_async
            if not body.keep:
                result = await run_without_storing(job_type, body, state, respond_async=as_job)
                return json_response(result, headers=preference.headers)
            row, created = await get_or_submit(job_type, body, state, respond_async=as_job)
            if row.status in UNFINISHED and preference.wait:
                row = await state.watcher.wait(row, preference.wait)
            return self._submitted_response(row, preference, created=created)

        self.router.add_api_route(
            job_type.path,
            create,
            methods=["POST"],
            name=resource.name,
            response_model=self._model,
            summary=resource.summary,
            description=f"{resource.effect} A long computation becomes a job, which can be polled "
            "or followed; `Prefer: respond-async` always creates a job. A repeated request returns "
            "the same resource without computing it again.",
            responses={
                200: {"description": "Computed earlier, or computed without storing it."},
                201: {"model": self._model, "description": "Computed and stored."},
                202: {
                    "model": self._model,
                    "description": "A job, queued or running.",
                    "headers": JOB_HEADERS,
                },
            },
        )

    def _add_file(self, file: ResultFile, path: str) -> None:
        prefix = self._job_type.prefix
        query_type: Any = Annotated[PICTURE_QUERIES[file.options], Query()]

        @self.router.get(
            path,
            name=f"get_{file.name}_file",
            response_class=Response,
            summary=f"Draw or download a {file.name.replace('_', ' ')}",
            description=getdoc(file.load),
            responses=file_responses(*file.suffixes),
        )
        async def get_file(
            request: Request,
            state: AppStateDep,
            query: query_type,
            item_id: str = self._id,
            suffix: str = suffix_path(file.suffixes),
        ) -> Response:
            check_suffix(suffix, file.suffixes, query)
            row = await run_in_threadpool(get_succeeded, prefix, item_id, state.database)
            made = file.make(row, suffix, query.to_options(), state)
            return await made_response(request, state, made, suffix)

    def _add_list(self, path: str, page: type[ResponseModel]) -> None:
        @self.router.get(path, name=f"list_{self._kind}s", response_model=page)
        def list_page(
            state: AppStateDep, query: Annotated[ComputationListQuery, Query()]
        ) -> Response:
            """Return one page of the stored resources, newest first."""
            rows, next_cursor = list_page_of_computations(
                state.database, self._kind, query.limit, query.cursor, query.status
            )
            items = [self._describe(row) for row in rows]
            return json_response({"items": items, "next_cursor": next_cursor})

    def _submitted_response(
        self, row: ComputationRow, preference: Preference, *, created: bool
    ) -> Response:
        """Respond with a computation, and with its address if it is a job or new."""
        headers = preference.headers
        unfinished = row.status in UNFINISHED
        if unfinished:
            headers["Retry-After"] = "1"
        if unfinished or created:
            headers["Location"] = f"{self._job_type.path}/{row.id}"
        status = 202 if unfinished else 201 if created else 200
        return json_response(self._describe(row), status, headers)

    def _add_reads(self, path: str) -> None:
        @self.router.get(path, name=f"get_{self._kind}", response_model=self._model, responses=ITEM)
        async def get(
            request: Request, state: AppStateDep, preference: PreferenceDep, item_id: str = self._id
        ) -> Response:
            """Return its request, its status and its result. `Prefer: wait=N` waits for its end."""
            row = await run_in_threadpool(self._read, item_id, state)
            if row.status in UNFINISHED and preference.wait:
                row = await state.watcher.wait(row, preference.wait)
            applied = preference._replace(respond_async=False)
            return item_response(request, self._describe(row), applied.headers)

        @self.router.get(
            f"{path}/events", name=f"follow_{self._kind}", response_class=Response, responses=EVENTS
        )
        async def follow(request: Request, state: AppStateDep, item_id: str = self._id) -> Response:
            """Stream the progress as server-sent events. Any replica serves the stream."""
            if "head" in request.scope:  # an endless stream has no response without a body
                raise HTTPException(405)
            row = await run_in_threadpool(self._read, item_id, state)
            if row.status not in UNFINISHED and request.headers.get("last-event-id") == DONE:
                return Response(status_code=204)
            events = stream_events(row, state.watcher, self._describe)
            headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
            return EventSourceResponse(events, headers=headers)

    def _add_cancel(self, path: str) -> None:
        @self.router.post(
            f"{path}/cancel",
            name=f"cancel_{self._kind}",
            response_model=self._model,
            responses={
                200: {"description": "It had already finished and is unchanged."},
                202: {
                    "model": self._model,
                    "description": "It was queued or running and is now cancelled.",
                },
            },
        )
        def cancel(state: AppStateDep, item_id: str = self._id) -> Response:
            """Cancel a job that is queued or running. Its worker stops at the next step."""
            row, changed = stored.cancel(self._job_type, item_id, state.database)
            return json_response(self._describe(row), 202 if changed else 200)

    def _add_delete(self, path: str) -> None:
        @self.router.delete(path, name=f"delete_{self._kind}", status_code=204)
        def delete(request: Request, state: AppStateDep, item_id: str = self._id) -> Response:
            """Delete a finished resource. A repeated request computes it again."""
            check_if_match(request, lambda: self._describe(self._read(item_id, state)))
            stored.delete(self._job_type, item_id, state.database)
            return Response(status_code=204)

    def _describe(self, row: ComputationRow) -> ResponseModel:
        return stored.describe(self._job_type, row, job_problem(row.error))

    def _read(self, item_id: str, state: AppState) -> ComputationRow:
        return stored.get_row(self._job_type, item_id, state.database)


routers: Final = [ComputationRoutes(resource).router for resource in RESOURCES]
