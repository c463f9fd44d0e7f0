"""A real service and a real browser for the tests of the explorer."""

import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    Request,
    Response,
    Route,
    ViewportSize,
    expect,
    sync_playwright,
)

from service.api.routes.explorer import FOLDER
from tests.programs import run_program, run_service

NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
]
TIMEOUT_MS = 240_000  # a worker has a low priority on a busy machine
COPIED_MS = HINT_MS = 1500  # how long the page shows that it has copied, and a hint
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
on_screens = pytest.mark.parametrize(
    "viewport",
    [pytest.param(DESKTOP, id="desktop"), pytest.param(PHONE, id="phone", marks=pytest.mark.slow)],
)
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]  # of axe-core
EVALUATED = "#cost[data-value]:not([data-value=''])"


def find_chromium() -> str:
    """Return the first Chromium on the PATH. Without one, skip the test, or let it fail in CI."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("Chromium is not on the PATH")
    return path


def wait_until(page: Page, condition: str, arg: Any = None) -> None:
    """Wait until a JavaScript function returns true.

    ``Page.wait_for_function`` calls ``eval`` in the page whenever the first try was false, which
    the policy of the page forbids.
    """
    wait_for_value(page, lambda: bool(page.evaluate(condition, arg)), expected=True)


def wait_for_value(page: Page, look: Callable[[], Any], expected: Any) -> None:
    """Wait until a function returns a value. The page draws what has changed in its next frame."""
    end = time.monotonic() + TIMEOUT_MS / 1000
    while (seen := look()) != expected:
        assert time.monotonic() < end, (seen, expected)
        page.wait_for_timeout(20)


def wait_until_painted(page: Page) -> None:
    """Wait until the surface has a color."""
    wait_until(
        page,
        """() => { const canvas = document.querySelector("#surface canvas");
        const pixel = [canvas.width >> 1, canvas.height >> 2, 1, 1];
        return canvas.getContext("2d").getImageData(...pixel).data[3] === 255; }""",
    )


def answer_first(
    page: Page, url: str | re.Pattern[str], *answers: Callable[[Route], object]
) -> None:
    """Let ``answers`` handle the first requests to ``url``, one each.

    The pattern stays in place: when ``times`` runs out, Playwright ends the interception of the
    page's requests, and one that is sent at that moment may never be answered.
    """
    remaining = iter(answers)

    def answer(route: Route) -> None:
        next(remaining, Route.fallback)(route)

    page.route(url, answer)


def make_holder() -> tuple[list[Route], Callable[[Route], None]]:
    """Return a list of requests without a response, and the handler that adds to it."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    return held, hold


def box(page: Page, selector: str) -> dict[str, float]:
    """Return the box of an element in pixels."""
    bounds = page.locator(selector).first.bounding_box()
    assert bounds is not None, selector
    return {side: float(bounds[side]) for side in ("x", "y", "width", "height")}


def count_sheets(page: Page) -> list[int]:
    """Return the numbers of sheets of a printed page, on A4 and on Letter."""
    documents = [page.pdf(format=size, print_background=True) for size in ("A4", "Letter")]
    return [len(re.findall(rb"/Type /Page\b", document)) for document in documents]


def violations(page: Page) -> list[str]:
    """Return what axe-core finds wrong with a page."""
    options = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
    rules = Axe().run(page, options=options).response["violations"]
    return [f"{rule['id']}: {node['html']}" for rule in rules for node in rule["nodes"]]


def open_drawer(page: Page, name: str) -> None:
    """Open a drawer, unless it is open."""
    if not page.locator(f"#{name}-drawer").is_visible():
        page.keyboard.press("Escape")  # closes another one, which covers the page of a phone
        page.locator(f"[data-opens={name}-drawer]").click()
        expect(page.locator(f"#{name}-drawer")).to_be_visible()


def hold_timers(page: Page, milliseconds: int) -> Callable[[], None]:
    """Let timers of one duration wait; return the function that runs them.

    A text that is shown for a moment otherwise disappears before a slow machine has seen it.
    """
    page.evaluate(
        """(milliseconds) => {
          const [setTimer, held] = [window.setTimeout, []];
          window.setTimeout = (run, ms) => ms === milliseconds ? held.push(run) : setTimer(run, ms);
          window.runTimers = () => held.splice(0).forEach((run) => run());
        }""",
        milliseconds,
    )

    def run() -> None:
        page.evaluate("runTimers()")

    return run


