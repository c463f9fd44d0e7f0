"""Trace gradients back through time, and check a gradient by finite differences."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.engine import network
from service.engine.network import Trace
from service.engine.types import Weights
from service.formats import CSV
from service.operations.questions.question import Question
from service.operations.shared.downloads import Download, computed_file
from service.operations.shared.ids import canonical_request
from service.operations.shared.limits import Limits, check_seconds
from service.operations.shared.resolve import load_data
from service.operations.shared.work_estimates import network_seconds
from service.rendering.requests import TracePictureRequest
from service.schemas.gradients import (
    GradientCheckRequest,
    GradientCheckResponse,
    GradientTrace,
    GradientTraceRequest,
    GradientTraceResponse,
)
from service.schemas.resolved_datasets import ResolvedDataset


def estimate_traces(request: GradientTraceRequest, dataset: ResolvedDataset, _: Limits) -> float:
    """Return the estimated seconds of all traces."""
    # Exponents of any size take about twelve times as long.
    return network_seconds(dataset.size, 36 * len(request.points))


def trace_gradients(
    request: GradientTraceRequest, dataset: ResolvedDataset, limits: Limits
) -> GradientTraceResponse:
    """Trace gradients through time.

    Return the derivative of the cost with respect to every state, at every point.
    """
    n_numbers = 3 * (dataset.size.n_steps + 1) * len(request.points)
    limits.check_json(n_numbers, "/points", "request fewer points, or .csv")
    traces = [
        GradientTrace.model_validate(
            vars(trace) | {"point": point, "weight_gradient": Weights(*trace.weight_gradient)}
        )
        for point, trace in zip(request.points, _trace(request, dataset), strict=True)
    ]
    return GradientTraceResponse(traces=traces)


def trace_csv(request: GradientTraceRequest, dataset: ResolvedDataset, limits: Limits) -> Download:
    """Return the traces of a request as a CSV table with one row per point and step."""
    seconds = estimate_traces(request, dataset, limits)
    seconds += 3 * CSV.writing_seconds * len(request.points) * (dataset.size.n_steps + 1)
    columns = partial(_columns, request, dataset)
    return computed_file("gradient-trace.csv", canonical_request(request), seconds, columns)


def draw_traces(
    request: GradientTraceRequest,
    dataset: ResolvedDataset,
    limits: Limits,
    common: dict[str, Any],
    *_: Any,
) -> TracePictureRequest:
    """Draw gradients through time.

    Draw the gradients at every point back through time, or list them as CSV.
    """
    seconds = estimate_traces(request, dataset, limits)
    check_seconds(seconds, limits.max_picture_seconds, "for a picture", "/points")
    return TracePictureRequest(trace=request, data=load_data(dataset), **common)


def check_gradient(
    request: GradientCheckRequest, dataset: ResolvedDataset, _: Limits
) -> GradientCheckResponse:
    """Check a gradient.

    Compare backpropagation through time with central differences of the cost.
    """
    check = network.check_gradient(
        dataset.dataset.inputs,
        dataset.dataset.targets,
        request.weights.to_weights(),
        request.network.to_network(),
        request.step,
    )
    gradients = {"analytic": Weights(*check.analytic), "numeric": Weights(*check.numeric)}
    return GradientCheckResponse.model_validate(check._asdict() | gradients)


def _trace(request: GradientTraceRequest, dataset: ResolvedDataset) -> list[Trace]:
    return [
        network.trace_gradient(
            dataset.dataset.inputs,
            dataset.dataset.targets,
            point.to_weights(),
            request.network.to_network(),
            request.aggregation,
        )
        for point in request.points
    ]


def _columns(request: GradientTraceRequest, dataset: ResolvedDataset) -> dict[str, NDArray[Any]]:
    """Return all traces as columns of one long table."""
    traces = _trace(request, dataset)
    n_states = dataset.size.n_steps + 1
    return {
        "w_in": np.repeat([point.w_in for point in request.points], n_states),
        "w_rec": np.repeat([point.w_rec for point in request.points], n_states),
        "k": np.tile(np.arange(n_states), len(traces)),
        "gradient": np.concatenate([trace.gradient for trace in traces]),
        "log10_magnitude": np.concatenate([trace.log10_magnitude for trace in traces]),
        "sign": np.concatenate([trace.sign for trace in traces]).astype(np.int64),
    }


GRADIENT_TRACE = Question(
    path="/v1/gradient-trace",
    tag="Gradients",
    compute=trace_gradients,
    estimate=estimate_traces,
    reducible="points",
    tables={"csv": trace_csv},
    draw=draw_traces,
    picture_size=(760, 440),
    by_query=True,
)

GRADIENT_CHECK = Question(
    path="/v1/gradient-check",
    tag="Gradients",
    compute=check_gradient,
    estimate=lambda _, dataset, __: network_seconds(dataset.size, 7),
)
