"""The cost, gradient and trace that the page computes equal those of the service."""

from typing import Any

import httpx
import pytest

from tests.explorer.conftest import ModuleCaller

CASES = [
    ({"n_samples": 20, "n_steps": 10, "seed": 1}, 0.0),
    ({"n_samples": 7, "n_steps": 1, "seed": 3}, 2.0),
    ({"n_samples": 40, "n_steps": 25, "seed": 5, "noise": 0.3}, -1.5),
]
POINTS = [
    {"w_in": w_in, "w_rec": w_rec}
    for w_in, w_rec in [(-1.5, 2), (1, 1), (1, 0), (0, -2), (1, 0.5), (1.001, 0.9997), (2.5, -3)]
]


@pytest.mark.parametrize(("dataset", "initial_state"), CASES)
def test_cost_gradient_and_trace_equal_the_service(
    call_modules: ModuleCaller, api: httpx.Client, dataset: dict[str, Any], initial_state: float
) -> None:
    links = api.post("/v1/datasets", json=dataset).json()["links"]
    network = {"initial_state": initial_state}
    request = {"dataset": dataset, "network": network, "points": POINTS}
    expected = api.post("/v1/evaluate", json=request).json()["evaluations"]
    traces = api.post("/v1/gradient-trace", json=request).json()["traces"]
    computed = call_modules(
        ["model/datasets", "model/network"],
        """async ({ evaluate, parseDataset }, { csv, points, s0 }) => {
          const dataset = parseDataset((await (await fetch(csv)).text()).trim().split("\\n"));
          return points.map((point) => evaluate(dataset, point, s0));
        }""",
        {"csv": links["csv"], "points": POINTS, "s0": initial_state},
    )
    for ours, evaluation, trace in zip(computed, expected, traces, strict=True):
        assert ours["cost"] == pytest.approx(evaluation["cost"], rel=1e-9, abs=1e-25)
        size = max(1.0, *map(abs, ours["gradient"]))
        weight_gradient = pytest.approx(trace["weight_gradient"], rel=1e-9, abs=1e-11 * size)
        assert ours["weight_gradient"] == weight_gradient
        largest = evaluation["curvature"]["largest"]
        assert ours["curvature"]["largest"] == pytest.approx(largest, rel=1e-9)
        assert ours["gradient"] == pytest.approx(trace["gradient"], rel=1e-9, abs=1e-13 * size)
        assert ours["growth_per_step"] == trace["growth_per_step"]
        assert ours["regime"] == trace["regime"]
