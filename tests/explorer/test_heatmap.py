"""The colors of the page are those of the pictures that the service draws."""

import math
import re

import numpy as np
import pytest

from service.api.routes.explorer import FOLDER
from service.engine.data import Dataset, count_ones
from service.engine.network import Network
from service.engine.objective import make_objective
from service.figures.color_bands import choose_color_bands
from service.figures.style import THEMES
from tests.explorer.conftest import ModuleCaller

LOG10_COSTS = [
    [-3.0, 2.0, 6.5],
    [0.5, 9.3],
    [-math.inf, 11.0, 13.9],
    [2.0, 40.0],
    [0.0, 900.0],
    [-8.0, -6.0, -5.5],
    [-30.0, -1.0, math.inf],
    [1.25, 1.25],
    [-0.1, 0.0, 0.1],
]


@pytest.mark.parametrize("log10_costs", LOG10_COSTS)
def test_bands_equal_those_of_the_pictures(
    call_modules: ModuleCaller, log10_costs: list[float]
) -> None:
    levels = choose_color_bands([np.array(log10_costs)])
    edges, shift, thresholds, colors = call_modules(
        ["views/color_bands"],
        """({ chooseBands, log10Thresholds, bandColors }, log10_costs) => {
          const bands = chooseBands(Float64Array.from(log10_costs, Number));
          const colors = bandColors(bands.edges.length - 1);
          return [bands.edges, bands.shift, log10Thresholds(bands), colors];
        }""",
        [str(value).replace("inf", "Infinity") for value in log10_costs],
    )
    assert shift == levels.shift
    assert edges == pytest.approx(levels.edges, rel=1e-12, abs=1e-12)
    thresholds = [float(str(threshold).replace("Infinity", "inf")) for threshold in thresholds]
    assert thresholds == pytest.approx(levels.thresholds.tolist(), rel=1e-9, abs=1e-12)
    assert colors == levels.palette("#000000")[:-1, :3].tolist()


def test_series_colors_equal_those_of_the_pictures() -> None:
    css = (FOLDER / "css" / "base.css").read_text()
    shown = re.findall(r"--series-\d: light-dark\((\S+), (\S+)\);", css)
    assert shown == [*zip(THEMES["light"].series, THEMES["dark"].series, strict=True)]


def test_each_pixel_has_the_color_of_its_cost(call_modules: ModuleCaller) -> None:
    inputs, targets = count_ones()
    size = 60
    images = call_modules(
        ["model/costs", "views/heatmap"],
        """({ makeExactCosts, sampleBands, paint }, { inputs, targets, size }) => {
          const rows = inputs.map((row) => Float64Array.from(row));
          const costs = makeExactCosts({ inputs: rows, targets }, 0);
          const view = [-3, 3, -3, 3];
          return [0, 1].map((line_width) => {
            const image = new ImageData(size, size);
            paint(image, costs, view, sampleBands(costs, view), line_width);
            return [...image.data];
          });
        }""",
        {"inputs": inputs.tolist(), "targets": targets.tolist(), "size": size},
    )
    centers = (np.arange(size) + 0.5) / size * 6 - 3
    objective = make_objective(Dataset.from_arrays(inputs, targets), Network())
    log10_costs = objective.log10_costs(centers[None, :], centers[::-1, None])
    levels = choose_color_bands([log10_costs])
    expected = levels.palette("#000000")[levels.indices(log10_costs)].astype(int)
    plain, lined = np.array(images).reshape(2, size, size, 4)
    np.testing.assert_array_equal(plain, expected)
    # Lines between bands only darken.
    assert (lined[..., 3] == 255).all()
    assert (lined <= plain).all()
    darkest = (lined / np.maximum(plain, 1))[..., :3].max(axis=2).min()
    assert 0.55 < darkest < 0.65
    assert 0.1 < (lined != plain).any(axis=2).mean() < 0.9
