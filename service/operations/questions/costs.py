"""The cost at given weights, on grids of weights, and at its exact optimum."""

from functools import partial
from math import isfinite, isnan, nan
from typing import Any

import numpy as np

from service import store
from service.engine.network import curvatures, final_outputs
from service.engine.objective import Objective
from service.engine.types import Array, Weights
from service.errors import Invalid
from service.formats import NPZ, write_npz
from service.operations.questions.question import Question
from service.operations.shared.approximations import choose_approximations
from service.operations.shared.downloads import Download, computed_file
from service.operations.shared.ids import canonical_request
from service.operations.shared.limits import Limits
from service.operations.shared.resolve import get_succeeded, load_data
from service.operations.shared.work_estimates import (
    data_pass_seconds,
    network_seconds,
    surface_seconds,
)
from service.rendering.requests import (
    RunPath,
    SurfacePictureRequest,
    trajectory_weights,
)
from service.schemas.common import Evaluation, Range
from service.schemas.costs import (
    JSON_RESOLUTION,
    NPZ_RESOLUTION,
    CostGrid,
    CostSurfacePictureRequest,
    CostSurfaceRequest,
    CostSurfaceResponse,
    EvaluateRequest,
    EvaluateResponse,
    OptimumRequest,
    OptimumResponse,
)
from service.schemas.resolved_datasets import ResolvedDataset


def estimate_evaluations(request: EvaluateRequest, dataset: ResolvedDataset, _: Limits) -> float:
    """Return the estimated seconds of all points."""
    size, n_points = dataset.size, len(request.points)
    return data_pass_seconds(size) + network_seconds(size, 8 * n_points)


def evaluate(
    request: EvaluateRequest, dataset: ResolvedDataset, limits: Limits
) -> EvaluateResponse:
    """Evaluate the cost at given weights.

    Return the cost, its gradient and curvature, and the outputs at every point of a request.
    """
    n_outputs = dataset.size.n_samples * len(request.points)
    limits.check_json(n_outputs, "/points", "request fewer points")
    network = request.network.to_network()
    objective = dataset.objective(network)
    points = [point.to_weights() for point in request.points]
    w_in, w_rec = np.array(points).T
    costs = objective.costs(w_in, w_rec)
    log10_costs = objective.log10_costs(w_in, w_rec, costs)
    inputs, targets = dataset.dataset.inputs, dataset.dataset.targets
    eigenvalues = curvatures(inputs, targets, w_in, w_rec, network).tolist()
    evaluations = [
        {
            **vars(evaluate_point(objective, point, cost, log10_cost)),
            "curvature": None if isnan(low) else {"smallest": low, "largest": high},
            "outputs": final_outputs(inputs, *point, network),
        }
        for point, cost, log10_cost, (low, high) in zip(
            points, costs.tolist(), log10_costs.tolist(), eigenvalues, strict=True
        )
    ]
    return EvaluateResponse.model_validate({"evaluations": evaluations})


def evaluate_point(
    objective: Objective, weights: Weights, cost: float, log10_cost: float
) -> Evaluation:
    """Return the evaluation of weights with a given cost."""
    # Python's floats: numpy's would warn when a gradient overflows.
    gradient = nan, nan
    if all(map(isfinite, weights)):
        gradient = objective.gradient(*weights)
        if not all(map(isfinite, gradient)):
            by_w_in, by_w_rec = objective.extended_gradients(*np.array(weights)[:, None])
            gradient = by_w_in.value().item(), by_w_rec.value().item()
    return Evaluation.model_validate(
        {
            "weights": weights,
            "cost": cost,
            "log10_cost": log10_cost,
            "weight_gradient": Weights(*gradient),
        }
    )


def estimate_surfaces(
    request: CostSurfaceRequest,
    dataset: ResolvedDataset,
    limits: Limits,
    default: int = JSON_RESOLUTION,
) -> float:
    """Return the estimated seconds of all grids; raises LimitExceeded for one that is too fine."""
    resolutions = request.resolutions(default)
    for i, resolution in enumerate(resolutions):
        limits.check_grid(resolution, f"/windows/{i}/resolution")
    n_weights = sum(resolution**2 for resolution in resolutions)
    return surface_seconds(request.network.activation, dataset.size, n_weights)


def compute_cost_surface(
    request: CostSurfaceRequest, dataset: ResolvedDataset, limits: Limits
) -> CostSurfaceResponse:
    """Compute cost surfaces.

    Return the cost on a grid of weights. Rows are w_rec, columns are w_in.
    """
    n_numbers = sum(n * (n + 2) for n in request.resolutions(JSON_RESOLUTION))
    limits.check_json(n_numbers, "/windows/0/resolution", "lower the resolution, or request .npz")
    surfaces = _compute(request, dataset, JSON_RESOLUTION)
    return CostSurfaceResponse(windows=[*map(_describe, surfaces)])