@pytest.fixture(scope="package")
def service_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a service that runs in its own process."""
    # A busy machine has time for what an idle one computes at once.
    with run_service(tmp_path_factory.mktemp("explorer"), RNN_MAX_SYNC_SECONDS="3") as url:
        yield url


@pytest.fixture(scope="package")
def api(service_url: str) -> Iterator[httpx.Client]:
    """Return a client of the same service."""
    with httpx.Client(base_url=service_url, timeout=TIMEOUT_MS / 1000) as client:
        yield client


# It ends with the tests of this package: while Playwright runs, its event loop is the running one,
# which prevents tests elsewhere from starting their own.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Return a headless Chromium."""
    path = find_chromium()
    expect.set_options(timeout=TIMEOUT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def shared_context(browser: Browser) -> BrowserContext:
    """Return the browser context of all tests, so that each loads the page from the cache."""
    context = browser.new_context(viewport=DESKTOP)
    context.set_default_timeout(TIMEOUT_MS)
    return context


def close_pages(context: BrowserContext) -> None:
    """Close the pages of a context, and remove what they stored."""
    for page in context.pages:
        if page.url.startswith("http"):
            page.evaluate("localStorage.clear()")  # all else that the page stores ends with the tab
        page.close()


@pytest.fixture
def context(shared_context: BrowserContext) -> Iterator[BrowserContext]:
    """Return a browser context without pages, permissions and stored data."""
    yield shared_context
    close_pages(shared_context)
    shared_context.clear_permissions()


Opener = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, context: BrowserContext, service_url: str) -> Iterator[Opener]:
    """Return a function that opens the explorer, or another path, in a new tab.

    The test fails if a page logs an error, requests another host, or gets a status of 400 or more
    that is not in ``expected``. The page is ready when it ``shows`` an element.
    ``device`` has the options of a browser context that is not shared, for example of a phone.
    """
    complaints: list[str] = []
    own_contexts: list[BrowserContext] = []

    def start(
        fragment: str = "",
        *,
        viewport: Any = DESKTOP,
        color_scheme: Any = None,
        reduced_motion: Any = None,
        expected: tuple[int, ...] = (),
        shows: str = "#optimizer option",
        **device: Any,
    ) -> Page:
        if device:
            own_contexts.append(browser.new_context(**device))
        page = (own_contexts[-1] if device else context).new_page()
        page.set_default_timeout(TIMEOUT_MS)
        page.set_viewport_size(viewport)
        page.emulate_media(color_scheme=color_scheme, reduced_motion=reduced_motion)
        watch_page(page, service_url, expected, complaints)
        page.goto(f"{service_url}/{fragment}")
        page.wait_for_selector("[data-ready]")
        page.wait_for_selector(shows, state="attached")
        return page

    yield start
    close_pages(context)
    for own_context in own_contexts:
        own_context.close()
    assert complaints == []


def watch_page(
    page: Page, service_url: str, expected: tuple[int, ...], complaints: list[str]
) -> None:
    """Collect what must not happen on a page."""

    def on_request(request: Request) -> None:
        if not request.url.startswith((service_url, "data:", "blob:")):
            complaints.append(f"request to another host: {request.url}")

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


@pytest.fixture
def page(open_page: Opener) -> Page:
    """Return the explorer in its initial state, with the numbers at the point."""
    page = open_page()
    page.wait_for_selector(EVALUATED)
    return page


