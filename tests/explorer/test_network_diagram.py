"""The network beside the surface: it counts, and its weights can be dragged."""

import re

import httpx
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.explorer.conftest import DESKTOP, Explorer, ModuleCaller, Opener, box


def test_a_weight_is_dragged_and_moved_by_keys(explorer: Explorer) -> None:
    page = explorer.page
    handle = page.get_by_role("slider", name="Recurrent weight")
    page.evaluate("document.fonts.ready")  # which may move it
    handle.hover()
    grip = box(page, "[data-weight=w_rec]")
    x, y = grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2
    page.mouse.down()
    page.mouse.move(x - 100, y, steps=5)
    page.mouse.up()
    expect(page.locator("#w_rec")).to_have_value("1")
    expect(page.locator("#shown_w_rec")).to_have_text("1")
    explorer.assert_equals_service()
    handle.focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#w_rec")).to_have_value("0.95")
    expect(handle).to_have_attribute("aria-valuenow", "0.95")
    expect(page.locator("#w_in")).to_have_value("-1.5")


@pytest.mark.slow
def test_it_reads_one_input_after_the_other(open_page: Opener) -> None:
    page = open_page("#w_in=1&w_rec=1&bits=0110", viewport=DESKTOP, reduced_motion="reduce")
    output = page.locator("#network .output")
    expect(output).to_have_text("target 2")
    for k, state in enumerate(["0", "0", "1", "2"]):
        page.get_by_role("button", name="Read").click()
        expect(output).to_have_text(f"{k} of 4 read")
        expect(page.locator("#network .state-value")).to_have_text(state)
    page.get_by_role("button", name="Read").click()
    expect(output).to_have_text("target 2")
    expect(page.locator("#headline")).to_contain_text("0110 → 2 · 2 ones ✓")


@pytest.mark.slow
def test_the_star_of_the_remembering_task_is_not_the_only_optimum(page: Page) -> None:
    page.select_option("#task", "remember")
    expect(page.locator("#note")).to_contain_text("the star marks one of several optima")
    expect(page.locator("#sequence")).to_have_value("1")
    expect(page.locator("#network .input")).to_have_text("1.6 …")
    page.select_option("#task", "count_ones")
    expect(page.locator("#note")).to_contain_text("the star marks the optimum")


@pytest.mark.parametrize(
    ("start", "rate", "outcome"),
    [
        ((-1.5, 2.0), 0.001, "leaves the plot at iteration 1 and overflows at iteration 3"),
        # 2/λ is 5.1e-8 here, but the run soon comes to where λ is smaller.
        ((-1.5, 2.0), 5e-7, "settles: the cost is 34.93 after 300 iterations"),
        ((0.5, 0.5), 0.001, "settles: the cost is 0.01124 after 300 iterations"),
        ((0.5, 0.5), 0.003, "stays in the plot but does not settle"),
        ((0.5, 0.5), 0.01, "leaves the plot at iteration 5 and overflows at iteration 7"),
        ((2.0, -2.0), 1e-6, "settles: the cost is 1.698 after 300 iterations"),
    ],
)
def test_the_page_knows_what_a_learning_rate_does_from_the_point(
    call_node: ModuleCaller,
    api: httpx.Client,
    start: tuple[float, float],
    rate: float,
    outcome: str,
) -> None:
    task = {"kind": "count_ones", "n_samples": 20, "n_steps": 10, "seed": 1, "noise": 0}
    stored = api.post("/v1/datasets", json=task).json()["links"]["csv"]
    rows = [[float(x) for x in row.split(",")] for row in api.get(stored).text.split()[1:]]
    weights = {"w_in": start[0], "w_rec": start[1]}
    forecast = call_node(
        ["model/descent"],
        """({ forecastDescent }, [rows, weights, rate]) => forecastDescent({
          dataset: { inputs: rows.map((row) => Float64Array.from(row.slice(0, -1))),
                     targets: rows.map((row) => row.at(-1)) },
          state: { ...weights, n_iterations: 300, activation: "identity", initial_state: 0 },
          home: [-3, 3, -3, 3],
        }, rate)""",
        [rows, weights, rate],
    )
    run = {
        "initial_weights": weights,
        "optimizer": {"name": "gradient_descent", "learning_rate": rate},
        "n_iterations": 300,
    }
    result = api.post("/v1/training-runs", json=run).json()
    path = api.get(result["links"]["trajectory"]).json()
    sizes = [
        np.inf if None in weights else max(map(abs, weights))
        for weights in zip(path["w_in"], path["w_rec"], strict=True)
    ]
    left = 1 + max(k for k, size in enumerate(sizes) if size <= 3)
    said = forecast["sentence"]
    assert said == f"With this rate, training from here {outcome}."
    is_left = left < len(sizes) and sizes[left] < np.inf
    assert (f"leaves the plot at iteration {left}" in said) == is_left
    has_diverged = result["outcome"] == "diverged"
    assert (f"overflows at iteration {result['iterations']}." in said) == has_diverged
    if "settles" in said:
        assert f"{result['final']['cost']:.4g} after" in said


