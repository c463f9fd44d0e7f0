"""Trace gradients back through time, and check a gradient by differences."""

from functools import partial
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from service.engine import network
from service.engine.network import Trace
from service.formats import CSV, write_csv
from service.operations.downloads import Download, request_etag
from service.operations.limits import Limits
from service.operations.work_estimates import network_seconds
from service.schemas.gradient_check import GradientCheckRequest, GradientCheckResponse
from service.schemas.gradient_trace import (
    GradientTrace,
    GradientTraceRequest,
    GradientTraceResponse,
)
from service.schemas.resolved_datasets import ResolvedDataset
from service.store.array_codec import ArrayStream


def estimate_traces(
    request: GradientTraceRequest, dataset: ResolvedDataset, _limits: Limits
) -> float:
    """Return the estimated seconds of all traces."""
    # Exponents of any size take about twelve times as long.
    return network_seconds(dataset.size, 36 * len(request.points))


def trace_gradients(
    request: GradientTraceRequest, dataset: ResolvedDataset, limits: Limits
) -> GradientTraceResponse:
    """Trace the gradient at every point of a request; raises LimitExceeded."""
    n_numbers = 3 * (dataset.size.n_steps + 1) * len(request.points)
    limits.check_json(n_numbers, "/points", "request fewer points, or .csv")
    traces = [
        GradientTrace.model_validate({"point": point.to_weights(), **vars(trace)})
        for point, trace in zip(request.points, _trace(request, dataset), strict=True)
    ]
    return GradientTraceResponse(traces=traces)


def trace_csv(request: GradientTraceRequest, dataset: ResolvedDataset, limits: Limits) -> Download:
    """Return the traces of a request as a CSV table with one row per point and step."""
    seconds = estimate_traces(request, dataset, limits)
    seconds += 3 * CSV.writing_seconds * len(request.points) * (dataset.size.n_steps + 1)
    etag = request_etag("gradient-trace.csv", request)
    return Download(etag, seconds, partial(_write_csv, request, dataset))


def estimate_check(
    _request: GradientCheckRequest, dataset: ResolvedDataset, _limits: Limits
) -> float:
    """Return the estimated seconds of a comparison."""
    return network_seconds(dataset.size, 7)


def check_gradient(
    request: GradientCheckRequest, dataset: ResolvedDataset, _limits: Limits
) -> GradientCheckResponse:
    """Compare backpropagation with central differences of the cost."""
    check = network.check_gradient(
        dataset.dataset.inputs,
        dataset.dataset.targets,
        request.weights.to_weights(),
        request.network.to_network(),
        request.step,
    )
    return GradientCheckResponse.model_validate(check)


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


def _write_csv(request: GradientTraceRequest, dataset: ResolvedDataset, file: BinaryIO) -> None:
    columns = _columns(request, dataset)
    write_csv({name: ArrayStream.of(column) for name, column in columns.items()}, file)


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
