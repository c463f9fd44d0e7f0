"""The guide in a browser: no other host, no overflow, accessible."""

import pytest
from playwright.sync_api import Browser, ViewportSize

from service.api.routes.guide import FILES
from tests.explorer.conftest import PHONE, TIMEOUT_MS, violations, watch_page

LAPTOP: ViewportSize = {"width": 1280, "height": 720}
PAGES = [name for name in FILES if name.endswith(".html")]
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
