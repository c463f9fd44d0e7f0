"""Training runs and their trajectories."""

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
from service.api.responses import OrjsonResponse, download_response, encode_result
from service.api.routes.computations import ComputationRoutes, ResourceText
from service.figures.formats import PICTURE_FORMATS
from service.operations.pictures import trajectory_picture
from service.operations.resolve import get_succeeded
from service.operations.training import TRAINING_RUN, read_trajectory, trajectory_csv
from service.schemas.training_runs import TrainingRunPage, TrajectoryResponse

router = make_router("Training")

SUFFIXES = (*PICTURE_FORMATS, "csv")
Suffix = Annotated[str, suffix_path(SUFFIXES)]
RunId = Annotated[str, id_path(examples.RUN_ID)]

ComputationRoutes(
    router,
    TRAINING_RUN,
    TrainingRunPage,
    ResourceText(
        noun="training run",
        id_name="run_id",
        id_example=examples.RUN_ID,
        create="Train the network",
        operation="train",
        effect="Train from the initial weights, and return how the training ended.",
    ),
).add_all(examples.TRAINING_RUN)


@router.get(
    "/v1/training-runs/{run_id}/trajectory.{suffix}",
    response_class=Response,
    summary="Draw or download a trajectory",
    responses={
        **file_responses(*SUFFIXES),
        **problem_responses(INVALID, *STORE, CONFLICT, LIMIT, BUSY),
    },
)
async def get_trajectory_file(
    request: Request,
    state: AppStateDep,
    run_id: RunId,
    suffix: Suffix,
    query: Annotated[PictureQuery, Query()],
) -> Response:
    """Draw the path of the weights on the cost surface, or list it as CSV."""
    check_suffix(request, suffix, SUFFIXES)
    if suffix == "csv":
        download = await run_in_threadpool(trajectory_csv, run_id, state.database)
        return await download_response(request, state, download, suffix)
    row = await run_in_threadpool(get_succeeded, "run", run_id, state.database)
    picture = trajectory_picture(row, query.to_options(), suffix, state.limits)
    return await picture_response(request, state, picture)


@router.get(
    "/v1/training-runs/{run_id}/trajectory",
    response_model=TrajectoryResponse,
    summary="Read a trajectory",
    responses=problem_responses(*STORE, CONFLICT, LIMIT),
)
async def get_trajectory(state: AppStateDep, run_id: RunId) -> OrjsonResponse:
    """Return the recorded weights and costs as columns."""
    return OrjsonResponse(
        await run_in_threadpool(
            encode_result(read_trajectory), run_id, state.database, state.limits
        )
    )
