"""Training runs: training, playback, the race, sweeps of learning rates, and the form."""

import re
from itertools import pairwise

import httpx
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.explorer.conftest import (
    Explorer,
    ModuleCaller,
    Opener,
    box,
    on_screens,
    open_drawer,
    violations,
    wait_for_value,
    wait_until,
)

TUTORIAL_COST = 1.8008530879e-6
TUTORIAL_WEIGHTS = (1.001355547207059, 0.9996744737846419)


def test_the_default_run_ends_as_in_the_tutorial(explorer: Explorer) -> None:
    page = explorer.page
    open_drawer(page, "settings")
    page.select_option("#speed", "1000")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator("#iteration")).to_have_text("500 of 500")
    row = page.locator("tbody tr")
    expect(row).to_have_attribute("data-outcome", "iterations_exhausted")
    expect(row).to_contain_text("✓ learned to count after 500 iterations")
    cost = pytest.approx(TUTORIAL_COST, rel=1e-6)
    explorer.expect_number("tbody [data-title=final] .cost", cost)
    explorer.expect_number("tbody [data-title=gap]", cost)
    surface = box(page, "#surface")
    panel = explorer.panel()

    def end() -> tuple[float, float]:
        current = page.locator(".trajectory .current")
        x, y = (float(current.get_attribute(name) or "nan") for name in ("cx", "cy"))
        w_in = (surface["x"] + x - panel["x"]) / panel["width"] * 6 - 3
        return w_in, 3 - (surface["y"] + y - panel["y"]) / panel["height"] * 6

    wait_for_value(page, end, pytest.approx(TUTORIAL_WEIGHTS, abs=0.01))


def test_the_outcome_is_told_at_the_end(open_page: Opener) -> None:
    page = open_page("#run=optimizer:rprop&iteration=48")
    chip = page.locator(".chip")
    expect(chip).to_contain_text("… iteration 48")
    expect(page.locator("#note")).to_have_text("Training, iteration 48 of 500.")
    page.locator("#timeline").fill("500")
    expect(chip).to_contain_text("✓ learned to count")
    expect(page.locator("#note")).to_contain_text("It learned to count.")


def test_enter_in_a_weight_moves_the_point_and_keeps_the_runs(explorer: Explorer) -> None:
    page = explorer.page
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator("tbody tr")).to_have_count(1)
    run = page.locator("tbody tr").get_attribute("data-run")
    page.fill("#w_rec", "0.5")
    page.press("#w_rec", "Enter")
    explorer.expect_cost(-1.5, 0.5)
    expect(page.locator("tbody tr")).to_have_attribute("data-run", str(run))
    with page.expect_response("**/v1/training-runs"):
        page.press("#n_iterations", "Enter")


@pytest.mark.slow
def test_step_reset_timeline_play_and_pause(open_page: Opener) -> None:
    page = open_page(reduced_motion="reduce")
    page.get_by_role("button", name="Train", exact=True).click()
    iteration = page.locator("#iteration")
    expect(iteration).to_have_text("500 of 500")  # at once, because of the reduced motion
    page.get_by_role("button", name="Rewind").click()
    expect(iteration).to_have_text("0 of 500")
    line = page.locator(".trajectory .color")
    expect(line).to_have_attribute("d", "")
    page.get_by_role("button", name="Step", exact=True).click()
    page.get_by_role("button", name="Step", exact=True).click()
    expect(iteration).to_have_text("2 of 500")
    expect(line).to_have_attribute("d", re.compile("^M[^L]*L[^L]*L[^L]*$"))
    page.locator("#timeline").fill("250")
    expect(iteration).to_have_text("250 of 500")
    open_drawer(page, "settings")
    page.select_option("#speed", "5")
    page.get_by_role("button", name="Play", exact=True).click()
    expect(iteration).to_have_text(re.compile("^(25[3-9]|2[6-9]|[34])"))
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile("iteration="))


