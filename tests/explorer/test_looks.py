"""The page on small screens, in the dark, under axe-core, under a finger."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

Opener = Callable[..., Page]

SETTLED = "#cost[data-value]:not([data-value=''])"
DESK = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page: Page) -> list[str]:
    options = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
    found = Axe().run(page, options=options).response["violations"]
    return [f"{rule['id']}: {node['html']}" for rule in found for node in rule["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESK, PHONE])
def test_axe_finds_nothing(open_page: Opener, scheme: str, viewport: dict[str, int]) -> None:
    page = open_page(color_scheme=scheme, viewport=viewport, reduced_motion="reduce")
    page.get_by_role("button", name="Bad start").click()
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_text("About this optimizer").click()
    assert violations(page) == []


def test_axe_finds_nothing_while_numbers_are_awaited(open_page: Opener) -> None:
    page = open_page(held=re.compile("/v1/(?!optimizers)"))
    assert page.locator("#cost").get_attribute("data-value") in {None, ""}
    for line in page.locator("#code code").all():
        assert "training-runs" in line.inner_text()
    assert violations(page) == []


def test_axe_would_find_something(page: Page) -> None:
    page.evaluate("document.querySelector('#theme').style.color = '#8a8a8a'")
    page.evaluate("document.querySelector('#theme').style.background = '#999999'")
    (found,) = violations(page)
    assert found.startswith("color-contrast: <button")


def test_a_phone_shows_all_without_scrolling_sideways(open_page: Opener) -> None:
    page = open_page(viewport=PHONE, reduced_motion="reduce")
    page.get_by_role("button", name="Good start").click()
    expect(page.locator("tbody tr")).to_have_count(2)
    sizes = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    width, shown = page.evaluate(sizes)
    assert width == shown == 390
    small = page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, summary")]
        .map((e) => [e.id || e.textContent, e.closest("label") ?? e])
        .map(([name, e]) => [name, e.getBoundingClientRect()])
        .filter(([, box]) => box.width && (box.right > 390 || Math.min(box.width, box.height) < 20))
        .map(([name]) => name)"""
    )
    assert small == []
    order = page.evaluate(
        """() => ["#surface", ".player", "#point-title", "#train-title"]
        .map((each) => document.querySelector(each).getBoundingClientRect().top)"""
    )
    assert order == sorted(order)
    expect(page.locator("#here")).to_have_text("cost 21.89, vanishing")


def test_a_finger_drags_and_two_fingers_zoom(open_page: Opener) -> None:
    page = open_page(viewport=PHONE, has_touch=True, is_mobile=True)
    page.wait_for_selector(SETTLED)
    page.locator("#surface").scroll_into_view_if_needed()
    box = page.locator(".surface .panel").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    hand = page.context.new_cdp_session(page)

    def touch(kind: str, *fingers: tuple[float, float]) -> None:
        points = [{"x": a, "y": b, "id": i} for i, (a, b) in enumerate(fingers)]
        hand.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", (x, y))
    touch("touchMove", (x + 20, y))
    touch("touchMove", (x + box["width"] / 6, y))
    touch("touchEnd")
    expect(page.locator("#w_in")).to_have_value(re.compile(r"^(1|0\.9\d*|1\.0\d*)$"))
    expect(page.locator("#w_rec")).to_have_value(re.compile(r"^-?0(\.0\d*)?$"))
    touch("touchStart", (x - 20, y), (x + 20, y))
    touch("touchMove", (x - 40, y), (x + 40, y))
    touch("touchMove", (x - 60, y), (x + 60, y))
    touch("touchEnd")
    # a third of the whole is left, and the axis says so
    expect(page.locator(".surface text", has_text=re.compile(r"^0\.5$")).first).to_be_visible()
    expect(page.locator(".surface text", has_text=re.compile(r"^3$"))).to_have_count(0)


def paper(page: Page) -> Any:
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_dark_and_light_follow_the_system_until_told_otherwise(open_page: Opener) -> None:
    page = open_page(color_scheme="dark")
    assert paper(page) == "rgb(13, 17, 23)"
    expect(page.get_by_role("link", name="Surface png")).to_have_attribute(
        "href", re.compile("theme=dark")
    )
    page.emulate_media(color_scheme="light")
    assert paper(page) == "rgb(245, 246, 248)"
    page.get_by_role("button", name="Dark theme").click()
    assert paper(page) == "rgb(13, 17, 23)"
    page.reload()
    assert paper(page) == "rgb(13, 17, 23)"
    page.get_by_role("button", name="Light theme").click()
    assert paper(page) == "rgb(245, 246, 248)"


def test_focus_is_seen_everywhere(page: Page) -> None:
    unseen = []
    for _ in range(12):
        page.keyboard.press("Tab")
        unseen += page.evaluate(
            """() => { const e = document.activeElement;
            const { outlineStyle, outlineWidth } = getComputedStyle(e);
            const ring = e.querySelector?.(".ring.outer");
            const seen = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2
              || ring && getComputedStyle(ring).stroke !== "none";
            return seen ? [] : [e.outerHTML.slice(0, 80)]; }"""
        )
    assert unseen == []


def test_dragging_keeps_up_with_the_screen(page: Page) -> None:
    """All that follows the hand takes less than half a frame, at the median."""
    box = page.locator(".surface .panel").bounding_box()
    assert box is not None
    page.evaluate(
        """() => { window.spent = []; const ask = window.requestAnimationFrame;
        window.requestAnimationFrame = (run) => ask((now) => {
          const began = performance.now(); run(now); spent.push(performance.now() - began); }); }"""
    )
    x, y = box["x"] + box["width"] / 4, box["y"] + box["height"] / 6
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 200, y + 150, steps=60)
    page.mouse.up()
    dragged = page.evaluate("spent.splice(0).toSorted((a, b) => a - b)")
    assert len(dragged) >= 10
    assert dragged[len(dragged) // 2] < 8
    for _ in range(20):
        page.mouse.wheel(0, -15)
    expect(page).to_have_url(re.compile("view="))
    zoomed = page.evaluate("spent.toSorted((a, b) => a - b)")
    assert zoomed[len(zoomed) // 2] < 50
