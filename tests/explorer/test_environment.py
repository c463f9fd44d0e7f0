"""The page behind a proxy that removes a path prefix, and the tests without a browser."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.explorer.conftest import TIMEOUT_MS

ROOT = Path(__file__).parents[2]


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
        found = next(filter(None, map(address.search, process.stderr)), None)
        assert found is not None
        yield found[1]
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
    expect(page.locator("#code code").first).to_contain_text("/rnn/v1/training-runs")
    assert outside == []


def run_without_a_browser(tmp_path: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = {k: v for k, v in os.environ.items() if k != "CI"}
    arguments = ["-q", "-p", "no:cacheprovider", "tests/explorer/test_code.py"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=ROOT,
        env={**environment, "PATH": str(tmp_path), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_without_a_browser_the_summary_says_what_did_not_run(tmp_path: Path) -> None:
    done = run_without_a_browser(tmp_path)
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED, done.stdout + done.stderr
    assert "NOT RUN" in done.stdout
    assert re.search(r"\d+ tests of the explorer need Chromium", done.stdout)


@pytest.mark.slow
def test_without_a_browser_ci_fails(tmp_path: Path) -> None:
    done = run_without_a_browser(tmp_path, CI="true")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "tests need a browser" in done.stdout + done.stderr
