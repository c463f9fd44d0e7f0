"""The page under axe-core, on a small screen, in both themes and by keyboard."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from scripts.screenshots import BAD_START, GOOD_START
from tests.explorer.conftest import PHONE, Opener, on_screens, open_drawer

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
DARK, LIGHT = "rgb(16, 18, 22)", "rgb(253, 253, 251)"


def violations(page: Page) -> list[str]:
    options = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
    rules = Axe().run(page, options=options).response["violations"]
    return [f"{rule['id']}: {node['html']}" for rule in rules for node in rule["nodes"]]


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