def test_optimizers_race(page: Page, api: httpx.Client) -> None:
    page.fill("#w_in", "0.5")
    page.fill("#w_rec", "0.5")
    page.fill("#n_iterations", "60")
    page.get_by_role("button", name="Train", exact=True).click()
    page.select_option("#optimizer", "adam")
    page.get_by_label("Learning rate").fill("0.05")
    open_drawer(page, "settings")
    page.select_option("#clip", "norm")
    page.get_by_role("button", name="Add to race").click()
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(page.locator(".trajectory")).to_have_count(2)
    expect(page.locator(".trajectory.series-1.dash-1 .color")).to_have_count(1)
    expect(rows.nth(1)).to_contain_text("Adam")
    ids = [rows.nth(i).get_attribute("data-run") for i in range(2)]
    request = api.get(f"/v1/training-runs/{ids[1]}").json()["request"]
    assert request["optimizer"]["learning_rate"] == 0.05
    assert request["clip"] == {"by": "norm", "threshold": 1}
    assert request["initial_weights"] == {"w_in": 0.5, "w_rec": 0.5}
    open_drawer(page, "code")
    picture = page.get_by_role("link", name="Surface PNG")
    expect(picture).to_have_attribute("href", re.compile("&".join(f"run={i}" for i in ids)))
    assert api.get(str(picture.get_attribute("href"))).headers["content-type"] == "image/png"
    open_drawer(page, "data")
    page.fill("#seed", "2")  # another dataset has another surface
    expect(rows).to_have_count(0)


@pytest.mark.slow
def test_runs_are_named_by_what_differs_and_a_full_race_says_so(open_page: Opener) -> None:
    descent = "optimizer:gradient_descent;optimizer.learning_rate:0.001;n_iterations:9"
    clips = [f"{descent};clip:norm;threshold:{0.5 * k}" for k in range(1, 8)]
    page = open_page("#" + "&".join(f"run={run}" for run in [*clips, descent]))
    chips = page.locator(".chip")
    expect(chips.nth(0)).to_have_attribute(
        "title", re.compile("^Run 1, Gradient descent 0.001 clip norm 0.5: ")
    )
    expect(chips.nth(1)).to_have_attribute("title", re.compile("^Run 2, 0.001 clip norm 1: "))
    expect(chips.nth(7)).to_have_attribute("title", re.compile("^Run 8, 0.001: "))
    page.get_by_role("button", name="Add to race").click()
    problem = page.locator("#train-problem")
    expect(problem).to_contain_text("The race is full")
    open_drawer(page, "runs")
    page.get_by_role("button", name="Remove Gradient descent").first.click()
    expect(problem).to_be_hidden()


@pytest.mark.slow
def test_the_runs_fit_on_every_screen(open_page: Opener) -> None:
    runs = ["rprop;n_iterations:40", "momentum;n_iterations:9", "levenberg_marquardt", "rmsprop"]
    page = open_page("#" + "&".join(f"run=optimizer:{run}" for run in runs))
    expect(page.locator("tbody tr")).to_have_count(4)
    open_drawer(page, "runs")
    for width in (1480, 1280, 1100, 985, 700, 561, 390, 320):
        page.set_viewport_size({"width": width, "height": 844})
        wait_until(
            page,
            """(width) => {
              const ends = [...document.querySelectorAll("#race :is(th, td, button)")]
                .map((element) => element.getBoundingClientRect().right);
              const { right } = document.querySelector("#race").getBoundingClientRect();
              const { scrollWidth } = document.documentElement;
              return Math.max(...ends) <= right && scrollWidth === width;
            }""",
            width,
        )


@pytest.mark.slow
def test_the_form_follows_the_registry(page: Page, api: httpx.Client) -> None:
    for optimizer in api.get("/v1/optimizers").json()["items"]:
        page.select_option("#optimizer", optimizer["name"])
        expect(page.locator("#formula")).to_have_text(optimizer["formula"])
        fields = page.locator("#train-form input[name], #settings-drawer input[name]")
        expect(fields).to_have_count(len(optimizer["parameters"]))
        for parameter in optimizer["parameters"]:
            field = page.locator(f"input[name={parameter['name']}]")
            expect(field).to_have_attribute("title", parameter["description"])
            if parameter["type"] == "boolean":
                expect(field).to_be_checked(checked=parameter["default"])
            else:
                # The page starts gradient descent below its limit of 0.0019.
                special = optimizer["name"] == "gradient_descent"
                assert float(field.input_value()) == (0.001 if special else parameter["default"])
        expect(page.locator("#clip")).to_be_enabled(enabled=optimizer["accepts_clip"])


