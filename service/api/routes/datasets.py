"""Stored datasets."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import TypeAdapter
from starlette.responses import Response

from service.api import examples
from service.api.dependencies import AppState, AppStateDep
from service.api.errors import CONFLICT, FULL, INVALID, UnsupportedMediaType
from service.api.openapi import BODY, STORE, contents, problems
from service.api.pictures import check_suffix, id_like, one_of
from service.api.requests import media_type, read_json
from service.api.requests import router as make_router
from service.api.responses import OrjsonResponse, content, not_modified, streamed
from service.errors import NotFound
from service.operations import writers
from service.operations.csv_reader import read_csv
from service.operations.ids import check_id, dataset_id
from service.operations.limits import Limits
from service.operations.npz_reader import read_npz
from service.operations.precomputed_arrays import arrays_to_store
from service.operations.resolve import ResolvedDataset, resolve_dataset
from service.schemas.datasets import (
    CountOnesDataset,
    DatasetPage,
    DatasetRequest,
    DatasetSummary,
    ExplicitDataset,
    NumberRange,
    StoredDataset,
)
from service.store import datasets
from service.store.rows import DatasetRow

router = make_router("Datasets")

FORMATS = ("csv", "npz")
Suffix = Annotated[str, one_of(FORMATS)]
DatasetId = Annotated[str, id_like(examples.DATASET_ID)]

Limit = Annotated[
    int, Query(ge=1, le=100, description="The most items on one page.", examples=[20])
]
Cursor = Annotated[
    str | None,
    Query(description="next_cursor of the page before.", examples=[examples.CURSOR]),
]
Reader = Callable[[bytes, Limits], ResolvedDataset]
READERS: dict[str, Reader] = {
    "text/csv": read_csv,
    "application/x-npz": read_npz,
}
CHARSET = re.compile(r""";\s*+charset=["']?([^"';\s]++)""", re.IGNORECASE)
CHARSETS = {"utf8", "usascii", "ascii"}  # as they are called without their dashes
QUESTION: TypeAdapter[DatasetRequest] = TypeAdapter(DatasetRequest)


def _bodies() -> dict[str, Any]:
    """Describe the three kinds of body; the parts of JSON's are among the shared schemas."""
    question = DatasetRequest.model_json_schema(ref_template="#/components/schemas/{model}")
    del question["$defs"]
    content: dict[str, Any] = {
        "application/json": {"schema": question, "examples": examples.DATASET},
        "text/csv": {"schema": {"type": "string"}, "examples": examples.DATASET_TABLE},
        "application/x-npz": {"schema": {"type": "string", "format": "binary"}},
    }
    return {"requestBody": {"content": content}}


CREATED = {"model": DatasetSummary, "description": "Stored now."}


def describe(row: DatasetRow) -> DatasetSummary:
    """Put a row of the store into its schema."""
    here = f"/v1/datasets/{row.id}"
    return DatasetSummary(
        id=row.id,
        n_samples=row.n_samples,
        n_steps=row.n_steps,
        bytes=row.n_bytes,
        input_range=NumberRange(low=row.input_min, high=row.input_max),
        target_range=NumberRange(low=row.target_min, high=row.target_max),
        created_at=row.created_at,
        links={"self": here, "csv": f"{here}.csv", "npz": f"{here}.npz"},
    )


def keep(
    dataset: CountOnesDataset | ExplicitDataset | StoredDataset, state: AppState
) -> tuple[DatasetRow, bool]:
    """Store a dataset, or find it stored; the second value tells which."""
    return keep_samples(resolve_dataset(dataset, state.database, state.limits), state)


def keep_samples(samples: ResolvedDataset, state: AppState) -> tuple[DatasetRow, bool]:
    """Store samples with what is found out about them, or find them stored."""
    named = dataset_id(samples.dataset.inputs, samples.dataset.targets)
    with suppress(NotFound):
        return datasets.get(state.database, named), False
    beside = arrays_to_store(samples.dataset, samples.precomputed, state.limits)
    return datasets.add(
        state.database, named, samples.dataset.inputs, samples.dataset.targets, beside
    )


def read(body: bytes, reader: Reader, state: AppState) -> tuple[DatasetRow, bool]:
    """Store an uploaded file, or find it stored."""
    return keep_samples(reader(body, state.limits), state)


@router.post(
    "/v1/datasets",
    response_model=DatasetSummary,
    summary="Store a dataset",
    responses={
        200: {"description": "It was stored before."},
        201: CREATED,
        **problems(*BODY, *STORE, FULL),
    },
    openapi_extra=_bodies(),
)
async def post(request: Request, state: AppStateDep) -> OrjsonResponse:
    """Keep samples under an id that is a hash of them; the same samples have the same id.

    As `text/csv` in UTF-8: a sequence a row, its target in the last column, with a header or
    without. As `application/x-npz`: the arrays `inputs` (n, T) and `targets` (n,) of numbers.
    """
    reader = READERS.get(media_type(request))
    if reader is not None:
        _check_charset(request)
        row, created = await state.compute(read, await request.body(), reader, state)
    else:
        question = await read_json(request, QUESTION, *READERS)
        row, created = await state.compute(keep, question.root, state)
    here = f"/v1/datasets/{row.id}"
    headers = {"Location": here} if created else None
    return OrjsonResponse(describe(row), 201 if created else 200, headers)


def _check_charset(request: Request) -> None:
    named = CHARSET.search(request.headers["content-type"])
    if named is not None and named[1].lower().replace("-", "") not in CHARSETS:
        raise UnsupportedMediaType(f"a table must be in utf-8, not {named[1][:40]}")


@router.get(
    "/v1/datasets",
    response_model=DatasetPage,
    summary="List datasets",
    responses=problems(INVALID, *STORE[1:]),
)
async def page(state: AppStateDep, limit: Limit = 20, cursor: Cursor = None) -> OrjsonResponse:
    """Return a page of datasets, newest first."""
    rows, following = await run_in_threadpool(datasets.list_page, state.database, limit, cursor)
    return OrjsonResponse(DatasetPage(items=[describe(row) for row in rows], next_cursor=following))


@router.get(
    "/v1/datasets/{dataset_id}.{suffix}",
    response_class=Response,
    summary="Download a dataset",
    responses={**contents(*FORMATS), **problems(*STORE)},
)
async def download(
    request: Request, state: AppStateDep, dataset_id: DatasetId, suffix: Suffix
) -> Response:
    """Return the samples: csv has a sequence a row and its target in the last column."""
    check_suffix(request, suffix, FORMATS)
    check_id("ds", dataset_id)
    etag = f'"{dataset_id}.{suffix}"'
    await run_in_threadpool(datasets.get, state.database, dataset_id)
    known = not_modified(request, etag)
    if known is not None:
        return known
    if suffix == "npz":
        return content(await state.compute(_archive, state, dataset_id), suffix, etag)
    parts: Iterator[bytes] = iter(())
    if not request.scope.get("head"):
        arrays = await state.compute(datasets.load, state.database, dataset_id)
        parts = writers.samples_csv(*arrays)
    return streamed(parts, suffix, etag)


def _archive(state: AppState, dataset_id: str) -> bytes:
    inputs, targets = datasets.load(state.database, dataset_id)
    return writers.npz({"inputs": inputs, "targets": targets})


@router.get(
    "/v1/datasets/{dataset_id}",
    response_model=DatasetSummary,
    summary="Describe a dataset",
    responses=problems(*STORE),
)
async def get(state: AppStateDep, dataset_id: DatasetId) -> OrjsonResponse:
    """Return a dataset's size and ranges."""
    check_id("ds", dataset_id)
    row = await run_in_threadpool(datasets.get, state.database, dataset_id)
    return OrjsonResponse(describe(row))


@router.delete(
    "/v1/datasets/{dataset_id}",
    status_code=204,
    summary="Delete a dataset",
    responses=problems(*STORE, CONFLICT),
)
async def delete(state: AppStateDep, dataset_id: DatasetId) -> Response:
    """Delete a dataset that no run or map needs."""
    check_id("ds", dataset_id)
    await run_in_threadpool(datasets.delete, state.database, dataset_id)
    return Response(status_code=204)
