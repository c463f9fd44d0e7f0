"""Tables that are read and not stored."""

from typing import Annotated

from fastapi import Query, Request
from starlette.responses import Response

from service.api.dependencies import AppStateDep
from service.api.openapi import file_bodies
from service.api.requests import (
    TABLE_TYPES,
    file_seconds,
    make_router,
    read_part,
    require_table,
)
from service.api.responses import json_response
from service.formats.queries import TableQuery
from service.operations.tables import PATH, describe_table
from service.schemas.tables import TableSummary

router = make_router("Datasets")


BODY = {"requestBody": {"content": file_bodies(TABLE_TYPES), "required": True}}


@router.post(PATH, response_model=TableSummary, openapi_extra=BODY)
async def read_table(
    request: Request, state: AppStateDep, query: Annotated[TableQuery, Query()]
) -> Response:
    """Read a table without storing it.

    Return what a table contains, as CSV, xlsx or compressed by gzip, how it would be read as a
    series, or with `kind=explicit` as one sequence per row, and the roles that are proposed for its
    columns. Every problem lists repairs: query parameters of this request and of
    `POST /v1/datasets`, with the same `kind`.
    """
    require_table(request)
    columns = query.to_columns()
    limit = state.settings.max_body_bytes
    async with state.bodies.receive(request, limit) as body:
        summary = await state.scheduler.run(
            file_seconds(request, body),
            lambda: describe_table(read_part(request, body.file.read()), columns, state.limits),
        )
    return json_response(summary)
