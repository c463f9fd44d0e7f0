"""Every valid request succeeds, without exceptions, warnings or negative costs."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from service.engine.network import ACTIVATIONS
from service.operations.questions import costs, gradients
from service.operations.shared.limits import Limits
from service.schemas.base import encode
from service.schemas.costs import CostSurfaceRequest
from service.schemas.gradients import GradientTraceRequest

NUMBER = st.sampled_from([0.0, 1.0, -1.0, 0.5, 1e-100, 1e100]) | st.floats(-3, 3).map(
    lambda x: x if abs(x) > 1e-100 else 0.0
)
WEIGHT = st.sampled_from([0.0, 1.0, -1.0, 5e-324, 1e-300, 1e300, -1e300, 1.7e308]) | st.floats(
    -3, 3
)
WEIGHTS = st.fixed_dictionaries({"w_in": WEIGHT, "w_rec": WEIGHT})
NETWORK = st.fixed_dictionaries(
    {"activation": st.sampled_from(sorted(ACTIVATIONS)), "initial_state": NUMBER}
)
COUNT_ONES = st.fixed_dictionaries(
    {
        "kind": st.just("count_ones"),
        "n_samples": st.integers(1, 4),
        "n_steps": st.sampled_from([1, 2, 10, 600]),
        "noise": st.sampled_from([0.0, 0.5]),
    }
)
EXPLICIT = st.integers(1, 5).flatmap(
    lambda n_steps: st.lists(
        st.tuples(st.lists(NUMBER, min_size=n_steps, max_size=n_steps), NUMBER),
        min_size=1,
        max_size=3,
    ).map(
        lambda rows: {
            "kind": "explicit",
            "inputs": [row for row, _ in rows],
            "targets": [target for _, target in rows],
        }
    )
)
DATASET = COUNT_ONES | EXPLICIT


def window(low: float, high: float) -> dict[str, float]:
    low, high = min(low, high), max(low, high)
    return {"low": low, "high": high if high > low + 1e-9 else low + 1.0 + abs(low)}


WINDOW = st.builds(
    lambda a, b, c, d: {"w_in": window(a, b), "w_rec": window(c, d), "resolution": 4},
    *[st.floats(-1e3, 1e3)] * 4,
)


@given(DATASET, NETWORK, WINDOW)
@settings(max_examples=60)
def test_surfaces(dataset: Any, network: Any, window: Any) -> None:
    request = CostSurfaceRequest.model_validate(
        {"dataset": dataset, "network": network, "windows": [window]}
    )
    (surface,) = costs.compute_cost_surface(request, request.dataset.resolve(), Limits()).windows
    assert (surface.cost >= 0.0).all()  # true for inf, false for nan


@given(DATASET, NETWORK, WEIGHTS, st.sampled_from(["sum", "tutorial"]))
@settings(max_examples=100)
def test_traces(dataset: Any, network: Any, weights: Any, aggregation: str) -> None:
    request = GradientTraceRequest.model_validate(
        {"dataset": dataset, "network": network, "points": [weights], "aggregation": aggregation}
    )
    response = gradients.trace_gradients(request, request.dataset.resolve(), Limits())
    encode(response)
    (trace,) = response.traces
    # Only a true zero has neither a sign nor a logarithm.
    assert (np.isfinite(trace.log10_magnitude) == (trace.sign != 0.0)).all()
