"""Form fields and what they say, and the page under axe-core, in both themes and by keyboard."""

import re

import pytest
from playwright.sync_api import Page, expect

from scripts.screenshots import BAD_START, GOOD_START
from tests.explorer.conftest import (
    DESKTOP,
    PHONE,
    Opener,
    box,
    make_holder,
    on_screens,
    open_drawer,
    violations,
    wait_for_value,
)

INVALID = [
    ("#n_steps", "201", "10", "Steps per sequence must be an integer from 1 to 200."),
    ("#n_samples", "0", "20", "Sequences must be an integer from 1 to 2,000."),
    ("#seed", "1.5", "1", "Random seed must be an integer from 0 to 4,294,967,295."),
    ("#noise", "-1", "0", "Noise on the targets must be a number from 0 to 1,000,000."),
    ("#n_iterations", "1e9", "500", "Iterations must be an integer from 0 to 1,000,000."),
    ("#bits", "0120", "011000010011", "Bits must be 1 to 60 digits 0 or 1."),
    ("#w_in", "1,234", "-1,5", "Start w_in must be a number from −1×10¹⁰⁰ to 1×10¹⁰⁰."),
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


DARK, LIGHT = "rgb(16, 18, 22)", "rgb(253, 253, 251)"


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
@on_screens
def test_axe_finds_no_violations(open_page: Opener, scheme: str, viewport: dict[str, int]) -> None:
    page = open_page(BAD_START, color_scheme=scheme, viewport=viewport, reduced_motion="reduce")
    expect(page.locator("tbody tr")).to_have_count(2)
    open_drawer(page, "settings")
    assert violations(page) == []


@pytest.mark.slow
@pytest.mark.parametrize("query", ["", "?present"])
def test_axe_finds_no_violations_where_weights_overflow(open_page: Opener, query: str) -> None:
    page = open_page(f"{query}#lesson=4", reduced_motion="reduce")
    expect(page.locator("#shown_w_in")).to_contain_text("×10⁶⁶")
    assert violations(page) == []


def test_a_phone_needs_no_horizontal_scrolling(open_page: Opener) -> None:
    page = open_page(GOOD_START, viewport=PHONE, reduced_motion="reduce")
    expect(page.locator("tbody tr")).to_have_count(2)
    widths = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    assert page.evaluate(widths) == [390, 390]
    small = page.evaluate(
        """() => [...document.querySelectorAll("a.quiet, button, input, select, summary")]
        .map((e) => [e.id || e.textContent, e.closest("label") ?? e])
        .map(([name, e]) => [name, e.getBoundingClientRect()])
        .filter(([, box]) => box.width && (box.right > 390 || Math.min(box.width, box.height) < 24))
        .map(([name]) => name)"""
    )
    assert small == []
    order = page.evaluate(
        """() => ["#surface", "#train", "#optimizer", "#headline", "#cost-chart"]
        .map((each) => document.querySelector(each).getBoundingClientRect().top)"""
    )
    assert order == sorted(order)
    page.locator("#trace").scroll_into_view_if_needed()
    for shown in ("#surface", "#train"):  # which stay in view
        expect(page.locator(shown)).to_be_in_viewport()


def expect_background(page: Page, color: str) -> None:
    expect(page.locator("body")).to_have_css("background-color", color)


@pytest.mark.slow
def test_the_theme_is_that_of_the_system_until_the_user_changes_it(open_page: Opener) -> None:
    page = open_page(color_scheme="dark")
    expect_background(page, DARK)
    open_drawer(page, "code")
    expect(page.get_by_role("link", name="Surface PNG")).to_have_attribute(
        "href", re.compile("theme=dark")
    )
    page.emulate_media(color_scheme="light")
    expect_background(page, LIGHT)
    page.get_by_role("button", name="Dark theme").click()
    expect_background(page, DARK)
    page.reload()
    expect_background(page, DARK)
    page.get_by_role("button", name="Light theme").click()
    expect_background(page, LIGHT)


@pytest.mark.slow
def test_focus_is_visible(page: Page) -> None:
    invisible = []
    for _ in range(12):
        page.keyboard.press("Tab")
        invisible += page.evaluate(
            """() => { const e = document.activeElement;
            const { outlineStyle, outlineWidth } = getComputedStyle(e);
            const ring = e.querySelector?.(".ring.outer");
            const visible = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2
              || ring && getComputedStyle(ring).stroke !== "none";
            return visible ? [] : [e.outerHTML.slice(0, 80)]; }"""
        )
    assert invisible == []
