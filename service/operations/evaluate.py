"""Evaluate the network at given weights: the cost, its gradient and curvature, the outputs."""

from math import isfinite, isnan, nan

import numpy as np

from service.engine.network import curvatures, final_outputs
from service.engine.objective import Objective
from service.engine.types import Weights
from service.operations.limits import Limits
from service.operations.work_estimates import data_pass_seconds, network_seconds
from service.schemas.common import Evaluation
from service.schemas.evaluate import EvaluateRequest, EvaluateResponse
from service.schemas.resolved_datasets import ResolvedDataset


def estimate_evaluations(
    request: EvaluateRequest, dataset: ResolvedDataset, _limits: Limits
) -> float:
    """Return the estimated seconds of all points."""
    size, n_points = dataset.size, len(request.points)
    return data_pass_seconds(size) + network_seconds(size, 8 * n_points)


def evaluate(
    request: EvaluateRequest, dataset: ResolvedDataset, limits: Limits
) -> EvaluateResponse:
    """Return cost, gradient, curvature and outputs at every point; raises LimitExceeded."""
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
    """Return the evaluation of weights whose cost is known."""
    # Python's floats: numpy's would warn when a gradient overflows.
    gradient: tuple[float, float] = (nan, nan)
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
            "weight_gradient": gradient,
        }
    )
