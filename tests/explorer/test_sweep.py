"""A sweep of learning rates: eight runs over the surface and in the cost chart."""

import re
from itertools import pairwise

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.explorer.conftest import ModuleCaller, Opener, box, on_screens, open_drawer, wait_until
from tests.explorer.test_accessibility import violations


@on_screens
def test_one_button_trains_with_eight_rates(
    open_page: Opener, api: httpx.Client, viewport: dict[str, int]
) -> None:
    fragment = "#w_in=0.5&w_rec=0.5&optimizer=gradient_descent&n_iterations=50&view=0,2,0,2"
    page = open_page(fragment, viewport=viewport, reduced_motion="reduce")
    open_drawer(page, "settings")
    expect(page.locator("#sweep-low")).to_have_value("1e-5")
    expect(page.locator("#sweep-high")).to_have_value("0.1")
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
    assert rates == [1e-5, 3.7e-5, 1.4e-4, 5.2e-4, 1.9e-3, 7.2e-3, 0.027, 0.1]
    ratios = [b / a for a, b in pairwise(rates)]
    assert ratios == pytest.approx([10 ** (4 / 7)] * 7, rel=0.03)
    assert outcomes == {"iterations_exhausted", "diverged"}
    expect(page.locator("#show")).to_have_value("4")  # the lowest cost
    open_drawer(page, "runs")
    table, race = box(page, "#race table"), box(page, "#race")
    assert table["width"] <= race["width"] <= viewport["width"]
    expect(rows.nth(3).locator("small").first).to_have_text("rate 5.20×10⁻⁴, from (0.5, 0.5)")
    assert page.evaluate("document.documentElement.scrollWidth") == viewport["width"]
    assert violations(page) == []


@pytest.mark.slow
def test_the_range_follows_the_optimizer(page: Page, api: httpx.Client) -> None:
    open_drawer(page, "settings")
    for optimizer in api.get("/v1/optimizers").json()["items"]:
        page.select_option("#optimizer", optimizer["name"])
        names = {parameter["name"]: parameter["default"] for parameter in optimizer["parameters"]}
        rate = next(name for name in ("learning_rate", "initial_step", "damping") if name in names)
        expect(page.locator("#sweep-name")).to_have_text(rate.replace("_", " ").capitalize())
        wait_until(
            page,
            """(rate) => [["low", 1e-3], ["high", 10]].every(([name, factor]) => {
              const { value } = document.querySelector(`#sweep-${name}`);
              return Math.abs(value / rate / factor - 1) < 1e-9;
            })""",
            arg=names[rate],
        )
        expect(page.locator("#sweep")).to_be_enabled()


@pytest.mark.slow
def test_an_invalid_range_cannot_be_trained(page: Page) -> None:
    open_drawer(page, "settings")
    expect(page.locator("#sweep-low")).not_to_have_value("")
    for low, high in (("0", "1"), ("1", "0.1"), ("1", "1000"), ("", "1")):
        open_drawer(page, "settings")
        page.fill("#sweep-low", low)
        open_drawer(page, "settings")
        page.fill("#sweep-high", high)
        expect(page.locator("#sweep")).to_be_disabled()
        expect(page.locator(".sweep [aria-invalid]")).to_have_count(1)
        expect(page.locator(".sweep").get_by_role("alert")).to_have_text(re.compile("^Must "))
        open_drawer(page, "settings")
        page.fill("#sweep-low", "0.001")
        open_drawer(page, "settings")
        page.fill("#sweep-high", "0.1")
        expect(page.locator("#sweep")).to_be_enabled()
    page.fill("#n_iterations", "5")
    open_drawer(page, "settings")
    page.fill("#sweep-high", "0.001")  # so narrow that there is one rate
    page.locator("#sweep-high").press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)


@pytest.mark.slow
def test_every_optimizer_has_one_rate_among_its_other_parameters(
    call_modules: ModuleCaller,
) -> None:
    states = call_modules(
        ["model/sweep"],
        """({ spreadRates }) => {
          const parameters = ["beta", "learning_rate"].map((name) => ({ name, default: 0.1 }));
          const state = { w_in: 1, parameters: { beta: 0.5, learning_rate: 3 } };
          return spreadRates(state, { parameters }, [0.1, 0.2]);
        }""",
    )
    assert states == [
        {"w_in": 1, "parameters": {"beta": 0.5}},
        {"w_in": 1, "parameters": {"beta": 0.5, "learning_rate": 0.2}},
    ]
