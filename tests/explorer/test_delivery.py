"""What a load of the pages costs: requests for files, and movement on the screen."""

import pytest
from playwright.sync_api import Browser, ViewportSize

from tests.explorer.conftest import PHONE, TIMEOUT_MS, wait_until

LAPTOP: ViewportSize = {"width": 1280, "height": 720}
# The score of what has moved without a click or a key (web.dev/articles/cls); good is below 0.1.
COLLECT_SHIFTS = """window.shifts = [];
new PerformanceObserver((list) => shifts.push(...list.getEntries()))
  .observe({ type: "layout-shift", buffered: true });"""
SHIFT = """() => shifts.filter(({ hadRecentInput }) => !hadRecentInput)
  .reduce((sum, { value }) => sum + value, 0)"""
# What each page shows last.
DRAWN = {"": "#trace .trace", "fit": "#profile-chart .minimum"}

every_page = pytest.mark.parametrize("path", DRAWN)


@every_page
def test_a_warm_load_asks_for_no_file(browser: Browser, service_url: str, path: str) -> None:
    context = browser.new_context()
    context.set_default_timeout(TIMEOUT_MS)
    for is_warm in (False, True):
        page = context.new_page()
        page.goto(f"{service_url}/{path}")
        page.locator(DRAWN[path]).first.wait_for(state="attached")
        sizes = page.evaluate(
            """performance.getEntriesByType("resource")
            .filter(({ name }) => new URL(name).pathname.startsWith("/explorer/"))
            .filter(({ name }) => !name.endsWith(".csv")) // asked for when they are chosen
            .map(({ name, transferSize }) => [name, transferSize])"""
        )
        assert len(sizes) > 20
        asked = {name for name, size in sizes if size}
        assert asked == (set() if is_warm else {name for name, _ in sizes})
    context.close()


@every_page
@pytest.mark.parametrize("viewport", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_nothing_moves_while_a_page_loads(
    browser: Browser, service_url: str, path: str, viewport: ViewportSize
) -> None:
    context = browser.new_context(viewport=viewport)
    context.set_default_timeout(TIMEOUT_MS)
    context.add_init_script(COLLECT_SHIFTS)
    page = context.new_page()
    page.goto(f"{service_url}/{path}")
    page.locator(DRAWN[path]).first.wait_for(state="attached")
    wait_until(page, "() => document.fonts.status === 'loaded'")
    assert page.evaluate(SHIFT) < 0.1
    context.close()
