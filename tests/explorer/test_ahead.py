"""What is ahead: forecasts with plans on the page of fits, compared with the service."""

import re
from typing import Any

import httpx
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.explorer.conftest import (
    ModuleCaller,
    box,
    on_screens,
    violations,
    wait_for_value,
)
from tests.explorer.test_fit import FitOpener, choose_example, open_fit, shown_fit

N_STEPS = 12


__all__ = ["open_fit"]


def open_ahead(open_fit: FitOpener, **options: Any) -> Page:
    """Open the page with the fit of its first example, and its forecasts."""
    page = open_fit(**options)
    page.locator("#ahead > summary").click()
    return page


def fetch_inputs(api: httpx.Client, fit: dict[str, Any]) -> np.ndarray:
    """Return the inputs of the data of a fit with one sequence."""
    table = api.get(f"/v1/datasets/{fit['request']['dataset']['id']}.csv").text.splitlines()
    return np.array([[float(x) for x in line.split(",")[2:-1]] for line in table[1:]])


def read_plan(page: Page) -> list[list[float]]:
    """Return the numbers of the plan that the fields change."""
    _, *rows = page.input_value("#ahead-numbers").splitlines()
    return [[float(x) for x in row.split("\t")] for row in rows]


def test_doubling_an_input_takes_two_clicks(open_fit: FitOpener, api: httpx.Client) -> None:
    page = open_ahead(open_fit)
    page.get_by_role("button", name="double tv").click()
    fit = api.get(f"/v1/fits/{shown_fit(page)}").json()
    first = np.tile(fetch_inputs(api, fit).mean(axis=0), (N_STEPS, 1))
    other = first.copy()
    other[:4, 0] *= 2
    plans = [{"name": n, "inputs": x.tolist()} for n, x in (("A", first), ("B", other))]
    body: dict[str, Any] = {"model": {"kind": "fit", "id": fit["id"]}, "plans": plans}
    answer = api.post("/v1/predict", json=body | {"continue": {}}).json()
    verdict, *sentences = answer["summary"]["sentences"]
    notes = page.locator("#ahead-notes li")
    expect(notes).to_have_text(sentences)
    expect(page.locator("#ahead-verdict.trusted")).to_have_text(verdict)
    assert read_plan(page) == pytest.approx(other)
    future = page.locator("#ahead-chart text").filter(has_text=re.compile("^2026-0"))
    expect(future).not_to_have_count(0)
    for place in ("#ahead-chart .plan-b .fit-line", "#difference-chart .band"):
        expect(page.locator(place)).to_have_attribute("d", re.compile("^M"))
    page.locator("#ahead-goal").fill("140")
    page.locator("#ahead-goal").blur()
    goal = {"output": 140, "input": "tv"}
    answer = api.post("/v1/predict", json=body | {"continue": {}, "goal": goal}).json()
    expect(notes).to_have_text(answer["summary"]["sentences"][1:])
    page.select_option("#ahead-fill", "same")
    expect(page.locator("#difference-view")).to_be_hidden()


def test_a_bar_can_be_dragged_beyond_the_data(open_fit: FitOpener) -> None:
    page = open_ahead(open_fit)
    grip = page.locator(".grip").first
    grip.scroll_into_view_if_needed()
    expect(page.locator("#ahead-chart .plan-a .fit-line")).to_have_attribute("d", re.compile("^M"))
    area = box(page, ".grip")
    step = area["width"] / N_STEPS
    page.mouse.move(area["x"] + 2.5 * step, area["y"] + area["height"] - 4)
    page.mouse.down()
    page.mouse.move(area["x"] + 2.5 * step, area["y"] + 2)
    page.mouse.up()
    beyond = re.compile(r"tv of plan B reaches [\d.]+; in the data it is at most 17.4\.")
    expect(page.locator("#ahead-notes")).to_contain_text(beyond)
    rows = read_plan(page)
    others = [row[0] for k, row in enumerate(rows) if k != 2]
    assert rows[2][0] > 17.4
    assert set(others) == {others[0]}


def test_plans_are_filled_and_pasted(open_fit: FitOpener, api: httpx.Client) -> None:
    page = open_ahead(open_fit)
    expect(page.locator("#ahead-numbers")).to_have_value(re.compile("tv"))
    inputs = fetch_inputs(api, api.get(f"/v1/fits/{shown_fit(page)}").json())
    page.get_by_label("A", exact=True).check()
    filled = {"held": [inputs[-1]] * N_STEPS, "zero": np.zeros((N_STEPS, 2))}
    for fill, rows in {**filled, "repeated": inputs[-N_STEPS:]}.items():
        page.select_option("#ahead-fill", fill)
        assert read_plan(page) == pytest.approx(np.array(rows))
    page.get_by_text("The plan as numbers").click()
    numbers = page.locator("#ahead-numbers")
    numbers.fill("week\tsearch\ttv\nnext\t1,5\t2\nthen\t3\t4\n")
    numbers.blur()
    expect(page.locator("#ahead-steps")).to_have_value("2")
    assert read_plan(page) == [[2, 1.5], [4, 3]]
    numbers.fill("1 2\n3 x\n")
    numbers.blur()
    expect(page.locator("#ahead-unread")).to_contain_text("Row 2 has no number for search")
    page.locator("#ahead-steps").fill("3")
    page.locator("#ahead-steps").blur()
    expect(page.locator("#ahead-unread")).to_be_hidden()
    assert read_plan(page) == [[2, 1.5], [4, 3], [4, 3]]


def test_plans_of_a_rejected_fit_are_not_reliable(open_fit: FitOpener, api: httpx.Client) -> None:
    page = open_ahead(open_fit)
    fit = api.get(f"/v1/fits/{choose_example(page, 'room')}").json()
    assert fit["summary"]["level"] == "rejected"
    verdict = page.locator("#ahead-verdict.rejected")
    expect(verdict).to_have_text(f"Not reliable: {fit['summary']['headline']}")
    assert box(page, "#ahead-verdict")["y"] < box(page, "#ahead-chart")["y"]
    choose_example(page, "drug")
    expect(page.locator("#ahead-sequence option").first).to_have_text("patient 1")
    page.select_option("#ahead-sequence", "2")
    is_third = '"continue":{"sequence":2}'
    with page.expect_request(lambda request: is_third in (request.post_data or "")):
        page.select_option("#ahead-fill", "zero")


def test_a_season_is_repeated(call_modules: ModuleCaller) -> None:
    past = [[k] for k in range(10)]
    function = "({ fillPlan }, [past, period]) => fillPlan({ fill: 'repeated' }, past, 5, period)"
    expected = {3: [7, 8, 9, 7, 8], 7: [3, 4, 5, 6, 7], 20: [0, 1, 2, 3, 4]}
    for period, values in expected.items():
        rows = call_modules(["fit/plans"], function, [past, period])
        assert rows == [[value] for value in values]


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
@on_screens
def test_axe_finds_nothing_ahead(
    open_fit: FitOpener, scheme: str, viewport: dict[str, int]
) -> None:
    page = open_ahead(open_fit, color_scheme=scheme, viewport=viewport)
    page.get_by_role("button", name="double search").click()
    expect(page.locator("#difference-view")).to_be_visible()
    assert violations(page) == []
    width = "document.documentElement.scrollWidth"
    wait_for_value(page, lambda: page.evaluate(width), viewport["width"])
