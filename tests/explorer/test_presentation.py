"""Presentations: the full screen, printed pages, saved pictures, and explained terms."""

import re
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.explorer.conftest import (
    DESKTOP,
    PHONE,
    Opener,
    box,
    count_sheets,
    open_drawer,
    wait_until,
    wait_until_painted,
)

SVG = "{http://www.w3.org/2000/svg}"
RUN = "#run=optimizer:rprop;n_iterations:40&iteration=40"


@pytest.mark.slow
def test_the_page_fills_the_screen(page: Page) -> None:
    for shown in (True, False):
        page.get_by_role("button", name="Full screen").click()
        wait_until(page, f"() => (document.fullscreenElement !== null) === {str(shown).lower()}")
    expect(page.locator("#headline")).to_be_visible()


@pytest.mark.slow
def test_a_printed_page_has_figures_and_no_controls(open_page: Opener) -> None:
    page = open_page(RUN, color_scheme="dark")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.emulate_media(media="print")
    for shown in ("#surface canvas >> nth=0", "#headline", "#network", "#cost-chart", "#trace"):
        expect(page.locator(shown)).to_be_visible()
    for hidden in ("#train", ".player", "#zoom", "#code", "#embed-code"):
        expect(page.locator(hidden)).to_be_hidden()
    expect(page.locator("body")).to_have_css("background-color", "rgb(253, 253, 251)")
    assert box(page, "#headline")["y"] < box(page, "#surface")["y"]
    assert count_sheets(page) == [1, 1]


def save(page: Page, view: str, suffix: str) -> bytes:
    open_drawer(page, "embed")
    page.select_option("#embed-view", view)
    with page.expect_download() as download:
        page.get_by_role("button", name=f"Save as {suffix.upper()}").click()
    assert download.value.suggested_filename == f"{view}.{suffix}"
    return Path(download.value.path()).read_bytes()


def test_the_surface_is_saved_for_a_slide(open_page: Opener) -> None:
    page = open_page(RUN)
    expect(page.locator("tbody tr")).to_have_count(1)
    wait_until_painted(page)
    panel = page.locator(".surface .panel")
    shown = Image.open(BytesIO(panel.screenshot()))
    before = box(page, ".surface canvas")
    open_drawer(page, "embed")
    page.select_option("#margin", label="none")
    svg = ET.fromstring(save(page, "surface", "svg"))  # noqa: S314 - our own file
    image, *_ = svg.findall(f"{SVG}image")
    assert image.attrib["href"].startswith("data:image/png;base64,")
    text = ET.tostring(svg, "unicode")
    assert "stroke: rgb" in text  # the styles of the page
    assert "src: url(data:font/woff2;base64," in text
    with Image.open(BytesIO(save(page, "surface", "png"))) as saved:
        assert saved.width == 1920
        sides = ("x", "y", "width", "height")
        left, top, width, height = (3 * float(image.attrib[side]) for side in sides)
        heatmap = saved.crop((left, top, left + width, top + height))
        pixels = [
            np.asarray(each.convert("RGB").resize((50, 50), Image.Resampling.BOX), float)
            for each in (heatmap, shown)
        ]
    difference = np.abs(pixels[0] - pixels[1])
    assert difference.mean() < 8  # without the buttons
    assert box(page, ".surface canvas") == before


def test_the_width_the_title_the_margin_and_the_letters_of_a_picture(open_page: Opener) -> None:
    page = open_page(f"{RUN}&w_rec=1")
    expect(page.locator("tbody tr")).to_have_count(1)
    open_drawer(page, "embed")
    page.fill("#save-title", "Straße nach Łódź")
    page.select_option("#margin", label="wide")
    for value, pixels in (("1920", 1920), ("1020", 1020), ("", 1500)):
        page.select_option("#save-width", value)
        if not value:
            page.fill("#own-width", str(pixels))
        with Image.open(BytesIO(save(page, "cost", "png"))) as image:
            image.verify()  # the check sums
        with Image.open(BytesIO(save(page, "cost", "png"))) as image:
            assert image.width == pytest.approx(pixels, abs=2)
            dpi = image.info.get("dpi", (0, 0))
            assert dpi == pytest.approx((300, 300) if value == "1020" else (0, 0), abs=0.1)
            margin = image.convert("RGB").crop((0, 0, 110, image.height))
            assert len(set(margin.get_flattened_data())) == 1
    svg = ET.fromstring(save(page, "cost", "svg"))  # noqa: S314
    texts = {"".join(text.itertext()): text.attrib["style"] for text in svg.iter(f"{SVG}text")}
    assert "font: 18px" in texts["Straße nach Łódź"]
    (style,) = svg.findall(f"{SVG}style")
    assert str(style.text).count("src: url(data:font/woff2;base64,") == 3
    faces = "[...document.fonts].filter(({ status }) => status === 'loaded').length"
    wait_until(page, f"() => {faces} === 3")  # the field shows the same letters


