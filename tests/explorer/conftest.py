"""A real service and a real browser for the explorer's tests.

Where there is no Chromium its tests are left out, loudly; in CI leaving out is failing.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, Request, Response, expect, sync_playwright

NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
PATIENCE_MS = 15_000
LEFT_OUT = pytest.StashKey[int]()


def chromium() -> str | None:
    """Return the first Chromium on the PATH."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    needing = [item for item in items if "browser" in getattr(item, "fixturenames", ())]
    if not needing or chromium():
        return
    if os.environ.get("CI"):
        message = f"{len(needing)} tests need a browser, and none of {', '.join(NAMES)} is here"
        raise pytest.UsageError(message)
    config.hook.pytest_deselected(items=needing)
    items[:] = [item for item in items if item not in needing]
    config.stash[LEFT_OUT] = len(needing)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    left_out = config.stash.get(LEFT_OUT, 0)
    if left_out:
        terminalreporter.section("LEFT OUT", red=True, bold=True)
        terminalreporter.line(
            f"{left_out} tests of the explorer need Chromium, and there is none on the PATH.\n"
            "On Debian: apt-get install chromium.  On macOS: brew install chromium."
        )


@pytest.fixture(scope="session")
def service_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a service that runs in a process of its own."""
    folder = tmp_path_factory.mktemp("explorer")
    command = [sys.executable, "-m", "service", "serve", "--port", "0", "--data-dir", str(folder)]
    log = folder / "log"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command,
            env={**os.environ, "RNN_LOG_LEVEL": "warning"},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        greeting = re.compile(r"http://127\.0\.0\.1:\d+")
        found = next(filter(None, map(greeting.search, process.stdout)), None)
        assert found is not None, log.read_text()
        yield found[0]
        process.terminate()


@pytest.fixture(scope="session")
def api(service_url: str) -> Iterator[httpx.Client]:
    """Return a client of the same service, to hold the page against."""
    with httpx.Client(base_url=service_url) as client:
        yield client


# One for each module: while Playwright runs, its event loop is the running one, and tests elsewhere
# want their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a Chromium without a window."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield browser
        browser.close()


Opener = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, service_url: str) -> Iterator[Opener]:
    """Return what opens the explorer at a state, in a browser that has never seen it.

    In the end the page must not have complained, nor asked anybody else for anything.  Answers
    of 4xx and 5xx are complaints unless the status was ``expected``.  Questions to a ``held``
    pattern of addresses are never answered.
    """
    complaints: list[str] = []
    contexts = []

    def start(
        state: str = "",
        *,
        expected: tuple[int, ...] = (),
        held: re.Pattern[str] | None = None,
        **options: Any,
    ) -> Page:
        size = options.pop("viewport", {"width": 1280, "height": 800})
        context = browser.new_context(viewport=size, **options)
        contexts.append(context)
        if held:
            context.route(held, lambda _route: None)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)

        def on_request(request: Request) -> None:
            if not request.url.startswith((service_url, "data:", "blob:")):
                complaints.append(f"foreign request: {request.url}")

        def on_response(response: Response) -> None:
            if response.status >= 400 and response.status not in expected:
                complaints.append(f"{response.status} {response.url}")

        page.on("request", on_request)
        page.on("response", on_response)
        page.on("pageerror", lambda error: complaints.append(f"uncaught: {error}"))
        page.on(
            "console",
            lambda message: (
                complaints.append(f"{message.type}: {message.text}")
                if message.type in {"error", "warning"} and "Failed to load" not in message.text
                else None
            ),
        )
        page.goto(f"{service_url}/{state}")
        page.wait_for_selector("[data-ready]")
        page.wait_for_selector("#optimizer option", state="attached")
        return page

    yield start
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def page(open_page: Opener) -> Page:
    """Return the explorer as it opens, once its first numbers stand."""
    page = open_page()
    page.wait_for_selector("#cost[data-value]:not([data-value=''])")
    return page
