"""The numbers of the page: how they are computed, written, and turned into ticks and colors."""

import io
import re
from typing import Any

import httpx
import numpy as np
import pytest

from service.api.routes.explorer import FOLDER
from service.engine.data import Dataset, count_ones
from service.engine.network import Network
from service.engine.objective import make_objective
from service.figures.style import THEMES
from tests.explorer.conftest import ModuleCaller


def channels(color: str) -> Any:
    return np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)])


def test_runs_have_the_colors_of_pictures_and_not_those_of_the_gradient_or_the_state() -> None:
    css = (FOLDER / "css" / "base.css").read_text()
    colors = dict(re.findall(r"--(state|gradient): light-dark\((#\w{6}), #\w{6}\);", css))
    runs = re.findall(r"\.series-\d { --series: light-dark\((#\w{6}), (#\w{6})\); }", css)
    for theme, shown in zip(THEMES.values(), zip(*runs, strict=True), strict=True):
        assert shown == theme.series
    for meaning in ("gradient", "state"):
        for color, _ in runs:
            difference = channels(color) - channels(colors[meaning])
            assert np.abs(difference).max() > 48


def test_each_pixel_has_the_color_of_its_cost(call_modules: ModuleCaller) -> None:
    inputs, targets = count_ones()
    size = 60
    plain, lined, bands, colors = call_modules(
        ["model/network", "charts/heatmap", "charts/color_bands"],
        """({ makeExactCosts, sampleBands, paint, bandColors }, { inputs, targets, size }) => {
          const rows = inputs.map((row) => Float64Array.from(row));
          const costs = makeExactCosts({ inputs: rows, targets }, 0);
          const view = [-3, 3, -3, 3];
          const bands = sampleBands(costs, view);
          const images = [0, 1].map((line_width) => {
            const image = new ImageData(size, size);
            paint(image, costs, view, bands, line_width);
            return [...image.data];
          });
          return [...images, bands, bandColors(bands.edges.length - 1)];
        }""",
        {"inputs": inputs.tolist(), "targets": targets.tolist(), "size": size},
    )
    centers = (np.arange(size) + 0.5) / size * 6 - 3
    objective = make_objective(Dataset.from_arrays(inputs, targets), Network())
    log10_costs = objective.log10_costs(centers[None, :], centers[::-1, None])
    inner = np.array(bands["edges"][1:-1])
    expected = np.array(colors)[np.searchsorted(inner, log10_costs, side="right")]
    plain, lined = (np.array(image).reshape(size, size, 4) for image in (plain, lined))
    np.testing.assert_array_equal(plain[..., :3], expected)
    assert (plain[..., 3] == 255).all()
    # Contours only lighten, and there are few of them.
    assert (lined >= plain).all()
    assert 0.02 < (lined != plain).any(axis=2).mean() < 0.3


def test_the_labels_of_the_contours_are_on_them(call_node: ModuleCaller) -> None:
    inputs, targets = count_ones()
    labels = call_node(
        ["model/network", "charts/heatmap"],
        """({ makeExactCosts, sampleBands, placeLabels }, { inputs, targets }) => {
          const rows = inputs.map((row) => Float64Array.from(row));
          const costs = makeExactCosts({ inputs: rows, targets }, 0);
          const view = [-3, 3, -3, 3];
          return placeLabels(costs, view, sampleBands(costs, view));
        }""",
        {"inputs": inputs.tolist(), "targets": targets.tolist()},
    )
    assert len(labels) == 3
    objective = make_objective(Dataset.from_arrays(inputs, targets), Network())
    for label in labels:
        at = np.array([[label["w_in"]]]), np.array([[label["w_rec"]]])
        assert objective.log10_costs(*at).item() == pytest.approx(label["exponent"], abs=0.05)


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
    call_node: ModuleCaller, api: httpx.Client, dataset: dict[str, Any], initial_state: float
) -> None:
    links = api.post("/v1/datasets", json=dataset).json()["links"]
    rows = np.loadtxt(io.StringIO(api.get(links["csv"]).text), delimiter=",", skiprows=1, ndmin=2)
    network = {"initial_state": initial_state}
    request = {"dataset": dataset, "network": network, "points": POINTS}
    expected = api.post("/v1/evaluate", json=request).json()["evaluations"]
    traces = api.post("/v1/gradient-trace", json=request).json()["traces"]
    computed = call_node(
        ["model/network"],
        """({ evaluate }, { rows, points, s0 }) => {
          const inputs = rows.map((row) => Float64Array.from(row.slice(0, -1)));
          const dataset = { inputs, targets: Float64Array.from(rows, (row) => row.at(-1)) };
          return points.map((point) => evaluate(dataset, point, s0));
        }""",
        {"rows": rows.tolist(), "points": POINTS, "s0": initial_state},
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