def surfaces_npz(request: CostSurfaceRequest, dataset: ResolvedDataset, limits: Limits) -> Download:
    """Compute cost surfaces, as an archive.

    Return the cost on a grid of weights. Rows are w_rec, columns are w_in. The arrays of the
    archive are w_in_0, w_rec_0, cost_0, and so on for each window. An overflow is inf.
    """
    seconds = estimate_surfaces(request, dataset, limits, NPZ_RESOLUTION)
    n_numbers = sum(n**2 for n in request.resolutions(NPZ_RESOLUTION))
    seconds += NPZ.writing_seconds * n_numbers
    arrays = partial(_number_arrays, request, dataset)
    content = canonical_request(request)
    return computed_file("cost-surface.npz", content, seconds, arrays, write_npz)


def draw_surfaces(
    request: CostSurfacePictureRequest,
    dataset: ResolvedDataset,
    _: Limits,
    common: dict[str, Any],
    database: "store.Database",
) -> SurfacePictureRequest:
    """Draw cost surfaces.

    Draw the cost over the weights, computed at every pixel.

    If every pixel would take too long, the picture interpolates between pixels, or uses fewer
    sequences, and is labeled as approximate, also in its metadata. The size of the work determines
    this. A picture that is coarser still, because the server is slow, has a weak ETag and is not
    cached.
    """
    if request.marks and not request.network.to_network().is_linear:
        detail = "the optimum and the valley are available for the identity activation only"
        raise Invalid(detail, "/marks")
    paths = [load_run_path(run_id, database) for run_id in request.runs]
    return SurfacePictureRequest(
        surface=request,
        data=load_data(dataset),
        paths=paths,
        approximations=choose_approximations(request.network.activation, dataset.size, common),
        **common,
    )


def load_run_path(run_id: str, database: "store.Database") -> RunPath:
    """Return the path of a stored run; raises NotFound or Conflict."""
    row = get_succeeded("run", run_id, database)
    columns = store.arrays.load(database, row.id)
    return RunPath(row.request, trajectory_weights(columns))


def axis(span: Range, resolution: int) -> Array:
    """Return the points of a grid along one axis (resolution,), both ends included."""
    return np.linspace(span.low, span.high, resolution)


def _compute(
    request: CostSurfaceRequest, dataset: ResolvedDataset, default: int
) -> list[dict[str, Array]]:
    """Return for each window w_in (nx,), w_rec (ny,) and the costs (ny, nx)."""
    objective = dataset.objective(request.network.to_network())
    surfaces = []
    for window, n in zip(request.windows, request.resolutions(default), strict=True):
        w_in, w_rec = axis(window.w_in, n), axis(window.w_rec, n)
        cost = objective.costs(w_in[None, :], w_rec[:, None])
        surfaces.append({"w_in": w_in, "w_rec": w_rec, "cost": cost})
    return surfaces


def _describe(surface: dict[str, Array]) -> CostGrid:
    w_in, w_rec, cost = surface.values()
    row, column = divmod(int(cost.argmin()), w_in.size)
    lowest = float(cost[row, column])
    # If every cost overflows, the lowest is unknown.
    weights = (float(w_in[column]), float(w_rec[row])) if isfinite(lowest) else (nan, nan)
    minimum = {"weights": Weights(*weights), "cost": lowest}
    n_overflowed = int(np.count_nonzero(np.isinf(cost)))
    return CostGrid.model_validate({**surface, "minimum": minimum, "n_overflowed": n_overflowed})


def _number_arrays(request: CostSurfaceRequest, dataset: ResolvedDataset) -> dict[str, Array]:
    return {
        f"{name}_{i}": numbers
        for i, surface in enumerate(_compute(request, dataset, NPZ_RESOLUTION))
        for name, numbers in surface.items()
    }


def find_optimum(request: OptimumRequest, dataset: ResolvedDataset, _: Limits) -> OptimumResponse:
    """Find the exact optimum.

    Return the global minimum of the cost for the identity activation, without iterations.
    """
    best = dataset.objective(request.network.to_network()).optimum
    if best is None:
        detail = "the exact optimum is available for the identity activation only"
        raise Invalid(detail, "/network/activation")
    return OptimumResponse.model_validate(best)


EVALUATE = Question(
    path="/v1/evaluate",
    tag="Prediction",
    compute=evaluate,
    estimate=estimate_evaluations,
    reducible="points",
)

COST_SURFACE = Question(
    path="/v1/cost-surface",
    tag="Cost surface",
    compute=compute_cost_surface,
    estimate=estimate_surfaces,
    reducible="windows",
    tables={"npz": surfaces_npz},
    draw=draw_surfaces,
    picture_size=(1000, 400),
    picture_model=CostSurfacePictureRequest,
    by_query=True,
)

OPTIMUM = Question(
    path="/v1/optimum",
    tag="Cost surface",
    compute=find_optimum,
    estimate=lambda _, dataset, __: data_pass_seconds(dataset.size),
)