@on_screens
def test_a_sweep_of_rates(open_page: Opener, api: httpx.Client, viewport: dict[str, int]) -> None:
    fragment = "#w_in=0.5&w_rec=0.5&optimizer=gradient_descent&n_iterations=50&view=0,2,0,2"
    page = open_page(fragment, viewport=viewport, reduced_motion="reduce")
    open_drawer(page, "settings")
    page.get_by_role("button", name="Train all 8").click()
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(8)
    expect(page.locator(".trajectory")).to_have_count(8)
    expect(page.locator("#cost-chart .cost-line")).to_have_count(8)
    rates, outcomes = [], set()
    for row in rows.all():
        run = api.get(f"/v1/training-runs/{row.get_attribute('data-run')}").json()
        rates.append(run["request"]["optimizer"]["learning_rate"])
        outcomes.add(run["outcome"])
    assert rates == [1e-6, 5.2e-6, 2.7e-5, 1.4e-4, 7.2e-4, 3.7e-3, 0.019, 0.1]
    ratios = [b / a for a, b in pairwise(rates)]
    assert ratios == pytest.approx([10 ** (5 / 7)] * 7, rel=0.03)
    assert outcomes == {"iterations_exhausted", "diverged"}
    lowest = page.locator(".chip").nth(4)
    expect(lowest).to_have_attribute("aria-pressed", "true")
    open_drawer(page, "runs")
    table, race = box(page, "#race table"), box(page, "#race")
    assert table["width"] <= race["width"] <= viewport["width"]
    expect(rows.nth(4).locator("small").first).to_have_text("from (0.5, 0.5)")
    expect(page.locator(".sweep")).to_contain_text("the learning rate 7.2×10⁻⁴. Diverged: ")
    expect(page.locator(".sweep circle, .sweep path")).to_have_count(8)
    expect(rows.nth(4).locator(".best")).to_have_text("lowest ")
    if viewport["width"] > 600:  # a narrow table has no line of headings
        page.get_by_role("button", name="At the end").click()
        expect(rows.first).to_have_attribute("data-index", "4")
        expect(rows.first.locator(".best")).to_have_count(1)
        expect(page.get_by_role("button", name="At the end")).to_be_focused()
        expect(rows.first).to_have_class("shown")
    names = [chip.get_attribute("title") for chip in page.locator(".chip").all()]
    assert str(names[0]).startswith("Run 1, Gradient descent 1.0×10⁻⁶: ")
    assert str(names[3]).startswith("Run 4, 1.4×10⁻⁴: ")
    assert page.evaluate("document.documentElement.scrollWidth") == viewport["width"]
    assert violations(page) == []


def test_every_optimizer_has_a_rate_to_sweep(call_node: ModuleCaller, api: httpx.Client) -> None:
    for optimizer in api.get("/v1/optimizers").json()["items"]:
        names = {parameter["name"]: parameter["default"] for parameter in optimizer["parameters"]}
        rate = next(name for name in ("learning_rate", "initial_step", "damping") if name in names)
        states = call_node(
            ["model/sweep"],
            """({ spreadRates }, optimizer) =>
              spreadRates({ parameters: { other: 0.5, [optimizer.rate]: 3 } }, [optimizer])""",
            {**optimizer, "rate": rate},
        )
        spread = [state["parameters"].get(rate, names[rate]) for state in states]
        exact = np.geomspace(3e-4, 30, 8)
        assert spread == pytest.approx(exact.tolist(), rel=0.06)
        assert all(state["parameters"]["other"] == 0.5 for state in states)
