"""Compute cost surfaces on grids of weights."""

from functools import partial
from math import isfinite, nan
from typing import BinaryIO

import numpy as np

from service.engine.objective import CostSurface, cost_surface
from service.engine.types import Array
from service.formats import NPZ, write_npz
from service.operations.downloads import Download, request_etag
from service.operations.limits import Limits
from service.operations.work_estimates import surface_seconds
from service.schemas.common import Range
from service.schemas.cost_surface import (
    JSON_RESOLUTION,
    NPZ_RESOLUTION,
    CostGrid,
    CostSurfaceRequest,
    CostSurfaceResponse,
)
from service.schemas.resolved_datasets import ResolvedDataset
from service.store.array_codec import ArrayStream


def estimate_surfaces(
    request: CostSurfaceRequest, dataset: ResolvedDataset, limits: Limits
) -> float:
    """Return the estimated seconds of all grids; raises LimitExceeded for one that is too fine."""
    request = request.at_resolution(JSON_RESOLUTION)
    for i, window in enumerate(request.windows):
        limits.check_grid(window.n_points, f"/windows/{i}/resolution")
    n_weights = sum(window.n_points**2 for window in request.windows)
    return surface_seconds(request.network.activation, dataset.size, n_weights)


def compute_surfaces(
    request: CostSurfaceRequest, dataset: ResolvedDataset, limits: Limits
) -> CostSurfaceResponse:
    """Compute the cost on the grid of every window; raises LimitExceeded."""
    request = request.at_resolution(JSON_RESOLUTION)
    n_numbers = sum(window.n_points * (window.n_points + 2) for window in request.windows)
    limits.check_json(n_numbers, "/windows/0/resolution", "lower the resolution, or request .npz")
    return CostSurfaceResponse(
        windows=[_describe(surface) for surface in _compute(request, dataset)]
    )


def surfaces_npz(request: CostSurfaceRequest, dataset: ResolvedDataset, limits: Limits) -> Download:
    """Return the arrays of all windows, numbered, as an npz archive; an overflow is inf there."""
    request = request.at_resolution(NPZ_RESOLUTION)
    seconds = estimate_surfaces(request, dataset, limits)
    seconds += NPZ.writing_seconds * sum(window.n_points**2 for window in request.windows)
    etag = request_etag("cost-surface.npz", request)
    return Download(etag, seconds, partial(_write_npz, request, dataset))


def axis(span: Range, resolution: int) -> Array:
    """Return the points of a grid along one axis (resolution,), both ends included."""
    return np.linspace(span.low, span.high, resolution)


def _compute(request: CostSurfaceRequest, dataset: ResolvedDataset) -> list[CostSurface]:
    objective = dataset.objective(request.network.to_network())
    return [
        cost_surface(
            objective,
            axis(window.w_in, window.n_points),
            axis(window.w_rec, window.n_points),
        )
        for window in request.windows
    ]


def _describe(surface: CostSurface) -> CostGrid:
    # Where every cost overflows, none is known to be the lowest.
    weights = surface.minimum if isfinite(surface.minimum_cost) else (nan, nan)
    minimum = {"weights": weights, "cost": surface.minimum_cost}
    return CostGrid.model_validate({**surface._asdict(), "minimum": minimum})


def _write_npz(request: CostSurfaceRequest, dataset: ResolvedDataset, file: BinaryIO) -> None:
    arrays = {}
    for i, surface in enumerate(_compute(request, dataset)):
        arrays[f"w_in_{i}"] = surface.w_in
        arrays[f"w_rec_{i}"] = surface.w_rec
        arrays[f"cost_{i}"] = surface.cost
    write_npz({name: ArrayStream.of(array) for name, array in arrays.items()}, file)
