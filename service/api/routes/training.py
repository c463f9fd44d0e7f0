"""The optimizers, and trajectories of training runs as JSON."""

from typing import Annotated

from fastapi import Request
from starlette.responses import Response

from service.api.dependencies import AppStateDep
from service.api.examples import RUN_ID
from service.api.openapi import ITEM
from service.api.parameters import id_path
from service.api.requests import make_router
from service.api.responses import CACHE_CONTROL, item_response, json_response
from service.operations.computations.training import read_trajectory
from service.schemas.optimizers import OPTIMIZER_LIST, OptimizerList
from service.schemas.training_runs import TrajectoryResponse

router = make_router("Training")


@router.get("/v1/optimizers", response_model=OptimizerList, responses=ITEM)
async def list_optimizers(request: Request) -> Response:
    """List the optimizers and their parameters.

    Return the name, the formula and the parameters of every optimizer.
    """
    return item_response(request, OPTIMIZER_LIST, {"Cache-Control": CACHE_CONTROL})


@router.get("/v1/training-runs/{run_id}/trajectory", response_model=TrajectoryResponse)
def get_trajectory(state: AppStateDep, run_id: Annotated[str, id_path(RUN_ID)]) -> Response:
    """Read a trajectory.

    Return the recorded weights and costs as columns.
    """
    return json_response(read_trajectory(run_id, state.database, state.limits))
