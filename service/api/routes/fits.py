"""Fits of recurrences, their tables and their profiles."""

from typing import Annotated

from fastapi import Query, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from service.api import examples
from service.api.dependencies import AppStateDep
from service.api.errors import BUSY, CONFLICT, INVALID, LIMIT
from service.api.openapi import STORE, file_responses, problem_responses
from service.api.pictures import check_suffix, id_path, picture_response, suffix_path
from service.api.query_params import PictureQuery
from service.api.requests import make_router
from service.api.responses import download_response
from service.api.routes.computations import ComputationRoutes, ResourceText
from service.figures.formats import PICTURE_FORMATS
from service.operations.fit_pictures import fit_picture, profile_picture
from service.operations.fits import FIT, fit_csv, profile_csv
from service.operations.resolve import get_succeeded
from service.schemas.fit_results import FitPage

router = make_router("Fits")

SUFFIXES = (*PICTURE_FORMATS, "csv")
Suffix = Annotated[str, suffix_path(SUFFIXES)]
FitId = Annotated[str, id_path(examples.FIT_ID)]
RESPONSES = {
    **file_responses(*SUFFIXES),
    **problem_responses(INVALID, *STORE, CONFLICT, LIMIT, BUSY),
}


@router.get(
    "/v1/fits/{fit_id}.{suffix}",
    response_class=Response,
    summary="Draw or download a fit",
    responses=RESPONSES,
)
async def get_fit_file(
    request: Request,
    state: AppStateDep,
    fit_id: FitId,
    suffix: Suffix,
    query: Annotated[PictureQuery, Query()],
) -> Response:
    """Draw targets and fit over time with the residuals, or list them as CSV.

    A table begins at the first target of each sequence. Its columns are `sequence`, from 0,
    `step`, from 1, `target`, `prediction`, the band of the prediction, `low` and `high`, and
    `residual`. A field without a number is empty.
    """
    check_suffix(request, suffix, SUFFIXES)
    if suffix == "csv":
        download = await run_in_threadpool(fit_csv, fit_id, state.database)
        return await download_response(request, state, download, suffix)
    row = await run_in_threadpool(get_succeeded, "fit", fit_id, state.database)
    picture = fit_picture(row, query.to_options(), suffix, state.limits)
    return await picture_response(request, state, picture)


@router.get(
    "/v1/fits/{fit_id}/profile.{suffix}",
    response_class=Response,
    summary="Draw or download the profile of a fit",
    responses=RESPONSES,
)
async def get_fit_profile_file(
    request: Request,
    state: AppStateDep,
    fit_id: FitId,
    suffix: Suffix,
    query: Annotated[PictureQuery, Query()],
) -> Response:
    """Draw the lowest mean squared error, `cost`, with each `w_rec`, or list it as CSV."""
    check_suffix(request, suffix, SUFFIXES)
    if suffix == "csv":
        download = await run_in_threadpool(profile_csv, fit_id, state.database)
        return await download_response(request, state, download, suffix)
    row = await run_in_threadpool(get_succeeded, "fit", fit_id, state.database)
    picture = profile_picture(row, query.to_options(), suffix, state.limits)
    return await picture_response(request, state, picture)


# After the route of files, whose paths the route of ids would match as well.
ComputationRoutes(
    router,
    FIT,
    FitPage,
    ResourceText(
        noun="fit",
        id_name="fit_id",
        id_example=examples.FIT_ID,
        create="Fit a recurrence",
        operation="fit",
        effect="Fit S_k = w_rec S_{k-1} + w_in x_k with all its unknowns, and return the "
        "least-squares optimum, its intervals, and whether to trust them.",
    ),
).add_all(examples.FIT)
