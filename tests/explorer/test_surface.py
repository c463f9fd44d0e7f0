"""The cost surface under pointer, wheel, keys and touch."""

import re

import pytest
from playwright.sync_api import expect

from tests.explorer.conftest import (
    HINT_MS,
    PHONE,
    Explorer,
    Opener,
    box,
    hold_timers,
    open_drawer,
    wait_for_value,
    wait_until,
)

ZERO = r"^-?0(\.0\d*)?$"
ONE = r"^(1|0\.9\d*|1\.0\d*)$"


def test_the_point_follows_the_mouse(explorer: Explorer) -> None:
    page = explorer.page
    x, y = explorer.point()
    page.mouse.move(x + 3, y - 2)
    page.mouse.down()
    page.mouse.move(x + 103, y + 48, steps=5)
    wait_for_value(page, explorer.point, pytest.approx((x + 100, y + 50), abs=1))
    page.mouse.up()
    page.mouse.move(x, y)
    panel = explorer.panel()
    weights = (-1.5 + 600 / panel["width"], 2 - 300 / panel["height"])
    wait_for_value(page, explorer.weights, pytest.approx(weights, abs=0.02))
    explorer.assert_equals_service()


def test_a_click_moves_the_point_and_a_drag_beside_it_pans(explorer: Explorer) -> None:
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
    w_in, w_rec = 360 / panel["width"], 180 / panel["height"]
    view = [-3 - w_in, 3 - w_in, -3 - w_rec, 3 - w_rec]
    wait_for_value(page, explorer.view, pytest.approx(view, abs=1e-3))
    assert explorer.weights() == before


@pytest.mark.slow
def test_the_wheel_scrolls_the_page_without_the_control_key(explorer: Explorer) -> None:
    page = explorer.page
    page.set_viewport_size({"width": 1280, "height": 560})  # where the page is not one screen
    open_drawer(page, "code")
    panel = explorer.panel()
    page.mouse.move(panel["x"] + panel["width"] / 4, panel["y"] + panel["height"] / 2)  # (-1.5, 0)
    hint = page.get_by_text("To zoom, hold Ctrl or click first")
    expect(hint).to_be_hidden()
    run_timers = hold_timers(page, HINT_MS)
    page.mouse.wheel(0, 60)
    expect(hint).to_be_visible()
    wait_until(page, "() => scrollY > 30")
    assert explorer.view() == [-3, 3, -3, 3]
    run_timers()
    expect(hint).to_be_hidden()
    page.evaluate("scrollTo(0, 0)")
    page.keyboard.down("Control")
    page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    wait_for_value(page, lambda: explorer.view()[:2] != [-3, 3], expected=True)
    low, high, *_ = explorer.view()
    assert high - low < 5.5
    assert low + (high - low) / 4 == pytest.approx(-1.5, abs=5e-3)  # around the mouse


@pytest.mark.slow
def test_keys_move_the_point_and_screen_readers_get_its_numbers(explorer: Explorer) -> None:
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
    announcement = re.compile(r"^Cost .*, gradient exploding: above 1.1")
    expect(page.locator("#announcement")).to_have_text(announcement)
    explorer.assert_equals_service()
    page.keyboard.press("+")
    expect(page).to_have_url(re.compile("view="))
    page.keyboard.press("0")
    expect(page).not_to_have_url(re.compile("view="))


class Phone:
    """A page on a phone, with fingers."""

    def __init__(self, open_page: Opener) -> None:
        self.page = open_page(viewport=PHONE, has_touch=True, is_mobile=True)
        self.page.wait_for_selector("#cost[data-value]:not([data-value=''])")
        self.page.locator("#surface").scroll_into_view_if_needed()
        self.session = self.page.context.new_cdp_session(self.page)
        panel = box(self.page, ".surface .panel")
        self.width = panel["width"]
        self.center = (panel["x"] + panel["width"] / 2, panel["y"] + panel["height"] / 2)

    def touch(self, kind: str, *fingers: tuple[float, float]) -> None:
        points = [{"x": a, "y": b, "id": i} for i, (a, b) in enumerate(fingers)]
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def expect_point(self, w_in: str, w_rec: str) -> None:
        expect(self.page.locator("#w_in")).to_have_value(re.compile(w_in))
        expect(self.page.locator("#w_rec")).to_have_value(re.compile(w_rec))


@pytest.mark.slow
def test_a_tap_moves_the_point_and_a_finger_drags_it(open_page: Opener) -> None:
    phone = Phone(open_page)
    x, y = phone.center
    phone.touch("touchStart", (x, y))
    phone.touch("touchMove", (x + 4, y))
    expect(phone.page.locator("#w_in")).to_have_value("-1.5")  # it may be the first of two
    phone.touch("touchMove", (x + 20, y))
    phone.touch("touchMove", (x + phone.width / 6, y))  # beside the point: only sideways
    phone.touch("touchEnd")
    phone.expect_point(ONE, ZERO)
    phone.touch("touchStart", (x, y))
    phone.touch("touchEnd")
    phone.expect_point(ZERO, ZERO)
    phone.touch("touchStart", (x, y))  # on the point: it can also be dragged up and down
    phone.touch("touchMove", (x, y - 20))
    phone.touch("touchMove", (x, y - phone.width / 6))
    phone.touch("touchEnd")
    expect(phone.page.locator("#w_in")).to_have_value(re.compile(ZERO))
    expect(phone.page.locator("#w_rec")).not_to_have_value(re.compile(ZERO))
    assert phone.page.evaluate("visualViewport.scale") == 1


@pytest.mark.slow
def test_two_fingers_zoom_and_do_not_move_the_point(open_page: Opener) -> None:
    phone = Phone(open_page)
    x, y = phone.center
    phone.touch("touchStart", (x - 20, y))
    phone.touch("touchStart", (x - 20, y), (x + 20, y))
    phone.touch("touchMove", (x - 40, y), (x + 40, y))
    phone.touch("touchMove", (x - 60, y), (x + 60, y))
    phone.touch("touchEnd")
    page = phone.page
    # A third of the view is left, which the axis shows.
    expect(page.locator(".surface text", has_text=re.compile(r"^1$")).first).to_be_visible()
    expect(page.locator(".surface text", has_text=re.compile(r"^−?2$"))).to_have_count(0)
    phone.expect_point(r"^-1\.5$", "^2$")
    assert page.evaluate("visualViewport.scale") == 1


@pytest.mark.slow
def test_a_swipe_over_the_surface_scrolls_the_page(open_page: Opener) -> None:
    phone = Phone(open_page)
    x, y = phone.center
    before = phone.page.evaluate("scrollY")
    phone.touch("touchStart", (x, y))
    for distance in range(10, 151, 10):
        phone.touch("touchMove", (x + distance / 10, y - distance))
    phone.touch("touchEnd")
    wait_until(phone.page, f"() => scrollY > {before} + 50")
    phone.expect_point(r"^-1\.5$", "^2$")


@pytest.mark.slow
def test_the_controls_of_a_phone_do_not_cover_the_surface(open_page: Opener) -> None:
    page = Phone(open_page).page
    panel, zoom, options = (box(page, each) for each in (".surface .panel", "#zoom", ".options"))
    assert zoom["x"] > panel["x"] + panel["width"]
    assert options["y"] > panel["y"] + panel["height"]
