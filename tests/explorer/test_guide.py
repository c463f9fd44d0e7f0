"""The guide in a browser: no other host, no overflow, accessible."""

import pytest
from playwright.sync_api import Browser, ViewportSize

from service.api.routes.guide import FOLDER
from tests.explorer.conftest import PHONE, TIMEOUT_MS, violations, watch_page

LAPTOP: ViewportSize = {"width": 1280, "height": 720}
PAGES = [path.relative_to(FOLDER).as_posix() for path in sorted(FOLDER.rglob("*.html"))]
CHECKED = {"mathematics.html", "operations.html", "recipes/nile.html"}  # they have all elements


@pytest.mark.slow
@pytest.mark.parametrize("viewport", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_every_page_fits_and_is_accessible(
    browser: Browser, service_url: str, viewport: ViewportSize
) -> None:
    context = browser.new_context(viewport=viewport)
    context.set_default_timeout(TIMEOUT_MS)
    page = context.new_page()
    complaints: list[str] = []
    watch_page(page, service_url, (), complaints)
    for name in PAGES:
        page.goto(f"{service_url}/guide/{name}")
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= viewport["width"], name
        if name in CHECKED:
            complaints += violations(page)
    context.close()
    assert complaints == []


@pytest.mark.slow
def test_the_search_finds_sections_and_code_can_be_copied(
    browser: Browser, service_url: str
) -> None:
    context = browser.new_context(
        viewport=LAPTOP, permissions=["clipboard-read", "clipboard-write"]
    )
    context.set_default_timeout(TIMEOUT_MS)
    page = context.new_page()
    complaints: list[str] = []
    watch_page(page, service_url, (), complaints)
    page.goto(f"{service_url}/guide/recipes/sales.html")
    page.locator("pre").first.hover()
    page.get_by_role("button", name="Copy").first.click()
    page.get_by_role("button", name="Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("linear-rnn fit docs/recipes/data/sales_changes.csv")
    page.keyboard.press("/")
    page.keyboard.type("dead time of")
    first = page.locator("#found a").first
    first.wait_for()
    complaints += violations(page)
    assert "dead time of" in page.locator("#found").inner_text().lower()
    target = first.get_attribute("href")
    page.keyboard.press("Enter")
    page.wait_for_url(str(target))
    assert page.evaluate("document.getElementById(location.hash.slice(1)) !== null")
    page.get_by_role("link", name="Fitting your own sequences").first.click()
    page.locator(".turn a[rel=next]").click()
    page.get_by_role("heading", level=1, name="Tables for fits").wait_for()
    page.get_by_label("Search the guide").fill("qwertz")
    page.get_by_text("Nothing found").wait_for()
    context.close()
    assert complaints == []
