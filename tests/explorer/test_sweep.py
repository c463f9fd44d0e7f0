"""A sweep of learning rates: eight runs over the surface and in the cost chart."""

from itertools import pairwise

import httpx
import numpy as np
import pytest
from playwright.sync_api import expect

from tests.explorer.conftest import ModuleCaller, Opener, box, on_screens, open_drawer
from tests.explorer.test_accessibility import violations


@on_screens
def test_one_button_trains_with_eight_rates(
    open_page: Opener, api: httpx.Client, viewport: dict[str, int]
) -> None:
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
    names = [chip.get_attribute("title") for chip in page.locator(".chip").all()]
    assert str(names[0]).startswith("Run 1, Gradient descent 1.0×10⁻⁶: ")
    assert str(names[3]).startswith("Run 4, 1.4×10⁻⁴: ")
    assert page.evaluate("document.documentElement.scrollWidth") == viewport["width"]
    assert violations(page) == []


def test_every_optimizer_has_a_rate_to_sweep(call_modules: ModuleCaller, api: httpx.Client) -> None:
    for optimizer in api.get("/v1/optimizers").json()["items"]:
        names = {parameter["name"]: parameter["default"] for parameter in optimizer["parameters"]}
        rate = next(name for name in ("learning_rate", "initial_step", "damping") if name in names)
        states = call_modules(
            ["model/optimizers"],
            """({ spreadRates }, optimizer) =>
              spreadRates({ parameters: { other: 0.5, [optimizer.rate]: 3 } }, [optimizer])""",
            {**optimizer, "rate": rate},
        )
        spread = [state["parameters"].get(rate, names[rate]) for state in states]
        exact = np.geomspace(3e-4, 30, 8)
        assert spread == pytest.approx(exact.tolist(), rel=0.06)
        assert all(state["parameters"]["other"] == 0.5 for state in states)
