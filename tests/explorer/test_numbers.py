"""What the page computes itself equals what the service answers."""

import json
import math
from typing import Any

import httpx
import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from service.engine.data.count_ones import count_ones
from service.engine.data.dataset import Dataset
from service.engine.network.forward import Network
from service.engine.objective.base import make_objective
from service.figures.levels import choose_levels
from service.figures.style import THEMES

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


@pytest.fixture(scope="module")
def modules(browser: Browser, service_url: str) -> Page:
    """Return a page from which the explorer's modules can be called."""
    page = browser.new_page()
    page.goto(service_url)
    page.wait_for_selector("[data-ready]")
    return page


def call(modules: Page, body: str, argument: Any = None) -> Any:
    """Run JavaScript that has every module at hand, numbers that are not finite as text."""
    script = """async (argument) => {
      const names = [
        "lib/format", "model/data", "model/network", "model/state", "views/color_bands",
        "views/heatmap",
      ];
      const found = await Promise.all(names.map((name) => import(`/explorer/${name}.js`)));
      const all = Object.assign({}, ...found);
      const run = %s;
      const plain = (key, value) => typeof value === "number" && !Number.isFinite(value)
        ? String(value) : ArrayBuffer.isView(value) ? [...value] : value;
      return JSON.stringify(await run(all, argument), plain);
    }"""
    return json.loads(modules.evaluate(script % body, argument))


def split(data: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    network = {"activation": "identity", "initial_state": data["initial_state"]}
    return {k: v for k, v in data.items() if k != "initial_state"}, network


@pytest.mark.parametrize("data", DATA)
def test_cost_gradient_and_trace_equal_the_api(
    modules: Page, api: httpx.Client, data: dict[str, Any]
) -> None:
    dataset, network = split(data)
    stored = api.post("/v1/datasets", json=dataset).json()
    points = [{"w_in": w_in, "w_rec": w_rec} for w_in, w_rec in POINTS]
    asked = {"dataset": dataset, "network": network}
    traces = api.post("/v1/gradient-trace", json={**asked, "points": points}).json()["traces"]
    found = call(
        modules,
        """async ({ evaluate, parseSamples }, { csv, points, s0 }) => {
          const samples = parseSamples(await (await fetch(csv)).text());
          return points.map((point) => evaluate(samples, point, s0));
        }""",
        {"csv": stored["links"]["csv"], "points": points, "s0": data["initial_state"]},
    )
    for point, mine, trace in zip(points, found, traces, strict=True):
        question = {**asked, "initial_weights": point, "n_iterations": 0, "keep": False}
        initial = api.post("/v1/training-runs", json=question).json()["initial"]
        assert mine["cost"] == pytest.approx(initial["cost"], rel=1e-9, abs=1e-25)
        size = max(1.0, *map(abs, mine["gradient"]))
        for weight in ("w_in", "w_rec"):
            theirs = trace["weight_gradient"][weight]
            assert mine["weight_gradient"][weight] == pytest.approx(
                theirs, rel=1e-9, abs=1e-11 * size
            )
        assert mine["gradient"] == pytest.approx(trace["gradient"], rel=1e-9, abs=1e-13 * size)
        assert mine["growth_per_step"] == trace["growth_per_step"]
        assert mine["regime"] == trace["regime"]


@pytest.mark.parametrize("data", DATA)
def test_the_field_is_the_cost_at_every_pixel(modules: Page, data: dict[str, Any]) -> None:
    dataset, _ = split(data)
    inputs, targets = count_ones(**dataset)
    network = Network(initial_state=data["initial_state"])
    w_in, w_rec = np.linspace(-3, 3, 13), np.linspace(-2.5, 2.5, 11)
    expected = make_objective(Dataset.from_arrays(inputs, targets), network).costs(
        w_in[None, :], w_rec[:, None]
    )
    found = call(
        modules,
        """({ exactSource }, { inputs, targets, s0, w_rec }) => {
          const rows = inputs.map((row) => Float64Array.from(row));
          const source = exactSource({ inputs: rows, targets }, s0);
          return w_rec.map((w) => {
            const [values, across, up] = [0, 1, 2].map(() => new Float64Array(13));
            source.fill(w, -3, 0.5, { values, across, up });
            return [values, across, up].map((each) => [...each]);
          });
        }""",
        {
            "inputs": inputs.tolist(),
            "targets": targets.tolist(),
            "s0": data["initial_state"],
            "w_rec": w_rec.tolist(),
        },
    )
    values, across, up = np.moveaxis(np.array(found, dtype=float), 1, 0)
    np.testing.assert_allclose(values, expected, rtol=1e-9, atol=1e-11)
    grid = [each.ravel() for each in np.meshgrid(w_in, w_rec)]
    slopes = make_objective(Dataset.from_arrays(inputs, targets), network).gradients(*grid)
    by_w_in, by_w_rec = (each.reshape(expected.shape) for each in slopes)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(across, by_w_in, rtol=1e-9, atol=1e-13 * scale)
    np.testing.assert_allclose(up, by_w_rec, rtol=1e-9, atol=1e-13 * scale)


FIELDS = [
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


@pytest.mark.parametrize("field", FIELDS)
def test_levels_and_colours_are_those_of_the_pictures(modules: Page, field: list[float]) -> None:
    levels = choose_levels([np.array(field)])
    found = call(
        modules,
        """({ chooseLevels, logCuts, bandColours }, field) => {
          const levels = chooseLevels(Float64Array.from(field, Number));
          const colours = bandColours(levels.edges.length - 1);
          return [levels.edges, levels.shift, logCuts(levels), colours];
        }""",
        [str(value).replace("inf", "Infinity") for value in field],
    )
    edges, shift, cuts, colours = found
    assert shift == levels.shift
    assert edges == pytest.approx(levels.edges, rel=1e-12, abs=1e-12)
    mine = [-math.inf if cut == "-Infinity" else cut for cut in cuts]
    assert mine == pytest.approx(levels.cuts.tolist(), rel=1e-9, abs=1e-12)
    assert colours == levels.palette("#000000")[:-1, :3].tolist()


def test_the_series_are_those_of_the_pictures(modules: Page) -> None:
    for theme, colours in THEMES.items():
        for index, colour in enumerate(colours.series):
            red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
            found = modules.evaluate(
                """([theme, index]) => {
                  document.documentElement.dataset.theme = theme;
                  const line = document.createElement("p");
                  line.style.color = `var(--series-${index})`;
                  document.body.append(line);
                  const { color } = getComputedStyle(line);
                  line.remove();
                  return color;
                }""",
                [theme, index],
            )
            assert found == f"rgb({red}, {green}, {blue})"


def test_canvas_pixels_show_the_band_of_their_cost(modules: Page) -> None:
    """The lines between bands, drawn apart, only darken."""
    inputs, targets = count_ones()
    size = 60
    pixels = call(
        modules,
        """({ exactSource, levelsOf, paint }, { inputs, targets, size }) => {
          const rows = inputs.map((row) => Float64Array.from(row));
          const source = exactSource({ inputs: rows, targets }, 0);
          const view = [-3, 3, -3, 3];
          return [0, 1].map((line) => {
            const image = new ImageData(size, size);
            paint(image, source, view, levelsOf(source, view), line);
            return [...image.data];
          });
        }""",
        {"inputs": inputs.tolist(), "targets": targets.tolist(), "size": size},
    )
    centres = (np.arange(size) + 0.5) / size * 6 - 3
    objective = make_objective(Dataset.from_arrays(inputs, targets), Network())
    field = objective.log10_costs(centres[None, :], centres[::-1, None])
    levels = choose_levels([field])
    expected = levels.palette("#000000")[levels.bands(field)].astype(int)
    plain, lined = np.array(pixels).reshape(2, size, size, 4)
    np.testing.assert_array_equal(plain, expected)
    assert (lined[..., 3] == 255).all()
    assert (lined <= plain).all()
    darkest = (lined / np.maximum(plain, 1))[..., :3].max(axis=2).min()
    assert 0.55 < darkest < 0.65
    assert 0.1 < (lined != plain).any(axis=2).mean() < 0.9


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (12.5, "12.5"),
        (-2333.0, "−2333"),
        (615689.775, "6.16×10⁵"),
        (-1.8e-6, "−1.80×10⁻⁶"),
        ("Infinity", "beyond 10³⁰⁸"),
        (None, "–"),
    ],
)
def test_numbers_are_written_for_people(modules: Page, value: Any, text: str) -> None:
    script = "({ short }, value) => short(value === 'Infinity' ? Infinity : value)"
    assert call(modules, script, value) == text


