"""Stored datasets."""

from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from service.api.dependencies import AppStateDep
from service.api.examples import DATASET_ID, request_examples
from service.api.openapi import ITEM, REF_TEMPLATE, file_bodies, file_responses
from service.api.parameters import ListQuery, check_suffix, id_path, suffix_path
from service.api.requests import (
    FILE_TYPES,
    FORM,
    file_seconds,
    is_file,
    make_router,
    open_file,
    read_model,
)
from service.api.responses import check_if_match, item_response, json_response, made_response
from service.errors import Invalid
from service.formats import DATASET_FORMATS
from service.formats.queries import DatasetQuery
from service.operations import datasets
from service.operations.datasets import PATH
from service.operations.shared.work_estimates import storing_seconds
from service.schemas.datasets import DatasetPage, DatasetRequest, DatasetSummary

router = make_router("Datasets")

SUFFIXES = tuple(DATASET_FORMATS)
Suffix = Annotated[str, suffix_path(SUFFIXES)]
DatasetId = Annotated[str, id_path(DATASET_ID)]


def _describe_body() -> dict[str, Any]:
    """Describe the media types. The parts of the JSON schema are shared components.

    The form is described in the text only: some generators fail if it is one of several types.
    """
    schema = DatasetRequest.model_json_schema(ref_template=REF_TEMPLATE)
    del schema["$defs"]
    bodies = request_examples(PATH, DatasetRequest)
    del bodies["empty"]  # the body itself requires a kind
    json = {"application/json": {"schema": schema, "examples": bodies}}
    files = file_bodies([media_type for media_type in FILE_TYPES if media_type != FORM])
    return {"requestBody": {"content": json | files}}


@router.post(
    PATH,
    response_model=DatasetSummary,
    responses={
        200: {"description": "The dataset was already stored."},
        201: {"model": DatasetSummary, "description": "Stored."},
    },
    openapi_extra=_describe_body(),
)
async def store_dataset(
    request: Request, state: AppStateDep, query: Annotated[DatasetQuery, Query()]
) -> Response:
    """Store a dataset.

    Its id is a hash of its numbers, so equal datasets have the same id.

    A `text/csv` body is text with one sequence per row and an optional header. The target is
    in the column `target` of the header, otherwise in the last column. Fields are separated by
    commas, semicolons or tabs. Numbers have a decimal point, or a decimal comma if it does not
    separate fields or is in quotes. Index columns and ambiguous tables are invalid. `text/plain`,
    `application/csv` and `application/vnd.ms-excel` are treated as `text/csv`. Text is in UTF-8, in
    UTF-16 with its mark, or otherwise in Windows-1252. Tables can also be workbooks (xlsx), whose
    formulas have their stored values, and files that gzip compressed. An
    `application/x-npz` body contains the arrays `inputs` (n, T) and `targets` (n,) or (n, 1), which
    may be named `X` and `y`. Both formats are recognized by their first bytes in an
    `application/octet-stream` body, and in the single file of a `multipart/form-data` body, whose
    field may have any name.

    With `?kind=series&target=sales&inputs=spend,heating` a file is a series: sequences with a
    target at every step, for fits. Its table has a header and one row per step, in the order of
    time. A missing target is a gap; inputs must not have gaps. `sequence=region` selects the column
    that identifies the sequences, and `time=date` a column of equally spaced times, which set the
    step of the series. In downloads, =, +, - or @ at the start of a name, or after a semicolon or a
    bar in it, have an apostrophe before them, because spreadsheets would evaluate formulas; uploads
    remove it. An archive contains `inputs` (n, T, q) and `targets` (n, T), with nan for gaps, and
    `lengths` (n,) if the sequences differ in length.
    """
    columns = query.to_series_columns()
    if is_file(request):
        limit = state.settings.max_body_bytes
        async with state.bodies.receive(request, limit) as body:

            def store_file() -> tuple[DatasetSummary, bool]:
                file = open_file(request, body.file.read())
                dataset = datasets.read_file(*file, state.limits, columns)
                return datasets.store_dataset(dataset, state.database, state.limits, query.name)

            # One work, because a dataset would wait in memory between two.
            summary, created = await state.scheduler.run(file_seconds(request, body), store_file)
    else:
        model = await read_model(request, DatasetRequest, *FILE_TYPES) or DatasetRequest()
        if columns is not None:
            detail = "kind=series applies to files; a series in JSON has the field kind"
            raise Invalid(detail, parameter="kind")
        dataset = await state.resolve(model.root)
        summary, created = await state.scheduler.run(
            storing_seconds(dataset),
            datasets.store_dataset,
            dataset,
            state.database,
            state.limits,
            query.name,
        )
    headers = {"Location": summary.links["self"]} if created else None
    return json_response(summary, 201 if created else 200, headers)


@router.get("/v1/datasets", response_model=DatasetPage)
def list_datasets(state: AppStateDep, query: Annotated[ListQuery, Query()]) -> Response:
    """List datasets.

    Return one page of the stored datasets, newest first.
    """
    return json_response(datasets.list_datasets(state.database, query.limit, query.cursor))


@router.get(
    "/v1/datasets/{dataset_id}.{suffix}",
    response_class=Response,
    responses=file_responses(*SUFFIXES),
)
async def get_dataset_file(
    request: Request, state: AppStateDep, dataset_id: DatasetId, suffix: Suffix
) -> Response:
    """Download a dataset.

    Return the inputs and targets. CSV has one sequence per row, with its target in the last column.
    For a series, it has one row per step, with the columns sequence, time (named by its unit),
    inputs and target.
    """
    check_suffix(suffix, SUFFIXES)
    download = await run_in_threadpool(datasets.dataset_file, dataset_id, suffix, state.database)
    return await made_response(request, state, download, suffix)


@router.get("/v1/datasets/{dataset_id:id}", response_model=DatasetSummary, responses=ITEM)
def get_dataset(request: Request, state: AppStateDep, dataset_id: DatasetId) -> Response:
    """Describe a dataset.

    Return the size and the ranges of a dataset.
    """
    return item_response(request, datasets.get_dataset(dataset_id, state.database))


@router.delete("/v1/datasets/{dataset_id}", status_code=204)
def delete_dataset(request: Request, state: AppStateDep, dataset_id: DatasetId) -> Response:
    """Delete a dataset.

    It must not be in use by a computation.
    """
    check_if_match(request, lambda: datasets.get_dataset(dataset_id, state.database))
    datasets.delete_dataset(dataset_id, state.database)
    return Response(status_code=204)
