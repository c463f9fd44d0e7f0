"""The cost surface under pointer, wheel, keys and touch."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from tests.explorer.conftest import Explorer

Opener = Callable[..., Page]

PHONE = {"width": 390, "height": 844}


def test_the_point_follows_the_mouse(explorer: "Explorer") -> None:
    page = explorer.page
    x, y = explorer.point()
    page.mouse.move(x + 3, y - 2)
    page.mouse.down()
    page.mouse.move(x + 103, y + 48, steps=5)
    assert explorer.point() == pytest.approx((x + 100, y + 50), abs=1)
    page.mouse.up()
    page.mouse.move(x, y)
    panel = explorer.panel()
    w_in, w_rec = explorer.weights()
    assert w_in == pytest.approx(-1.5 + 600 / panel["width"], abs=0.02)
    assert w_rec == pytest.approx(2 - 300 / panel["height"], abs=0.02)
    explorer.assert_equals_service()


def test_a_click_moves_the_point_and_a_drag_beside_it_pans(explorer: "Explorer") -> None:
    page = explorer.page
    panel = explorer.panel()
    x, y = panel["x"] + panel["width"] * 0.75, panel["y"] + panel["height"] * 0.75
    page.mouse.click(x, y)
    expect(page.locator("#w_in")).to_have_value("1.5")
    expect(page.locator("#w_rec")).to_have_value("-1.5")
    before = explorer.weights()
    page.mouse.move(x - 120, y)
    page.mouse.down()
    page.mouse.move(x - 60, y - 30, steps=4)
    page.mouse.up()
    view = explorer.view()
    assert view[1] - view[0] == pytest.approx(6, abs=1e-3)
    assert view[0] == pytest.approx(-3 - 360 / panel["width"], abs=1e-3)
    assert view[2] == pytest.approx(-3 - 180 / panel["height"], abs=1e-3)
    assert explorer.weights() == before


def test_a_click_on_a_mark_moves_the_point(explorer: "Explorer") -> None:
    page = explorer.page
    star = page.locator(".optimum").bounding_box()
    assert star is not None
    page.mouse.click(star["x"] + star["width"] / 2, star["y"] + star["height"] / 2)
    expect(page.locator("#w_in")).to_have_value(re.compile(r"^(1|0\.99\d*|1\.0\d*)$"))


def test_the_wheel_zooms_around_the_mouse(explorer: "Explorer") -> None:
    page = explorer.page
    panel = explorer.panel()
    x, y = panel["x"] + panel["width"] / 4, panel["y"] + panel["height"] / 2  # (-1.5, 0)
    page.mouse.move(x, y)
    page.mouse.wheel(0, -100)
    view = explorer.view()
    assert view[1] - view[0] < 5.5
    assert view[0] + (view[1] - view[0]) / 4 == pytest.approx(-1.5, abs=5e-3)
    page.get_by_role("button", name="Reset view").click()
    expect(page).not_to_have_url(re.compile("view="))


def test_keys_move_the_point_and_screen_readers_get_its_numbers(explorer: "Explorer") -> None:
    page = explorer.page
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the cost surface")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    point = page.locator(".point")
    expect(point).to_be_focused()
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowDown", "Alt+ArrowLeft"):
        page.keyboard.press(key)
    expect(page.locator("#w_in")).to_have_value("-1.405")
    expect(page.locator("#w_rec")).to_have_value("1.5")
    expect(point).to_have_attribute("aria-label", "Start weights: input −1.405, recurrent 1.5")
    announcement = re.compile(r"^Cost .*, gradient exploding\.$")
    expect(page.locator("#announcement")).to_have_text(announcement)
    explorer.assert_equals_service()
    page.keyboard.press("+")
    expect(page).to_have_url(re.compile("view="))
    page.keyboard.press("0")
    expect(page).not_to_have_url(re.compile("view="))


def test_one_finger_drags_and_two_fingers_zoom(open_page: Opener) -> None:
    page = open_page(viewport=PHONE, has_touch=True, is_mobile=True)
    page.wait_for_selector("#cost[data-value]:not([data-value=''])")
    page.locator("#surface").scroll_into_view_if_needed()
    panel = page.locator(".surface .panel").bounding_box()
    assert panel is not None
    x, y = panel["x"] + panel["width"] / 2, panel["y"] + panel["height"] / 2
    session = page.context.new_cdp_session(page)

    def touch(kind: str, *fingers: tuple[float, float]) -> None:
        points = [{"x": a, "y": b, "id": i} for i, (a, b) in enumerate(fingers)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", (x, y))
    touch("touchMove", (x + 20, y))
    touch("touchMove", (x + panel["width"] / 6, y))
    touch("touchEnd")
    expect(page.locator("#w_in")).to_have_value(re.compile(r"^(1|0\.9\d*|1\.0\d*)$"))
    expect(page.locator("#w_rec")).to_have_value(re.compile(r"^-?0(\.0\d*)?$"))
    touch("touchStart", (x - 20, y), (x + 20, y))
    touch("touchMove", (x - 40, y), (x + 40, y))
    touch("touchMove", (x - 60, y), (x + 60, y))
    touch("touchEnd")
    # A third of the view is left, which the axis shows.
    expect(page.locator(".surface text", has_text=re.compile(r"^0\.5$")).first).to_be_visible()
    expect(page.locator(".surface text", has_text=re.compile(r"^3$"))).to_have_count(0)


def test_dragging_takes_less_than_half_a_frame(explorer: "Explorer") -> None:
    page = explorer.page
    panel = explorer.panel()
    page.evaluate(
        """() => { window.durations = []; const request = window.requestAnimationFrame;
        window.requestAnimationFrame = (run) => request((now) => {
          const start = performance.now(); run(now); durations.push(performance.now() - start); });
        }"""
    )
    x, y = panel["x"] + panel["width"] / 4, panel["y"] + panel["height"] / 6
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 200, y + 150, steps=60)
    page.mouse.up()
    drag = page.evaluate("durations.splice(0).toSorted((a, b) => a - b)")
    assert len(drag) >= 10
    assert drag[len(drag) // 2] < 8
    for _ in range(20):
        page.mouse.wheel(0, -15)
    expect(page).to_have_url(re.compile("view="))
    zoom = page.evaluate("durations.toSorted((a, b) => a - b)")
    assert zoom[len(zoom) // 2] < 50
