"""Evaluate the network at given weights: the cost, its gradient and the outputs."""

from math import isfinite, nan
from typing import Any

import numpy as np

from service.engine.network import final_outputs
from service.engine.objective import Objective
from service.engine.types import Weights
from service.operations.limits import Limits
from service.operations.resolve import resolve_dataset
from service.operations.work_estimates import (
    DatasetSize,
    backpropagation_seconds,
    data_pass_seconds,
)
from service.schemas.common import NullableWeights
from service.schemas.evaluate import EvaluateRequest, EvaluateResponse, PointEvaluation
from service.store.database import Database


def estimate_evaluations(request: EvaluateRequest, size: DatasetSize, limits: Limits) -> float:
    """Return the estimated seconds of all points; raises LimitExceeded if they are too many."""
    n_points, activation = len(request.points), request.network.activation
    seconds = data_pass_seconds(size) + backpropagation_seconds(activation, size, n_points)
    limits.check_work(seconds, "/points")
    return seconds


def evaluate(request: EvaluateRequest, database: Database, limits: Limits) -> EvaluateResponse:
    """Return the cost, its gradient and the outputs at every point of a request.

    Raises
    ------
    LimitExceeded
        The outputs are too many numbers for JSON.
    NotFound
        The dataset is not stored.
    """
    dataset = resolve_dataset(request.dataset, database, limits)
    n_outputs = dataset.size.n_samples * len(request.points)
    limits.check_json(n_outputs, "/points", "request fewer points")
    network = request.network.to_engine()
    objective = dataset.objective(network)
    points = [point.to_engine() for point in request.points]
    w_in, w_rec = np.array(points).T
    costs = objective.costs(w_in, w_rec)
    log10_costs = objective.log10_costs(w_in, w_rec, costs)
    evaluations = [
        PointEvaluation(
            **evaluation_fields(objective, point, cost, log10_cost),
            outputs=final_outputs(dataset.dataset.inputs, *point, network),
        )
        for point, cost, log10_cost in zip(
            points, costs.tolist(), log10_costs.tolist(), strict=True
        )
    ]
    return EvaluateResponse(evaluations=evaluations)


def evaluation_fields(
    objective: Objective, weights: Weights, cost: float, log10_cost: float
) -> dict[str, Any]:
    """Return the fields of an ``Evaluation`` of weights whose cost is known."""
    gradient: tuple[float, float] = (nan, nan)
    if all(map(isfinite, weights)):
        gradient = objective.gradient(*weights)
        if not all(map(isfinite, gradient)):
            by_w_in, by_w_rec = objective.extended_gradients(*np.array(weights)[:, None])
            gradient = by_w_in.value().item(), by_w_rec.value().item()
    return {
        "weights": NullableWeights.of(weights),
        "cost": cost,
        "log10_cost": log10_cost,
        "weight_gradient": NullableWeights.of(gradient),
    }
