"""Cost surfaces and the exact optimum."""

from math import isfinite, nan

import numpy as np

from service.engine.objective import CostSurface, cost_surface
from service.engine.optimum import Optimum
from service.errors import Invalid
from service.operations import work_estimates, writers
from service.operations.limits import Limits
from service.operations.resolve import ResolvedDataset
from service.schemas.common import NullableWeights, Range
from service.schemas.cost_surface import (
    CostGrid,
    CostSurfaceRequest,
    CostSurfaceResponse,
    GridMinimum,
    OptimumRequest,
    OptimumResponse,
)


def check(question: CostSurfaceRequest, samples: ResolvedDataset, allowed: Limits) -> None:
    """Refuse surfaces that would take too long; raises LimitExceeded."""
    for i, window in enumerate(question.windows):
        allowed.check_grid(window.resolution, f"/windows/{i}/resolution")
    n_weights = sum(window.resolution**2 for window in question.windows)
    seconds = work_estimates.evaluation_seconds(
        question.network.activation, samples.size, n_weights
    )
    allowed.check_work(seconds, "/windows")


def surfaces(question: CostSurfaceRequest, samples: ResolvedDataset) -> list[CostSurface]:
    """Compute the cost on the grid of every window."""
    objective = samples.objective(question.network.to_engine())
    return [
        cost_surface(
            objective,
            axis(window.w_in, window.resolution),
            axis(window.w_rec, window.resolution),
        )
        for window in question.windows
    ]


def axis(span: Range, resolution: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the grid points (resolution,) from the lower end to the upper, ends included."""
    return np.linspace(span.low, span.high, resolution)


def surfaces_answer(
    question: CostSurfaceRequest, samples: ResolvedDataset, allowed: Limits
) -> CostSurfaceResponse:
    """Answer with surfaces as JSON; raises LimitExceeded where that would be too long."""
    n_numbers = sum(window.resolution * (window.resolution + 2) for window in question.windows)
    allowed.check_json(n_numbers, "/windows", "lower the resolution, or ask for .npz")
    return CostSurfaceResponse(
        windows=[
            CostGrid(
                w_in=surface.w_in,
                w_rec=surface.w_rec,
                cost=surface.cost,
                minimum=_minimum(surface),
                n_overflowed=surface.n_overflowed,
            )
            for surface in surfaces(question, samples)
        ]
    )


def _minimum(surface: CostSurface) -> GridMinimum:
    """Return the lowest cost; where every one is beyond float64 none is known to be lowest."""
    known = isfinite(surface.minimum_cost)
    weights = NullableWeights.of(surface.minimum if known else (nan, nan))
    return GridMinimum(weights=weights, cost=surface.minimum_cost)


def archive(question: CostSurfaceRequest, samples: ResolvedDataset) -> bytes:
    """Write the surfaces' arrays, numbered by window, as npz; beyond float64 they hold inf."""
    arrays = {}
    for i, surface in enumerate(surfaces(question, samples)):
        arrays[f"w_in_{i}"] = surface.w_in
        arrays[f"w_rec_{i}"] = surface.w_rec
        arrays[f"cost_{i}"] = surface.cost
    return writers.npz(arrays)


def optimum_of(
    question: OptimumRequest, samples: ResolvedDataset, allowed: Limits
) -> OptimumResponse:
    """Find the exact optimum; raises Invalid for activations that have no such answer."""
    allowed.check_work(work_estimates.data_pass_seconds(samples.size), "/dataset")
    best = samples.objective(question.network.to_engine()).optimum
    if best is None:
        raise Invalid(
            "the exact optimum is known for the identity activation only", "/network/activation"
        )
    return optimum_answer(best)


def optimum_answer(best: Optimum) -> OptimumResponse:
    """Put the engine's optimum into its schema."""
    return OptimumResponse(
        weights=NullableWeights.of(best.weights),
        cost=best.cost,
        log10_cost=best.log10_cost,
        attained=best.attained,
        unique=best.unique,
        w_in_sign=best.w_in_sign,
        log10_abs_w_in=best.log10_abs_w_in,
    )