def test_a_state_is_spelt_and_read_back_exactly(modules: Page) -> None:
    state = {
        "w_in": 0.1 + 0.2,
        "w_rec": -1e-7,
        "view": [-0.125, 1.5, 0.3, 2],
        "bits": "0011",
        "n_samples": 7,
        "seed": 4294967295,
        "noise": 0.25,
        "activation": "tanh",
        "initial_state": -0.5,
        "optimizer": "momentum",
        "parameters": {"learning_rate": 0.001, "nesterov": True},
        "target_cost": 1e-9,
        "clip": "norm",
        "runs": ["run_" + "0a" * 16, "run_" + "1b" * 16],
        "frame": 17,
        "valley": True,
    }
    read = call(
        modules,
        """({ DEFAULTS, toHash, fromHash }, state) => {
          const whole = { ...DEFAULTS, ...state };
          return [whole, fromHash("#" + toHash(whole)), toHash({ ...DEFAULTS })];
        }""",
        state,
    )
    assert read[0] == read[1]
    assert read[2] == ""


def test_what_is_spelt_wrongly_keeps_its_default(modules: Page) -> None:
    wrong = "w_in=nan&view=3,1,0,1&runs=run_1,../x&frame=&nothing=1&optimizer.x=y&seed=Infinity"
    read, defaults = call(
        modules, "({ DEFAULTS, fromHash }, text) => [fromHash(text), DEFAULTS]", wrong
    )
    assert read == defaults
