"""The cost, gradient and trace that the page computes equal those of the service."""

from typing import Any

import httpx
import numpy as np
import pytest

from service.engine.data import Dataset, count_ones
from service.engine.network import Network
from service.engine.objective import make_objective
from tests.explorer.conftest import ModuleCaller

DATA = [
    {"n_samples": 20, "n_steps": 10, "seed": 1, "noise": 0.0, "initial_state": 0.0},
    {"n_samples": 7, "n_steps": 1, "seed": 3, "noise": 0.0, "initial_state": 2.0},
    {"n_samples": 40, "n_steps": 25, "seed": 5, "noise": 0.3, "initial_state": -1.5},
]
POINTS = [
    (-1.5, 2.0),
    (1.0, 1.0),
    (1.0, 0.0),
    (0.0, -2.0),
    (1.0, 0.5),
    (1.001, 0.9997),
    (2.5, -3.0),
]


def split(data: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the dataset and the network as the API takes them."""
    network = {"activation": "identity", "initial_state": data["initial_state"]}
    return {k: v for k, v in data.items() if k != "initial_state"}, network


@pytest.mark.parametrize("data", DATA)
def test_cost_gradient_and_trace_equal_the_service(
    call_modules: ModuleCaller, api: httpx.Client, data: dict[str, Any]
) -> None:
    dataset, network = split(data)
    links = api.post("/v1/datasets", json=dataset).json()["links"]
    points = [{"w_in": w_in, "w_rec": w_rec} for w_in, w_rec in POINTS]
    request = {"dataset": dataset, "network": network}
    traces = api.post("/v1/gradient-trace", json={**request, "points": points}).json()["traces"]
    evaluations = call_modules(
        ["model/datasets", "model/network"],
        """async ({ evaluate, parseDataset }, { csv, points, s0 }) => {
          const dataset = parseDataset((await (await fetch(csv)).text()).trim().split("\\n"));
          return points.map((point) => evaluate(dataset, point, s0));
        }""",
        {"csv": links["csv"], "points": points, "s0": data["initial_state"]},
    )
    for point, evaluation, trace in zip(points, evaluations, traces, strict=True):
        run = {**request, "initial_weights": point, "n_iterations": 0, "keep": False}
        initial = api.post("/v1/training-runs", json=run).json()["initial"]
        assert evaluation["cost"] == pytest.approx(initial["cost"], rel=1e-9, abs=1e-25)
        size = max(1.0, *map(abs, evaluation["gradient"]))
        for weight in ("w_in", "w_rec"):
            assert evaluation["weight_gradient"][weight] == pytest.approx(
                trace["weight_gradient"][weight], rel=1e-9, abs=1e-11 * size
            )
        gradient = pytest.approx(trace["gradient"], rel=1e-9, abs=1e-13 * size)
        assert evaluation["gradient"] == gradient
        assert evaluation["growth_per_step"] == trace["growth_per_step"]
        assert evaluation["regime"] == trace["regime"]


@pytest.mark.parametrize("data", DATA)
def test_rows_of_costs_and_slopes_equal_the_engine(
    call_modules: ModuleCaller, data: dict[str, Any]
) -> None:
    dataset, _ = split(data)
    inputs, targets = count_ones(**dataset)
    network = Network(initial_state=data["initial_state"])
    objective = make_objective(Dataset.from_arrays(inputs, targets), network)
    w_in, w_rec = np.linspace(-3, 3, 13), np.linspace(-2.5, 2.5, 11)
    rows = call_modules(
        ["model/costs"],
        """({ makeExactCosts, makeRow }, { inputs, targets, s0, w_rec }) => {
          const rows = inputs.map((row) => Float64Array.from(row));
          const costs = makeExactCosts({ inputs: rows, targets }, s0);
          return w_rec.map((w) => {
            const row = makeRow(13);
            costs.fill(w, -3, 0.5, row);
            return [row.values, row.by_w_in, row.by_w_rec];
          });
        }""",
        {
            "inputs": inputs.tolist(),
            "targets": targets.tolist(),
            "s0": data["initial_state"],
            "w_rec": w_rec.tolist(),
        },
    )
    costs, by_w_in, by_w_rec = np.moveaxis(np.array(rows, dtype=float), 1, 0)
    expected = objective.costs(w_in[None, :], w_rec[:, None])
    np.testing.assert_allclose(costs, expected, rtol=1e-9, atol=1e-11)
    points = [each.ravel() for each in np.meshgrid(w_in, w_rec)]
    slopes = [each.reshape(expected.shape) for each in objective.gradients(*points)]
    atol = 1e-13 * np.abs(expected).max()
    np.testing.assert_allclose(by_w_in, slopes[0], rtol=1e-9, atol=atol)
    np.testing.assert_allclose(by_w_rec, slopes[1], rtol=1e-9, atol=atol)
