"""The state in the fragment of the address."""

import re
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from playwright.sync_api import Page, expect

from scripts.screenshots import GOOD_START
from tests.explorer.conftest import (
    COPIED_MS,
    EVALUATED,
    ModuleCaller,
    Opener,
    hold_timers,
    open_drawer,
    wait_for_value,
    wait_until_painted,
)


def test_the_fragment_holds_the_state_exactly(call_modules: ModuleCaller) -> None:
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
        "runs": ["optimizer:rprop", "optimizer:adam;w_in:-1e90;optimizer.beta_1:0.5"],
        "iteration": 17,
        "valley": True,
    }
    written, read, default = call_modules(
        ["model/state", "model/address"],
        """({ DEFAULTS, toHash, readHash }, change) => {
          const state = { ...DEFAULTS, ...change };
          return [state, readHash("#" + toHash(state)), toHash({ ...DEFAULTS })];
        }""",
        state,
    )
    assert read == {"state": written, "ignored": []}
    assert default == ""


INVALID = {
    "w_in": "nan",
    "w_rec": "1e101",
    "initial_state": "",
    "view": "3,1,0,1",
    "bits": "0120",
    "n_samples": "2001",
    "n_steps": "0",
    "seed": "1.5",
    "noise": "-1",
    "activation": "softplus",
    "n_iterations": "1e9",
    "target_cost": "-1",
    "clip": "';touch x;echo '",
    "threshold": "0",
    "runs": "run_1,../x",
    "run": "optimizer:adam;run:optimizer:rprop",
    "iteration": "-1",
    "show": "9",
    "speed": "Infinity",
    "valley": "constructor",
    "optimizer": "';touch x;echo '",
    "optimizer.learning_rate": "fast",
    "optimizer.x y": "1",
    "parameters": "1",
    "__proto__": "1",
    "constructor": "1",
    "nothing": "1",
}


def test_invalid_values_are_ignored_and_reported(call_modules: ModuleCaller) -> None:
    read, defaults = call_modules(
        ["model/state", "model/address"],
        "({ DEFAULTS, readHash }, text) => [readHash(text), DEFAULTS]",
        urlencode(INVALID),
    )
    assert read["state"] == defaults
    assert {entry["pointer"] for entry in read["ignored"]} == set(INVALID)


OUT_OF_RANGE = {
    "n_samples=0": "n_samples: must be an integer from 1 to 2,000",
    "n_steps=500": "n_steps: must be an integer from 1 to 200",
    "w_rec=1e400": "w_rec: must be a number from −1×10¹⁰⁰ to 1×10¹⁰⁰",
    "view=0,1e300,0,1": "view: must be low and high of both weights, within ±10⁹",
    "noise=1e300": "noise: must be a number from 0 to 1,000,000",
    "view=1e18,1000000000000000128,0,1": "view: must be",
    "optimizer=adam&optimizer.beta_1=2": "optimizer.beta_1: not a parameter of Adam, or",
}


def test_values_out_of_range_leave_the_defaults_and_a_message(open_page: Opener) -> None:
    problem = open_page("#optimizer=sgd").locator("#address-problem")
    expect(problem).to_contain_text("optimizer: must be one of rprop, ")
    page = open_page(f"#{'&'.join(OUT_OF_RANGE)}")
    for detail in OUT_OF_RANGE.values():
        expect(page.locator("#address-problem")).to_contain_text(detail)
    page.wait_for_selector(EVALUATED)
    expect(page.locator(".optimum")).to_be_visible()
    wait_until_painted(page)
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator("tbody tr")).to_have_count(1)


RACE = [
    {"optimizer": {"name": "rprop"}, "n_iterations": 500},
    {
        "initial_weights": {"w_in": 0.5, "w_rec": -1e-7},
        "optimizer": {"name": "momentum", "learning_rate": 0.001, "nesterov": True},
        "n_iterations": 20,
        "target_cost": 0.001,
        "clip": {"by": "norm", "threshold": 2.5},
    },
]


