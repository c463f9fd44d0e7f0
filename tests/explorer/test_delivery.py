"""The source of the pages, what a load costs, proxies, screenshots, and Swagger UI."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Page, Route, ViewportSize, expect

from scripts import screenshots
from service.api.routes.explorer import FOLDER, PAGES
from tests.explorer.conftest import PHONE, TIMEOUT_MS, open_drawer, wait_until

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


MODULES = [path.relative_to(FOLDER).as_posix() for path in sorted(FOLDER.rglob("*.js"))]
CLASSIC_SCRIPTS = {"lib/theme.js", "lib/embed.js"}
MAY_IMPORT: dict[str, set[str]] = {
    "charts": {"charts", "lib", "model"},
    "fit": {"charts", "fit", "lib", "model", "views"},
    "lessons": {"lessons"},
    "lib": {"lib"},
    "model": {"lib", "model"},
    "views": {"charts", "lessons", "lib", "model", "views"},
}


def imports(module: str, pattern: str = r'^(?:import|export) [^;]*?from "(.*?)"') -> set[str]:
    """Return the modules that a module imports."""
    path = FOLDER / module
    names = re.findall(pattern, path.read_text(), re.MULTILINE)
    return {(path.parent / name).resolve().relative_to(FOLDER).as_posix() for name in names}


def imported_from(*modules: str) -> set[str]:
    """Return modules, and all that they import."""
    reached = set(modules)
    while more := set().union(*map(imports, reached)) - reached:
        reached |= more
    return reached


def test_every_module_is_used() -> None:
    explorer, fit = imported_from("main.js"), imported_from("fit/main.js")
    assert explorer == set(PAGES["/"].modules)
    assert fit == set(PAGES["/fit"].modules)
    assert not [name for name in explorer if name.startswith("fit/")]
    reached = explorer | fit
    while (
        later := set().union(*(imports(name, r'import\("(.*?)"\)') for name in reached)) - reached
    ):
        reached = reached | imported_from(*later)
    assert reached | CLASSIC_SCRIPTS == set(MODULES)


def test_the_pages_are_small() -> None:
    suffixes = (".js", ".css", ".html", ".ts")
    files = {path for path in FOLDER.rglob("*") if path.suffix in suffixes}
    fit = {path for path in files if "fit" in (path.stem, path.parent.name)}
    fit.remove(FOLDER / "charts" / "fit.js")
    for page, limit in ((files - fit, 7800), (fit, 2380)):
        assert sum(len(path.read_text().splitlines()) for path in page) <= limit


def test_modules_import_only_from_lower_layers() -> None:
    for module in MODULES:
        layers = {name.partition("/")[0] for name in imports(module)}
        assert layers <= MAY_IMPORT.get(module.partition("/")[0], layers), module
    assert imports("model/network.js") == set()  # the mathematics of the page


def test_modules_are_short() -> None:
    lengths = {module: len((FOLDER / module).read_text().splitlines()) for module in MODULES}
    assert {module for module, length in lengths.items() if length >= 300} == set()


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


ROOT = Path(__file__).parents[2]
# Limits of 255: fonts and antialiasing differ between machines.
MAX_MEAN, MAX_PERCENTILE_99 = 4.0, 45.0


def shrink(image: Image.Image) -> NDArray[np.float64]:
    """Return an image with so few pixels that letters are gray."""
    size = (image.width // 20, image.height // 20)
    return np.asarray(image.convert("RGB").resize(size, Image.Resampling.BOX), np.float64)


def difference(image: Image.Image, other: Image.Image) -> tuple[float, float]:
    """Return the mean and the 99th percentile of the differences between pixels."""
    differences = np.abs(shrink(image) - shrink(other))
    return float(differences.mean()), float(np.percentile(differences, 99))


@pytest.mark.slow
@pytest.mark.parametrize(
    "screenshot", screenshots.SCREENSHOTS, ids=lambda screenshot: screenshot.file_name
)
def test_the_page_looks_as_in_the_screenshot(
    browser: Browser, service_url: str, screenshot: Any
) -> None:
    taken = Image.open(BytesIO(screenshots.take(browser, service_url, screenshot)))
    with Image.open(ROOT / "docs" / "images" / screenshot.file_name) as saved:
        assert saved.size == taken.size
        mean, percentile_99 = difference(taken, saved)
    assert mean < MAX_MEAN, "run scripts/screenshots.py if the page was meant to change"
    assert percentile_99 < MAX_PERCENTILE_99


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
def test_every_operation_works(browser: Browser, service_url: str, api: httpx.Client) -> None:
    # The examples are in the order of the page, and one of a picture of plans precedes its fit.
    api.post("/v1/fits", json={}).raise_for_status()
    page = browser.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    page.goto(f"{service_url}/docs")
    page.wait_for_selector(".opblock")
    paths = api.get("/openapi.json").json()["paths"]
    statuses = [execute(page, i) for i in range(page.locator(".opblock").count())]
    assert len(statuses) == sum(map(len, paths.values()))
    assert {status for _, status in statuses} <= {None, 200, 201, 204}, statuses
    page.close()