@pytest.mark.slow
def test_the_rate_of_gradient_descent_is_marked(page: Page) -> None:
    page.select_option("#optimizer", "gradient_descent")
    rate = page.get_by_label("Learning rate")
    expect(rate).to_have_value("0.001")
    note = page.locator("#note")
    expect(note).to_contain_text("Near it, a rate above 2/λ = 0.0019 does not settle")
    leaves = (
        "With this rate, training from here leaves the plot at iteration 1 "
        "and overflows at iteration 3."
    )
    expect(note).to_contain_text(leaves)
    expect(rate).to_have_attribute("aria-description", leaves)
    expect(page.locator(".forecast")).to_have_text("↗")
    rate.fill("1e-7")
    expect(note).to_contain_text("With this rate, training from here settles")
    expect(page.locator(".forecast")).to_have_text("✓")
    expect(page.locator("#variant")).to_contain_text("at rates from 1×10⁻⁶ on")
    expect(page.locator("#variant")).to_contain_text("after 500 iterations is 49")
    page.select_option("#optimizer", "rprop")
    expect(note).not_to_contain_text("λ")


@pytest.mark.slow
def test_clipping_does_not_outlive_its_optimizer(page: Page) -> None:
    page.select_option("#optimizer", "adam")
    page.locator("[data-opens=settings-drawer]").click()
    page.select_option("#clip", "norm")
    page.select_option("#optimizer", "rprop")
    expect(page.locator("#clip")).to_have_value("")
    page.fill("#n_iterations", "5")
    page.locator("#train").click()
    expect(page.locator("tbody tr")).to_have_count(1)


@pytest.mark.slow
@pytest.mark.parametrize("size", [(1280, 720), (1440, 900)])
def test_everything_fits_on_one_screen(open_page: Opener, size: tuple[int, int]) -> None:
    width, height = size
    page = open_page(viewport={"width": width, "height": height}, reduced_motion="reduce")
    before = box(page, "#surface")
    page.locator("#train").click()
    expect(page.locator("#note")).to_contain_text("It learned to count.")
    scroll = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    assert page.evaluate(scroll) == [width, height]
    for view in ("surface", "headline", "network", "cost-chart", "fit-chart", "states", "trace"):
        bounds = box(page, f"#{view}")
        assert bounds["y"] + bounds["height"] <= height, view
        assert bounds["height"] >= 24
    assert box(page, "#surface") == before  # nothing jumps
    panel = box(page, ".surface .panel")
    assert panel["width"] == pytest.approx(panel["height"], abs=1)
    assert panel["height"] > 0.68 * height


@pytest.mark.slow
def test_a_presentation_has_large_text_and_keys(open_page: Opener) -> None:
    page = open_page("?present#lesson=5", viewport={"width": 1920, "height": 1080})
    heading = page.locator("#lesson h2")
    expect(heading).to_have_text("Step 5 of 6: Only the sign")
    expect(page.locator("#lesson p").first).to_have_css("font-size", "24px")
    expect(page.locator("#optimizer")).to_be_visible()
    expect(page.locator("#task")).to_be_hidden()
    page.mouse.click(5, 1070)
    page.keyboard.press("PageDown")
    expect(heading).to_contain_text("Step 6 of 6")
    page.keyboard.press("PageUp")
    expect(heading).to_contain_text("Step 5 of 6")
    expect(page.locator("#iteration")).to_have_text(re.compile("of 526$"))
