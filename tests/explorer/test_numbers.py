"""The numbers of the page: how they are computed, written, and turned into ticks and colors."""

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

CHOOSE = """({ chooseBands }, log10_costs) =>
  chooseBands(Float64Array.from(log10_costs, Number))"""


def choose(call_modules: ModuleCaller, log10_costs: list[float]) -> tuple[list[float], list[int]]:
    texts = [str(value).replace("inf", "Infinity") for value in log10_costs]
    bands = call_modules(["charts/color_bands"], CHOOSE, texts)
    return bands["edges"], bands["contours"]


def test_the_floor_follows_the_window(call_modules: ModuleCaller) -> None:
    wide, _ = choose(call_modules, [*np.linspace(0, 9, 4000), -6.0])
    assert wide[0] >= -0.3  # a single deep point does not take the colors of all others
    deep, _ = choose(call_modules, [*np.linspace(-9, -3, 4000)])
    assert deep[0] == pytest.approx(-9, abs=0.2)
    assert deep[-1] == pytest.approx(-3, abs=0.2)
    noise, _ = choose(call_modules, [*np.linspace(0, 2, 990), *np.linspace(-40, -30, 10)])
    assert noise[0] > -18  # costs that float64 does not resolve


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


def test_the_labels_of_the_contours_are_on_them(call_modules: ModuleCaller) -> None:
    inputs, targets = count_ones()
    labels = call_modules(
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


NUMBERS = {
    "0": "0",
    "12.5": "12.5",
    "-2333": "−2333",
    "615689.775": "6.16×10⁵",
    "-1.8e-6": "−1.80×10⁻⁶",
    "Infinity": "> 10³⁰⁸",
    "-Infinity": "< −10³⁰⁸",
    "null": "–",
}
COSTS = {
    "21.89, 1.34": "21.89",
    "null, 400.4": "≈ 10⁴⁰⁰",
    "Infinity, undefined": "> 10³⁰⁸",
    "null, null": "–",
}


def test_numbers_are_short(call_modules: ModuleCaller) -> None:
    for value, text in NUMBERS.items():
        function = f"({{ formatNumber }}) => formatNumber({value})"
        assert call_modules(["lib/format"], function) == text


def test_a_cost_that_overflows_is_shown_by_its_logarithm(call_modules: ModuleCaller) -> None:
    for arguments, text in COSTS.items():
        function = f"({{ formatCost }}) => formatCost({arguments})"
        assert call_modules(["lib/format"], function) == text


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (-3, 3, ["−3", "−2", "−1", "0", "1", "2", "3"]),
        (-0.5, 0.6, ["−0.4", "−0.2", "0.0", "0.2", "0.4", "0.6"]),
        (99.9, 100.1, ["99.90", "99.95", "100.00", "100.05", "100.10"]),
    ],
)
def test_ticks_are_round(
    call_modules: ModuleCaller, low: float, high: float, labels: list[str]
) -> None:
    ticks = call_modules(["lib/scales"], f"({{ makeTicks }}) => makeTicks({low}, {high}, 6)")
    assert [tick["label"] for tick in ticks] == labels


def test_ticks_between_neighbors_are_few(call_modules: ModuleCaller) -> None:
    """At 2^60, two numbers differ by 256 or more, so adding a step may change nothing."""
    ticks = call_modules(["lib/scales"], "({ makeTicks }) => makeTicks(2 ** 60, 2 ** 60 + 256, 6)")
    assert 1 <= len(ticks) <= 8


def test_zooming_stops_at_the_limits(call_modules: ModuleCaller) -> None:
    views = call_modules(
        ["lib/scales"],
        """({ zoomView }) => [10, 0.1].map((factor) => {
          let view = [-3, 3, -3, 3];
          for (let k = 0; k < 20; k++) view = zoomView(view, factor, { w_in: 0, w_rec: 0 });
          return view[1] - view[0];
        })""",
    )
    assert 1e-3 <= views[0] < 1e-2
    assert 20 < views[1] <= 200


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
