"""The state in the fragment of the address."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from tests.explorer.conftest import ModuleCaller

Opener = Callable[..., Page]


def test_the_fragment_holds_the_state_exactly(call_modules: "ModuleCaller") -> None:
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
        "iteration": 17,
        "valley": True,
    }
    written, read, default = call_modules(
        ["model/state"],
        """({ DEFAULTS, toHash, fromHash }, change) => {
          const state = { ...DEFAULTS, ...change };
          return [state, fromHash("#" + toHash(state)), toHash({ ...DEFAULTS })];
        }""",
        state,
    )
    assert written == read
    assert default == ""


def test_invalid_values_are_ignored(call_modules: "ModuleCaller") -> None:
    invalid = (
        "w_in=nan&view=3,1,0,1&runs=run_1,../x&iteration=&nothing=1&optimizer.x=y&seed=Infinity"
    )
    read, defaults = call_modules(
        ["model/state"], "({ DEFAULTS, fromHash }, text) => [fromHash(text), DEFAULTS]", invalid
    )
    assert read == defaults


def test_addresses_of_version_0_1_have_the_iteration_in_frame(call_modules: "ModuleCaller") -> None:
    function = '({ fromHash }) => fromHash("#frame=17").iteration'
    assert call_modules(["model/state"], function) == 17


def test_an_address_restores_the_page(open_page: Opener) -> None:
    first = open_page()
    first.get_by_role("button", name="Good start").click()
    expect(first.locator("tbody tr")).to_have_count(2)
    first.get_by_role("button", name="Pause", exact=True).click()
    first.locator("#timeline").fill("40")
    first.fill("#bits", "10101")
    first.check("#valley")
    first.get_by_text("More settings").click()
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
      code: document.querySelector("#code").textContent,
      hash: location.hash,
    })"""
    expect(second.locator(".optimum")).to_be_visible()
    expect(second.locator("#code")).to_have_text(first.text_content("#code") or "")
    assert second.evaluate(content) == first.evaluate(content)


def test_a_new_fragment_changes_the_page(page: Page) -> None:
    page.evaluate("location.hash = '#w_in=0.25&w_rec=-1&optimizer=adam&optimizer.beta_1=0.5'")
    expect(page.locator("#w_in")).to_have_value("0.25")
    expect(page.locator("#optimizer")).to_have_value("adam")
    expect(page.get_by_label("Beta 1")).to_have_value("0.5")
