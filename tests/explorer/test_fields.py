"""Form fields: what they accept, and what they say about everything else."""

import pytest
from playwright.sync_api import Page, expect

from tests.explorer.conftest import DESKTOP, ModuleCaller, box, open_drawer, wait_for_value
from tests.explorer.test_jobs import make_holder

INVALID = [
    ("#n_steps", "201", "10", "Steps per sequence must be an integer from 1 to 200."),
    ("#n_samples", "0", "20", "Sequences must be an integer from 1 to 2,000."),
    ("#seed", "1.5", "1", "Random seed must be an integer from 0 to 4,294,967,295."),
    ("#noise", "-1", "0", "Noise on the targets must be a number from 0 to 1,000,000."),
    ("#n_iterations", "1e9", "500", "Iterations must be an integer from 0 to 1,000,000."),
    ("#bits", "0120", "011000010011", "Bits must be 1 to 60 digits 0 or 1."),
    ("#w_in", "", "-1.5", "Start w_in must be a number from −1×10¹⁰⁰ to 1×10¹⁰⁰."),
    ("[name=initial_step]", "0", "0.001", "Initial step must be a number above 0"),
]


def test_a_value_that_is_not_valid_is_named(page: Page) -> None:
    for field, text, valid, message in INVALID:
        if not page.locator(field).is_visible():
            open_drawer(page, "data")
        page.fill(field, text)
        expect(page.locator(field)).to_have_attribute("aria-invalid", "true")
        note = page.get_by_role("alert").filter(has_text=message)
        expect(note).to_be_visible()
        page.locator(field).blur()
        expect(page.locator(field)).to_have_value(text)
        below, above = box(page, ".field-problem"), box(page, field)
        assert below["y"] >= above["y"] + above["height"]
        assert below["x"] + below["width"] <= DESKTOP["width"]
        page.fill(field, valid)
        expect(note).to_have_count(0)
        expect(page.locator(field)).not_to_have_attribute("aria-invalid", "true")
    held, hold = make_holder()
    page.route("**/v1/datasets", hold)
    with page.expect_request("**/v1/datasets"):
        open_drawer(page, "data")
        page.fill("#n_samples", "9")
    open_drawer(page, "data")
    page.fill("#n_samples", "9999")
    wait_for_value(page, lambda: len(held), 1)
    held[0].continue_()
    expect(page.locator("#fit-chart .sample")).to_have_count(9)
    expect(page.locator("#n_samples")).to_have_attribute("aria-invalid", "true")


PARSE = (["lib/format"], "({ parseNumber }, text) => parseNumber(text)")


@pytest.mark.parametrize(
    ("text", "number"),
    [("0,5", 0.5), ("-1,25", -1.25), (" 2 ", 2), ("1e-3", 0.001), ("0,125", 0.125)],
)
def test_a_comma_is_a_decimal_mark(call_modules: ModuleCaller, text: str, number: float) -> None:
    assert call_modules(*PARSE, text) == number


@pytest.mark.parametrize("text", ["1,234", "-12,500", "1,2,3", "1,234.5", "", " ", "x"])
def test_a_number_that_can_be_read_in_two_ways_is_none(
    call_modules: ModuleCaller, text: str
) -> None:
    assert call_modules(*PARSE, text) == "NaN"


@pytest.mark.slow
def test_a_comma_is_typed(page: Page) -> None:
    for field in ("#w_in", "[name=initial_step]", "#noise"):
        if field == "#noise":
            open_drawer(page, "data")
        page.fill(field, "")
        page.locator(field).press_sequentially("0,5")
        page.locator(field).blur()
        expect(page.locator(field)).to_have_value("0.5")
    page.keyboard.press("Escape")
    page.fill("#w_in", "")
    page.locator("#w_in").press_sequentially("1,234")
    expect(page.locator("#w_in")).to_have_attribute("aria-invalid", "true")