@pytest.mark.slow
def test_a_link_carries_what_was_asked_of_its_runs(
    open_page: Opener, api: httpx.Client, call_modules: ModuleCaller
) -> None:
    runs = [api.post("/v1/training-runs", json=body).json() for body in RACE]
    texts = call_modules(
        ["model/address"],
        "({ toRunText }, requests) => requests.map((request) => toRunText(request, []))",
        [run["request"] for run in runs],
    )
    for run in runs:
        assert api.delete(f"/v1/training-runs/{run['id']}").status_code == 204
    page = open_page("#" + urlencode({"run": texts}, doseq=True))
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(2)
    for row, run in zip(rows.all(), runs, strict=True):
        expect(row).to_have_attribute("data-run", run["id"])
        stored = api.get(f"/v1/training-runs/{run['id']}").json()
        assert stored["final"] == run["final"]
    short = "#run=optimizer:rprop&run=optimizer:momentum;w_in:0.5;w_rec:-1e-7;optimizer.learn"
    expect(page).to_have_url(re.compile(re.escape(short)))


@pytest.mark.slow
def test_the_link_can_be_copied_or_is_in_the_address(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.fill("#w_in", "0.5")
    run_timers = hold_timers(page, COPIED_MS)
    button = page.locator("#copy-link")
    button.click()
    expect(button).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.partition("#")[2] == "w_in=0.5&show=0"
    run_timers()
    expect(button).to_have_text("Copy link")
    page.evaluate("delete Navigator.prototype.clipboard")
    button.click()
    expect(button).to_have_text("Copy the address")
    expect(page).to_have_url(re.compile("#w_in=0.5&show=0$"))


@pytest.mark.slow
def test_back_returns_to_the_runs_before_and_a_new_fragment_changes_the_page(page: Page) -> None:
    page.fill("#w_in", "0.25")
    page.fill("#n_iterations", "40")
    page.get_by_role("button", name="Train", exact=True).click()
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(1)
    run = rows.get_attribute("data-run")
    page.get_by_role("button", name="Lesson", exact=True).click()
    expect(rows).to_have_count(0)
    page.get_by_role("button", name="Step 5: Only the sign").click()
    expect(rows).to_have_count(2)
    expect(page).to_have_url(re.compile("lesson=5.*run=|run=.*lesson=5"))
    page.go_back()
    expect(rows).to_have_count(0)
    page.go_back()
    expect(rows).to_have_count(1)
    expect(rows).to_have_attribute("data-run", str(run))
    expect(page.locator("#w_in")).to_have_value("0.25")
    expect(page.locator("#n_iterations")).to_have_value("40")
    page.go_forward()
    expect(page.locator("#lesson h2")).to_contain_text("Step 1")
    expect(rows).to_have_count(0)
    page.go_forward()
    expect(rows).to_have_count(2)
    page.evaluate("location.hash = '#w_in=0.25&w_rec=-1&optimizer=adam&optimizer.beta_1=0.5'")
    expect(page.locator("#w_in")).to_have_value("0.25")
    expect(page.locator("#optimizer")).to_have_value("adam")
    expect(page.get_by_label("Beta 1")).to_have_value("0.5")


def test_an_address_restores_the_page(open_page: Opener) -> None:
    first = open_page(GOOD_START)
    expect(first.locator("tbody tr")).to_have_count(2)
    first.locator("#timeline").fill("40")
    first.fill("#bits", "10101")
    first.check("#valley")
    open_drawer(first, "settings")
    first.fill("#target_cost", "0.001")
    expect(first).to_have_url(re.compile("bits=10101.*target_cost=0.001.*valley=true"))
    second = open_page("#" + first.url.partition("#")[2])
    expect(second.locator("tbody tr")).to_have_count(2)
    expect(second.locator("#iteration")).to_have_text("40 of 500")
    content = """() => ({
      fields: [...document.querySelectorAll("input, select")]
        .map((field) => [field.id, field.value, field.checked]),
      numbers: [...document.querySelectorAll("[data-value]")].map((e) => e.dataset.value),
      figure: document.querySelector(".surface svg").innerHTML.split(">"),
      note: document.querySelector("#note").textContent,
      hash: location.hash,
    })"""
    expect(second.locator(".optimum")).to_be_visible()

    def differences() -> dict[str, Any]:
        one, other = (page.evaluate(content) for page in (first, second))
        return {name: (one[name], other[name]) for name in one if one[name] != other[name]}

    wait_for_value(second, differences, {})
