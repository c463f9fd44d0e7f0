"""The colors of the surface: the logarithm of the cost, with a floor that adapts to the window."""

import re
from typing import Any

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
