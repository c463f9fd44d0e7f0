"""The page behind a proxy that removes a path prefix."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.explorer.conftest import TIMEOUT_MS, open_drawer


@pytest.fixture
def prefixed_url(tmp_path: Path) -> Iterator[str]:
    """Return the address of a service with the root path /rnn."""
    command = [sys.executable, "-m", "uvicorn", "--factory", "service.app:create_app"]
    with subprocess.Popen(
        [*command, "--port", "0", "--root-path", "/rnn", "--timeout-graceful-shutdown", "1"],
        env={**os.environ, "RNN_DATA_DIR": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        address = re.compile(r"running on (http://[\d.:]+)")
        match = next(filter(None, map(address.search, process.stderr)), None)
        assert match is not None
        yield match[1]
        process.terminate()


@pytest.mark.slow
def test_the_page_works_behind_a_prefix(browser: Browser, prefixed_url: str) -> None:
    page = browser.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    outside: list[str] = []

    def remove_prefix(route: Route) -> None:
        path = route.request.url.removeprefix(prefixed_url)
        if not path.startswith("/rnn/"):
            outside.append(path)
        url = prefixed_url + path.removeprefix("/rnn")
        route.fulfill(response=route.fetch(url=url, timeout=TIMEOUT_MS))

    page.route("**/*", remove_prefix)
    page.goto(f"{prefixed_url}/rnn/")
    expect(page.locator("#cost")).to_have_text("6.16×10⁵")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator("tbody tr")).to_have_count(1)
    open_drawer(page, "code")
    expect(page.locator("#code code").first).to_contain_text("/rnn/v1/training-runs")
    assert outside == []
