"""The page embedded in other pages, with one view or without some of its parts."""

import re
from html import unescape
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from tests.explorer.conftest import Opener, box, open_drawer, wait_for_value
from tests.programs import run_service

RUN = "#run=optimizer:rprop;n_iterations:40&iteration=7"
VIEWS = {"surface": "#surface", "network": "#unrolled", "trace": "#trace"}
HEIGHTS = {"surface": 560, "network": 260, "trace": 400}  # of the frames, without a scroll bar
PARTS = {
    "links": "#copy-link",
    "introduction": "#headline",
    "options": "#zoom",
    "training": "#train",
    "player": ".player",
    "runs": "[data-opens=runs-drawer]",
    "charts": "#cost-chart",
    "network": "#unrolled",
    "point": "#trace",
    "prediction": "#bits",
    "data": "[data-opens=data-drawer]",
    "code": "[data-opens=code-drawer]",
    "embed": "[data-opens=embed-drawer]",
}


@pytest.fixture
def other_origin(service_url: str) -> str:
    """Return another name of the address at which the service listens."""
    return service_url.replace("127.0.0.1", "localhost")


@pytest.mark.parametrize(
    "view",
    ["surface", *(pytest.param(view, marks=pytest.mark.slow) for view in ("network", "trace"))],
)
def test_an_embedded_page_shows_one_view_and_its_player(open_page: Opener, view: str) -> None:
    viewport = {"width": 720, "height": HEIGHTS[view]}
    page = open_page(f"?embed={view}{RUN}", viewport=viewport)
    expect(page.locator("#iteration")).to_have_text("7 of 40")
    for name, selector in VIEWS.items():
        expect(page.locator(selector)).to_be_visible(visible=name == view)
    for selector in ("#headline", "#race", "#cost-chart", "#seed", "#code"):
        expect(page.locator(selector)).to_be_hidden()
    page.get_by_role("button", name="Step", exact=True).click()
    expect(page.locator("#iteration")).to_have_text("8 of 40")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator("#iteration")).to_have_text(re.compile("of 500$"))
    heights = "[document.documentElement.scrollHeight, document.documentElement.scrollWidth]"
    wait_for_value(page, lambda: page.evaluate(heights), [HEIGHTS[view], 720])
    assert box(page, ".embedded")["height"] > 0.7 * HEIGHTS[view]  # all above the player
    expect(page.get_by_role("link", name="Open the full page")).to_have_attribute(
        "href", re.compile(r"^http://127.0.0.1:\d+/#run=optimizer:rprop.*")
    )
    assert Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"] == []


@pytest.mark.slow
def test_parts_can_be_hidden(open_page: Opener) -> None:
    page = open_page(RUN)
    expect(page.locator("tbody tr")).to_have_count(1)
    shown = {name: selector for name, selector in PARTS.items() if name != "network"}
    for selector in shown.values():
        expect(page.locator(selector)).to_be_visible()
    for name, selector in PARTS.items():
        page = open_page(f"?hide={name}{RUN}")
        expect(page.locator("tbody tr")).to_have_count(1)
        expect(page.locator(selector)).to_be_hidden()
        expect(page.locator(PARTS["charts" if name != "charts" else "code"])).to_be_visible()
        expect(page.locator("#address-problem")).to_be_hidden()


def test_unknown_parts_and_views_are_reported(open_page: Opener) -> None:
    page = open_page("?hide=data,nothing&embed=no%20view")
    problem = page.locator("#address-problem")
    expect(problem).to_contain_text("?embed=no view: must be one of surface, network, trace")
    expect(problem).to_contain_text(
        "?hide=nothing: must be one of links, lesson, data, runs, embed"
    )
    expect(page.locator("[data-opens=data-drawer]")).to_be_hidden()
    expect(page.locator("#cost-chart")).to_be_visible()


@pytest.mark.slow
def test_the_code_for_embedding_has_the_view_and_the_state(page: Page) -> None:
    page.fill("#w_in", "0.25")
    code = page.locator("#embed-code code")
    address = page.evaluate("location.origin")
    for view, height in HEIGHTS.items():
        open_drawer(page, "embed")
        page.select_option("#embed-view", "unrolled" if view == "network" else view)
        expect(code).to_contain_text(f"embed={view}#w_in=0.25")
        text = code.text_content() or ""
        assert text.startswith("<iframe ")
        frame = {name: unescape(value) for name, value in re.findall(r'(\w+)="(.*?)"', text)}
        assert frame["src"] == f"{address}/?embed={view}#w_in=0.25&show=0"
        assert frame["title"]
        assert (frame["width"], frame["height"]) == ("720", str(height))
    expect(page.locator("#embed-ancestors")).to_contain_text(
        "The frame works only on pages of this server"
    )


def embed(context: BrowserContext, origin: str, address: str) -> tuple[Page, list[str]]:
    """Return the page of a course with a frame, and its console."""
    page = context.new_page()
    console: list[str] = []
    page.on("console", lambda message: console.append(message.text))
    page.route("**/favicon.ico", lambda route: route.fulfill())
    page.goto(f"{origin}/livez")  # in place of a page of the course
    page.evaluate(
        """(src) => new Promise((resolve) => {
          const frame = document.createElement("iframe");
          Object.assign(frame, { src, width: 720, height: 560, onload: resolve });
          document.body.append(frame);
        })""",
        address,
    )
    return page, console


@pytest.mark.slow
def test_a_page_on_an_allowed_origin_embeds_the_surface(
    context: BrowserContext, other_origin: str, tmp_path: Path
) -> None:
    with run_service(tmp_path, RNN_FRAME_ANCESTORS=f"self,{other_origin}") as url:
        page, console = embed(context, other_origin, f"{url}/?embed=surface{RUN}")
        frame = page.frame_locator("iframe")
        expect(frame.locator("#iteration")).to_have_text("7 of 40")
        frame.get_by_role("button", name="Train", exact=True).click()
        expect(frame.locator("#iteration")).to_have_text(re.compile("of 500$"))
        drawn = 'document.querySelector("#surface canvas").getContext("2d")'
        pixel = f"{drawn}.getImageData(0, 0, 1, 1).data[3]"
        wait_for_value(page, lambda: page.frames[1].evaluate(pixel), 255)
        assert console == []


@pytest.mark.slow
def test_a_page_of_the_same_origin_embeds_and_one_of_another_cannot(
    context: BrowserContext, other_origin: str, service_url: str
) -> None:
    page, console = embed(context, service_url, f"{service_url}/?embed=trace")
    expect(page.frame_locator("iframe").locator("#trace")).to_be_visible()
    assert console == []
    page, console = embed(context, other_origin, f"{service_url}/?embed=surface")
    expect(page.frame_locator("iframe").locator("#surface")).to_have_count(0)
    wait_for_value(page, lambda: any("frame-ancestors" in text for text in console), expected=True)
