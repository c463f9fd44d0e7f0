"""Swagger UI: every operation but deletion works when it is executed as it is filled in."""

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.explorer.conftest import TIMEOUT_MS


def execute(page: Page, index: int) -> tuple[str, int | None]:
    """Try out one operation; return its name and the status of the response, if it was sent."""
    block = page.locator(".opblock").nth(index)
    name = " ".join(block.locator(".opblock-summary").inner_text().split()[:2])
    block.locator(".opblock-summary-control").first.click()
    block.get_by_role("button", name="Try it out").click()
    block.get_by_role("button", name="Execute", exact=True).click()
    if "opblock-delete" in (block.get_attribute("class") or ""):
        # No id is filled in, since that would be what everybody's empty request makes.
        expect(block.locator("input.invalid")).to_have_value("")
        return name, None
    status = block.locator(".live-responses-table .response-col_status").last.inner_text()
    block.locator(".opblock-summary-control").first.click()
    return name, int(status.split()[0])


@pytest.mark.slow
def test_every_operation_works_at_the_first_click(
    browser: Browser, service_url: str, api: httpx.Client
) -> None:
    page = browser.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    page.goto(f"{service_url}/docs")
    page.wait_for_selector(".opblock")
    paths = api.get("/openapi.json").json()["paths"]
    statuses = [execute(page, i) for i in range(page.locator(".opblock").count())]
    assert len(statuses) == sum(map(len, paths.values()))
    assert {status for _, status in statuses} <= {None, 200, 201, 204}, statuses
    page.close()