def test_an_empty_figure_cannot_be_saved_and_one_that_is_not_shown_can(page: Page) -> None:
    open_drawer(page, "embed")
    button = page.get_by_role("button", name="Save as PNG")
    page.select_option("#embed-view", "cost")
    expect(button).to_be_disabled()
    expect(page.locator("#not-drawn")).to_be_visible()
    page.select_option("#embed-view", "unrolled")
    expect(page.locator("#unrolled-view")).to_be_hidden()
    with Image.open(BytesIO(save(page, "unrolled", "png"))) as image:
        assert image.width == 1920
        assert len(set(image.convert("RGB").get_flattened_data())) > 20
    expect(page.locator("#unrolled-view")).to_be_hidden()


def test_the_sheet_presents_the_page(page: Page) -> None:
    page.fill("#w_in", "1.25")
    open_drawer(page, "embed")
    page.locator("#embed-drawer").get_by_role("button", name="Present").click()
    expect(page).to_have_url(re.compile(r"\?present#.*w_in=1\.25"))
    expect(page.locator("[data-present][data-ready] #headline")).to_be_visible()


@pytest.mark.slow
def test_a_picture_is_printed_alone(open_page: Opener) -> None:
    page = open_page(RUN)
    expect(page.locator("tbody tr")).to_have_count(1)
    page.evaluate("window.print = () => {}")
    open_drawer(page, "embed")
    page.select_option("#embed-view", "cost")
    page.get_by_role("button", name="Save as PDF").click()
    expect(page.locator("#print-picture")).to_have_count(1)
    expect(page.locator("#print-picture")).to_be_hidden()  # on the screen
    page.emulate_media(media="print")
    expect(page.locator("#print-picture")).to_be_visible()
    expect(page.locator("main")).to_be_hidden()
    document = page.pdf(prefer_css_page_size=True)
    assert document.startswith(b"%PDF")
    # The page is the figure: 640 by about 400 units of 1/96 inch, in points.
    (media_box,) = {*re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", document)}
    width, height = map(float, media_box)
    assert width == pytest.approx(480, abs=1)
    assert 250 < height < 320
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(page.locator("#print-picture")).to_have_count(0)
    expect(page.locator("main")).to_be_visible()


# The names of terms on each page, with a word that is in the tip alone.
TERMS = {
    "": {
        "cost": "squared errors",
        "BPTT": "time",
        "regime": "explodes",
        "Rprop": "sign",
        "momentum": "step",
        "clipping": "norm",
        "gradient": "derivative",
        "valley": "optimum",
    },
    "fit": {
        "delay": "dead time",
        "start": "initial state",
        "noise": "autocorrelated",
        "offset": "offset",
        "residuals": "residuals",
    },
}


@pytest.mark.slow
@pytest.mark.parametrize("path", TERMS)
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_terms_are_explained(open_page: Opener, path: str, viewport: dict[str, int]) -> None:
    page = open_page(path, shows="#story", viewport=viewport)
    for term, meaning in TERMS[path].items():
        button = page.locator(f"[popovertarget=term-{term}]").first
        if not path and not button.is_visible():
            open_drawer(page, "settings")
        button.focus()
        page.keyboard.press("Enter")
        tip = page.locator(f"#term-{term}")
        expect(tip).to_be_visible()
        expect(tip).to_contain_text(meaning, ignore_case=True)
        bubble = box(page, f"#term-{term}")
        assert 0 <= bubble["x"] <= viewport["width"] - bubble["width"]
        assert 0 <= bubble["y"] <= viewport["height"] - bubble["height"]
        page.keyboard.press("Escape")
        expect(tip).to_be_hidden()


def test_the_names_of_figures_have_their_numbers(open_page: Opener) -> None:
    page = open_page("#w_in=1&w_rec=1&run=optimizer:rprop;n_iterations:500&iteration=500")
    # The data count up to ten ones, and the tutorial's run counts them to three digits.
    for name in (
        "Cost against iteration: Rprop 0.001 from 6.16 times 10 to the power 5 "
        "to 1.80 times 10 to the power minus 6",
        "Output against target: 20 sequences, outputs 2 to 7, targets 2 to 7",
        "State of the network after each input: 4.999 at the end, target 5",
    ):
        expect(page.get_by_role("img", name=name, exact=True)).to_be_visible()
    expect(page.get_by_role("img", name="Gradient of the sequence")).to_have_accessible_name(
        re.compile("times 0.9997 per step, times 0.9961 in 12, steady$")
    )