@dataclass
class Explorer:
    """The page, with methods to read it and to compare it with the service."""

    page: Page
    api: httpx.Client

    def number(self, selector: str) -> float:
        """Return all digits of a number on the page."""
        return float(self.page.get_attribute(selector, "data-value") or "nan")

    def expect_number(self, selector: str, expected: Any) -> None:
        """Wait until a number on the page has a value."""
        wait_for_value(self.page, lambda: self.number(selector), expected)

    def evaluate(self, w_in: float, w_rec: float, **request: Any) -> dict[str, Any]:
        """Return the evaluation of the service at a point."""
        body = {"points": [{"w_in": w_in, "w_rec": w_rec}], **request}
        (evaluation,) = self.api.post("/v1/evaluate", json=body).json()["evaluations"]
        return dict(evaluation)

    def expect_cost(self, w_in: float, w_rec: float, **request: Any) -> None:
        """Wait until the page shows the cost that the service returns at a point."""
        cost = self.evaluate(w_in, w_rec, **request)["cost"]
        expect(self.page.locator("#cost")).to_have_attribute("data-value", repr(cost))

    def weights(self) -> tuple[float, float]:
        """Return the weights in the fields."""
        return float(self.page.input_value("#w_in")), float(self.page.input_value("#w_rec"))

    def point(self) -> tuple[float, float]:
        """Return the position of the point in pixels."""
        halo = box(self.page, ".point .halo")
        return halo["x"] + halo["width"] / 2, halo["y"] + halo["height"] / 2

    def panel(self) -> dict[str, float]:
        """Return the box of the heatmap in pixels."""
        return box(self.page, ".surface .panel")

    def view(self) -> list[float]:
        """Return low and high of w_in, then of w_rec, from the request for the same surface."""
        open_drawer(self.page, "code")
        self.page.select_option("#request", "surface")
        code = self.page.locator("#code code").first
        expect(code).to_contain_text("windows")
        command = code.inner_text()
        body = json.loads(command[command.index("{") : command.rindex("}") + 1])
        window = body["windows"][0]
        return [window[weight][end] for weight in ("w_in", "w_rec") for end in ("low", "high")]

    def assert_equals_service(self) -> None:
        """Compare the numbers at the point and the prediction with the service."""
        w_in, w_rec = self.weights()
        point = {"w_in": w_in, "w_rec": w_rec}
        evaluation = self.evaluate(**point)
        traces = self.api.post("/v1/gradient-trace", json={"points": [point]}).json()["traces"]
        bits = [[int(bit) for bit in self.page.input_value("#bits")]]
        request = {"model": {"kind": "weights", **point}, "inputs": bits}
        output = self.api.post("/v1/predict", json=request).json()["outputs"][0]
        self.expect_number("#cost", pytest.approx(evaluation["cost"], rel=1e-9))
        for weight, slope in evaluation["weight_gradient"].items():
            self.expect_number(f"#by_{weight}", pytest.approx(slope, rel=1e-9))
        self.expect_number("#growth", traces[0]["growth_per_step"])
        expect(self.page.locator("#regime")).to_have_attribute("data-regime", traces[0]["regime"])
        self.expect_number("#prediction", pytest.approx(output, rel=1e-12))


@pytest.fixture
def explorer(page: Page, api: httpx.Client) -> Explorer:
    """Return the explorer in its initial state."""
    return Explorer(page, api)


ModuleCaller = Callable[..., Any]


@pytest.fixture(scope="package")
def call_node() -> ModuleCaller:
    """Return a function as that of `call_modules`, for modules that need no page."""
    if shutil.which("node") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("node is not on the PATH")

    def call(names: list[str], function: str, argument: Any = None) -> Any:
        paths = [(FOLDER / f"{name}.js").as_uri() for name in names]
        script = f"""
          const modules = await Promise.all({json.dumps(paths)}.map((path) => import(path)));
          const encode = (key, value) => typeof value === "number" && !Number.isFinite(value)
            ? String(value) : ArrayBuffer.isView(value) ? [...value] : value;
          const [, argument] = process.argv;
          const result = ({function})(Object.assign({{}}, ...modules), JSON.parse(argument));
          console.log(JSON.stringify(await result, encode));
        """
        command = ("node", "--input-type=module", "--eval", script, json.dumps(argument))
        return json.loads(run_program(*command).stdout)

    return call


@pytest.fixture(scope="package")
def call_modules(browser: Browser, service_url: str) -> ModuleCaller:
    """Return a function that calls a JavaScript function with the exports of modules.

    It takes the names of the modules, the source of the function and its second argument. Numbers
    that are not finite are returned as text.
    """
    page = browser.new_page()
    # The explorer does not run, since its requests would reach a test that replaces `fetch`.
    page.route("**/main.js", lambda route: route.abort())
    page.goto(service_url)

    def call(names: list[str], function: str, argument: Any = None) -> Any:
        script = f"""async (argument) => {{
          const names = {json.dumps(names)};
          const {{ src }} = document.querySelector("script[type=module]");
          const modules = await Promise.all(names.map((name) => import(src.replace("main", name))));
          const exports = Object.assign({{}}, ...modules);
          const encode = (key, value) => typeof value === "number" && !Number.isFinite(value)
            ? String(value) : ArrayBuffer.isView(value) ? [...value] : value;
          return JSON.stringify(await ({function})(exports, argument), encode);
        }}"""
        return json.loads(page.evaluate(script, argument))

    return call
