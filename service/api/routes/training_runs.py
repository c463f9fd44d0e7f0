"""Training runs and their trajectories."""

from typing import Annotated

from fastapi.concurrency import run_in_threadpool

from service.api.dependencies import AppStateDep
from service.api.errors import CONFLICT, LIMIT
from service.api.examples import RUN_ID
from service.api.openapi import STORE, problem_responses
from service.api.pictures import id_path
from service.api.requests import make_router
from service.api.responses import OrjsonResponse
from service.api.routes.computations import ComputationRoutes
from service.operations.pictures import trajectory_picture
from service.operations.training import TRAINING_RUN, read_trajectory, trajectory_csv
from service.schemas.training_runs import TrainingRunPage, TrajectoryResponse

router = make_router("Training")

RunId = Annotated[str, id_path(RUN_ID)]

routes = ComputationRoutes(router, TRAINING_RUN, TrainingRunPage)
routes.add_create(
    "train",
    "Train the network",
    "Train from the initial weights, and return how the training ended.",
)
routes.add_others()
routes.add_file(
    name="trajectory",
    path="/trajectory",
    summary="Draw or download a trajectory",
    description="Draw the path of the weights on the cost surface, or list it as CSV.",
    draw=trajectory_picture,
    table="csv",
    download=trajectory_csv,
)


@router.get(
    "/v1/training-runs/{run_id}/trajectory",
    response_model=TrajectoryResponse,
    summary="Read a trajectory",
    responses=problem_responses(*STORE, CONFLICT, LIMIT),
)
async def get_trajectory(state: AppStateDep, run_id: RunId) -> OrjsonResponse:
    """Return the recorded weights and costs as columns."""
    return OrjsonResponse(
        await run_in_threadpool(read_trajectory, run_id, state.database, state.limits)
    )
