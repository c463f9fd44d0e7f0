"""The page of fits: from a table to the numbers of the service, and what it says about them."""

import itertools
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Request, expect

from scripts.example_series import EXAMPLES
from service.api.routes.explorer import FOLDER
from tests.explorer.conftest import (
    DESKTOP,
    PHONE,
    ModuleCaller,
    Opener,
    answer_first,
    box,
    count_sheets,
    make_holder,
    on_screens,
    open_drawer,
    violations,
    wait_for_value,
    wait_until,
)

FitOpener = Callable[..., Page]
READY = re.compile("^verdict (trusted|caution)$")  # without a reason against the number


@pytest.fixture
def open_fit(open_page: Opener) -> FitOpener:
    """Return a function that opens the page and waits for the fit of its first example."""

    def start(fragment: str = "", **options: Any) -> Page:
        page = open_page(f"fit{fragment}", shows="#story", reduced_motion="reduce", **options)
        shown_fit(page)
        return page

    return start


def shown_fit(page: Page, other_than: str = "") -> str:
    """Wait until the page shows another fit than one, and return its id."""
    page.wait_for_selector(
        f'#story[data-fit^="fit_"]:not([data-fit="{other_than}"]):not([aria-busy])'
    )
    return page.get_attribute("#story", "data-fit") or ""


def choose_example(page: Page, name: str) -> str:
    """Choose an example, and return the id of its fit."""
    previous = shown_fit(page)
    page.select_option("#example", name)
    return shown_fit(page, other_than=previous)


def load(page: Page, table: str | bytes, name: str = "own.csv") -> None:
    """Choose a file with this table."""
    text = table.encode() if isinstance(table, str) else table
    page.locator("#file").set_input_files({"name": name, "mimeType": "text/csv", "buffer": text})


def choose_role(page: Page, column: str, role: str) -> None:
    """Choose the role of a column above the table."""
    select = page.get_by_label(f"Role of {column}", exact=True)
    select.focus()
    select.select_option(label=role)


def load_and_fit(page: Page, table: str) -> str:
    """Choose a file with this table, and return the id of its fit."""
    previous = shown_fit(page)
    load(page, table)
    return shown_fit(page, other_than=previous)


def room_with_slow_noise() -> str:
    """Return a table of a room that is heated, with noise that lasts."""
    rng = np.random.default_rng(5)
    state, noise, rows = 10.0, 0.0, ["minute,heating,indoor"]
    for k in range(150):
        heating = k // 12 % 2
        state = 0.9 * state + heating + 0.5
        noise = 0.7 * noise + 0.15 * rng.normal()
        rows.append(f"{k},{heating},{state + noise:.3f}")
    return "\n".join(rows)


def shop(w_rec: float = 0.6) -> str:
    """Return a table of weekly sales that follow the column search."""
    rng = np.random.default_rng(1)
    state, rows = 5.0, ["week,search,sales"]
    for k, search in enumerate(rng.gamma(2.0, 3.0, 104).round(3)):
        state = w_rec * state + search
        rows.append(f"{k},{search},{state + rng.normal() + 20:.3f}")
    return "\n".join(rows)


def expect_summary(page: Page, fit: dict[str, Any]) -> None:
    """Check that the page shows the summary of a fit of the service, and nothing else."""
    summary = fit["summary"]
    topics = {"#verdict": "verdict", "#sentence": "estimate", "#quality": "quality"}
    pairs = [*zip(summary["topics"], summary["sentences"], strict=True)]
    expect(page.locator("#headline")).to_have_text(shown(summary["headline"]))
    for place, topic in topics.items():
        text = " ".join(sentence for each, sentence in pairs if each == topic)
        shown_text = page.locator(place).inner_text().removesuffix("Use this").strip()
        assert shown_text == shown(text)
    findings = [shown(sentence) for each, sentence in pairs if each == "finding"]
    items = [item.inner_text() for item in page.locator("#doubts li").all()]
    assert [item.removesuffix("Use this").strip() for item in items] == findings
    expect(page.locator("#interval")).to_have_text(shown(summary["sentences"][0]))


def shown(text: str) -> str:
    """Return a text as the page shows it, with w_rec as a symbol."""
    return text.replace("w_rec", "wrec")


@pytest.mark.slow
@pytest.mark.parametrize("file", EXAMPLES)
def test_every_example_and_its_truth(open_fit: FitOpener, api: httpx.Client, file: str) -> None:
    name, example = file.removesuffix(".csv"), EXAMPLES[file]
    page = open_fit()
    fit_id = shown_fit(page)
    if file != next(iter(EXAMPLES)):
        page.select_option("#example", name)
        fit_id = shown_fit(page, other_than=fit_id)
    fit = api.get(f"/v1/fits/{fit_id}").json()
    page.get_by_role("button", name="Show the truth").click()
    if name == "moon":
        headline = page.locator("#headline[data-level=no_effect]")
        expect(headline).to_have_text("No effect of moonlight on births was detected")
        expect(page.locator("#sentence")).not_to_contain_text("confidence")
        expect(page.locator("#quality")).not_to_contain_text(re.compile("settles|Explains"))
        expect(page.locator("#stored")).to_contain_text("The moon does nothing")
        expect(page.locator(".level")).to_have_count(0)  # it is above all that is drawn
        return
    true = -example.step.length / np.log(example.w_rec)
    expect(page.locator("#stored")).to_contain_text(f"constant is {true:.3g} {example.step.unit}s")
    if example.trap:
        page.get_by_role("button", name="Use this").click()
        fit = api.get(f"/v1/fits/{shown_fit(page, other_than=fit_id)}").json()
    expect(page.locator("#verdict")).to_have_class("verdict rejected" if name == "room" else READY)
    expect_summary(page, fit)
    (interval,) = fit["time_constant"]["intervals"]
    assert interval["low"] <= true <= interval["high"]


def test_a_problem_stands_in_the_place_of_the_result(open_fit: FitOpener) -> None:
    page = open_fit(expected=(400, 422), viewport=DESKTOP)
    place = page.locator("#no-result")
    expect(place).to_be_hidden()
    result = box(page, ".over-time")
    load(page, "minute,heating,indoor\n0,1,2\n1,x,3\n2,1,2.5\n")
    problem = page.locator("#fit-problem")
    expect(problem).to_contain_text("Line 3 ('1,x,3'), column 2 ('heating'): 'x' is not a number")
    for emptied in ("#headline", "#code code >> nth=0", "#code code >> nth=1", "#links"):
        expect(page.locator(emptied)).to_be_empty()
    expect(page.locator("#residual-view")).to_be_hidden()
    expect(page).not_to_have_url(re.compile("#fit_"))  # whose table this is not
    assert violations(page) == []
    shown = box(page, "#no-result")
    assert (shown["x"], shown["y"]) == pytest.approx((result["x"], result["y"]), abs=30)
    assert shown["height"] == pytest.approx(result["height"], abs=30)
    place.get_by_role("button", name="Paste cells").click()
    expect(page.locator("#rows")).to_be_focused()
    load(page, "2024-W01,0,14.7\n2024-W02,1,13.6\n2024-W03,1,14.1\n")
    expect(problem).to_contain_text("there is no header")
    load(page, b"%PDF-1.7")
    expect(problem).to_contain_text("This is a PDF document; save the table as CSV or xlsx")
    load(page, room_with_slow_noise())
    shown_fit(page)
    expect(place).to_be_hidden()
    expect(page).to_have_url(re.compile("#fit_"))
    expect(page.locator("#residual-view")).to_be_visible()


def test_the_button_allows_for_autocorrelated_noise(open_fit: FitOpener, api: httpx.Client) -> None:
    page = open_fit()
    white = load_and_fit(page, room_with_slow_noise())
    better = page.locator("#verdict.rejected, #doubts").filter(has_text="Use this")
    expect(better).to_contain_text("Successive residuals are correlated")
    (cautious,) = api.get(f"/v1/fits/{white}").json()["trust"]["cautious"]
    low, high = (f"{-1 / np.log(cautious[end]):.3g}" for end in ("low", "high"))
    expect(better).to_contain_text(f"({low} to {high} minutes)")
    page.get_by_role("button", name="Use this").click()
    expect(page.locator("#noise")).to_have_value("ar1")
    fit = api.get(f"/v1/fits/{shown_fit(page, other_than=white)}").json()
    assert fit["request"]["noise"] == "ar1"
    expect_summary(page, fit)
    expect(page.locator("#sentence")).to_contain_text("allows for autocorrelated noise")
    link = page.get_by_role("link", name="Fit CSV", include_hidden=True)
    assert api.get(link.get_attribute("href") or "").text.startswith("sequence,")


@pytest.mark.slow
@pytest.mark.parametrize("w_rec", [-0.1, 1.0])
def test_labels_of_axes_are_short(open_fit: FitOpener, w_rec: float) -> None:
    """Nearly no decay, or none, gives very small or large times."""
    page = open_fit()
    load_and_fit(page, shop(w_rec))
    texts = page.locator(".chart svg text").all_text_contents()  # an axis may have no name
    ticks = [text.split()[0] for text in texts if text and "×10" not in text]
    assert ticks
    assert all(len(tick) <= 10 for tick in ticks), ticks
    times = page.locator("#profile-chart").text_content() or ""
    assert "×10⁻" not in times, times  # of a step


@pytest.mark.slow
def test_columns_and_options_change_the_fit(open_fit: FitOpener, api: httpx.Client) -> None:
    page = open_fit()
    last = choose_example(page, "room")

    def request() -> dict[str, Any]:
        nonlocal last
        last = shown_fit(page, other_than=last)
        return dict(api.get(f"/v1/fits/{last}").json())

    choose_role(page, "outdoor", "left out")
    assert [each["name"] for each in request()["inputs"]] == ["heating"]
    expect(page.get_by_label("Role of outdoor")).to_be_focused()  # the strip is a new one
    choose_role(page, "heating", "left out")
    assert request()["inputs"] == []
    choose_role(page, "heating", "input")
    request()
    choose_role(page, "time", "left out")
    assert request()["request"]["step"]["unit"] == "step"
    page.select_option("#offset", "false")
    assert request()["request"]["offset"] is False
    page.select_option("#initial_state", "0")
    assert request()["request"]["initial_state"] == 0
    page.locator("#delay-high").fill("2")
    page.locator("#delay-high").press("Enter")
    page.locator("#delay-high").blur()
    assert request()["request"]["delay"] == {"low": 0, "high": 2}
    page.get_by_role("button", name="More options").click()
    page.get_by_label("w_rec from").fill("-0,5")
    page.get_by_label("w_rec from").blur()
    assert request()["request"]["w_rec"] == {"low": -0.5, "high": 1}
    choose_role(page, "outdoor", "target")
    fit = request()
    assert (fit["target"], [each["name"] for each in fit["inputs"]]) == ("outdoor", ["heating"])
    page.reload()
    assert shown_fit(page) == last
    page.get_by_role("button", name="More options").click()
    expect(page.get_by_label("w_rec from")).to_have_value("-0.5")


@pytest.mark.slow
def test_more_options_change_the_model(open_fit: FitOpener, api: httpx.Client) -> None:
    page = open_fit()
    last = shown_fit(page)

    def request() -> dict[str, Any]:
        nonlocal last
        last = shown_fit(page, other_than=last)
        return dict(api.get(f"/v1/fits/{last}").json())

    page.get_by_role("button", name="More options").click()
    without_memory = page.locator("#direct")
    without_memory.get_by_label("tv").check()
    assert request()["request"]["direct"] == ["tv"]
    without_memory.get_by_label("search").check()
    assert request()["w_rec"]["value"] == 0  # a regression
    expect(page.locator("#profile-view")).to_be_hidden()
    for name in ("tv", "search"):
        without_memory.get_by_label(name).uncheck()
        assert name not in request()["request"].get("direct", [])
    expect(page.locator("#profile-view")).to_be_visible()
    page.get_by_label("Season").fill("52")
    page.get_by_label("Season").blur()
    assert request()["request"]["season"] == 52
    page.get_by_label("A trend").check()
    assert request()["request"]["trend"] is True
    page.reload()
    assert shown_fit(page) == last
    page.get_by_role("button", name="More options").click()
    expect(page.get_by_label("A trend")).to_be_checked()
    expect(page.get_by_label("Season")).to_have_value("52")


@pytest.mark.slow
def test_a_link_to_no_fit_of_a_series_is_reported(
    context: BrowserContext, service_url: str, api: httpx.Client
) -> None:
    page = context.new_page()
    page.goto(f"{service_url}/fit#fit_{31 * '0'}")
    problem = page.locator("#fit-problem")
    expect(problem).to_contain_text("This link is not complete")
    page.goto(f"{service_url}/fit#fit_{32 * '0'}")
    expect(problem).to_contain_text("This server does not have the fit of this link")
    expect(problem.get_by_role("button")).to_have_count(0)
    expect(page.locator("#residual-view, #profile-view").filter(visible=True)).to_have_count(0)
    data = {"kind": "explicit", "inputs": [[0, 1], [1, 1], [1, 0]], "targets": [1, 2, 0.5]}
    for dataset in ({"kind": "count_ones"}, data):
        fit = api.post("/v1/fits", json={"dataset": dataset}).json()["id"]
        page.goto(f"{service_url}/fit#{fit}")
        expect(problem).to_contain_text("This page cannot show the fit of this link")
        page.goto(f"{service_url}/fit#fit_{32 * '0'}")
        expect(problem).to_contain_text("This server does not have the fit of this link")


@pytest.mark.slow
def test_a_refused_fit_is_explained_in_words_of_the_page(open_fit: FitOpener) -> None:
    page = open_fit(expected=(422,))
    problem = page.locator("#fit-problem")
    page.locator("#delay-low").fill("-1")
    page.locator("#delay-low").blur()
    expect(problem).to_contain_text("Dead time: Input should be greater than or equal to 0")
    rows = [f"{k % 2},{k // 2},{k % 5},{k % 3}" for k in range(4)]
    load(page, "\n".join(["minute,test,x,y", *rows]))
    expect(problem).to_contain_text("There are 4 targets for 5 unknowns; about 50 are needed")
    expect(problem).to_contain_text("There are 2 sequences; choose none")


@pytest.mark.slow
def test_the_slider_shows_the_fit_of_another_w_rec(open_fit: FitOpener) -> None:
    page = open_fit()
    expect(page.locator("#data-chart")).to_contain_text(re.compile(r"20\d\d-\d\d-\d\d"))
    slider = page.get_by_role("slider")
    slider.focus()
    for _ in range(20):
        slider.press("ArrowLeft")
    expect(page.locator("#comparison")).to_contain_text("typical error")
    expect(page.locator(".other-line")).to_have_attribute("d", re.compile("M"))
    chosen = slider.input_value()
    page.get_by_role("button", name="Dark theme").click()
    expect(page.locator("#links a").first).to_have_attribute("href", re.compile("theme=dark"))
    for name in ("Response PNG", "Contributions CSV"):
        address = page.locator("#links a", has_text=name).get_attribute("href")
        assert page.request.get(address or "").ok
    assert slider.input_value() == chosen
    expect(page.locator("#profile-chart .cursor")).not_to_have_attribute("display", "none")
    page.get_by_role("button", name="Back to the best").click()
    expect(page.locator("#comparison")).to_be_hidden()
    expect(page.locator(".other-line")).not_to_have_attribute("d", re.compile("M"))


def test_a_table_is_fitted_once_and_other_w_rec_without_a_verdict(open_fit: FitOpener) -> None:
    page = open_fit()
    bodies: list[dict[str, Any]] = []

    def record(request: Request) -> None:
        if request.method == "POST" and request.url.endswith("/v1/fits"):
            bodies.append(request.post_data_json or {})

    page.on("request", record)
    load_and_fit(page, room_with_slow_noise())
    curve = page.locator("#profile-chart .curve")
    expect(curve).to_have_attribute("d", re.compile("M"))
    limits = [page.get_attribute("#profile-slider", end) or "nan" for end in ("min", "max")]
    low, high = map(float, limits)
    xs = re.findall(r"[ML]([-\d.]+) ", curve.get_attribute("d") or "")
    assert len(bodies) == 1
    assert bodies[0].get("verdict", True)
    page.get_by_role("slider").press("ArrowLeft")
    expect(page.locator("#comparison")).to_contain_text("typical error")
    (moved,) = bodies[1:]
    assert (moved["verdict"], moved["keep"]) == (False, False)
    assert low <= moved["w_rec"]["low"] <= moved["w_rec"]["high"] <= high
    # The curve is smooth where it is drawn, above the slider.
    ends = page.locator("#profile-slider").evaluate(
        "({ style }) => [parseFloat(style.marginLeft), parseFloat(style.width)]"
    )
    places = np.array(xs, float)
    inside = (places >= ends[0]) & (places <= sum(ends))
    assert np.diff(places[inside]).max() < 0.05 * ends[1]


def read_heights(path: Locator) -> list[float]:
    """Return where the lines of an SVG path end, from the top in pixels."""
    numbers = re.findall(r"[ V]([-\d.]+)(?=[LMV]|$)", path.get_attribute("d") or "")
    return [float(number) for number in numbers]


def test_the_effects_of_the_inputs_are_drawn(open_fit: FitOpener, api: httpx.Client) -> None:
    page = open_fit(expected=(422,))
    fit = api.get(f"/v1/fits/{shown_fit(page)}").json()
    response, parts = page.locator("#response-chart"), page.locator("#contributions-chart")
    for item in fit["inputs"]:
        page.get_by_label("Input of the response").select_option(item["name"])
        times = [item["response"][f"time_to_{share}_percent"] for share in (63, 95)]
        label = "".join(
            f", {share} % after {time:.3g} weeks"
            for share, time in zip((63, 95), times, strict=True)
        )
        name = re.compile(f"^Response to one lasting unit: of {item['name']}: 0 to .*{label}$")
        expect(response.get_by_role("img", name=name)).to_be_visible()
        zero = read_heights(response.locator(".fit-line"))[0]
        gain = float(response.locator(".gain").get_attribute("y1") or "nan")
        marks = [
            float(mark.get_attribute("cy") or "nan") for mark in response.locator("circle").all()
        ]
        shares = [(mark - zero) / (gain - zero) for mark in marks]
        assert shares == pytest.approx([0.63, 0.95], abs=0.02)
    name = re.compile("Contributions to the fit: baseline 101 to 101, tv 0 to .*, start 0 to 1.6$")
    expect(parts.get_by_role("img", name=name)).to_be_visible()
    assert page.locator("#contributions-legend").inner_text().split() == ["tv", "search", "start"]
    *_, start = (read_heights(each) for each in parts.locator(".part").all())
    line = read_heights(parts.locator(".fit-line"))
    assert start[1::2] == pytest.approx(line[: len(start) // 2], abs=0.2)  # the parts add up
    refuse = {"status": 422, "json": {"title": "Too much work"}}
    page.route("**/contributions.csv", lambda route: route.fulfill(**refuse))
    load_and_fit(page, shop())
    expect(page.locator("#contributions-view")).to_be_hidden()
    page.go_back()
    expect(parts.get_by_role("img", name=name)).to_be_visible()


@pytest.mark.slow
def test_stores_that_differ_get_gains_of_their_own(open_fit: FitOpener, api: httpx.Client) -> None:
    rng = np.random.default_rng(12)
    rows = ["store,week,promo,sales"]
    for store in range(5):
        promo = rng.normal(size=30)
        state = 0.0
        for week in range(30):
            state = 0.7 * state + (1.0 + store) * promo[week]
            rows.append(
                f"s{store},{week},{promo[week]:.4f},{state + 20 * store + rng.normal():.4f}"
            )
    page = open_fit()
    first = load_and_fit(page, "\n".join(rows))
    expect(page.locator("#offset")).to_have_value("each")
    expect(page.locator("#quality")).to_contain_text("5 sequences settle")
    page.get_by_role("button", name="Use this").click()
    second = shown_fit(page, other_than=first)
    assert api.get(f"/v1/fits/{second}").json()["request"]["gains"] == "each"
    expect(page.locator("#sentence")).to_contain_text("in the median sequence")
    page.select_option("#offset", "true")
    third = shown_fit(page, other_than=second)
    request = api.get(f"/v1/fits/{third}").json()["request"]
    assert (request["offset"], request["gains"]) == (True, {})


@pytest.mark.slow
def test_a_link_restores_the_fit(open_fit: FitOpener) -> None:
    page = open_fit()
    first = shown_fit(page)
    drug = choose_example(page, "drug")
    expect(page.locator("#copy-link")).to_be_enabled()
    page.route("**/v1/fits", lambda _route: None)
    page.select_option("#offset", "true")
    expect(page.locator("#copy-link")).to_be_disabled()  # the address is that of the last fit
    page.reload()
    expect(page.locator("#sentence")).to_have_text("Fitting…")
    again = open_fit(f"#{drug}")
    assert shown_fit(again) == drug
    expect(again.locator("#table-name")).to_have_text("drug.csv, 150 rows")
    expect(again.locator("#data-chart")).to_contain_text("patient 1")
    assert again.input_value("#initial_state") == "0"
    again.evaluate("(id) => { location.hash = id; }", first)
    assert shown_fit(again, other_than=drug) == first


@pytest.mark.slow
def test_a_link_restores_the_fit_of_one_sequence(open_fit: FitOpener, api: httpx.Client) -> None:
    page = open_fit()
    fit = api.get(f"/v1/fits/{choose_example(page, 'drug')}").json()
    (name, *_) = fit["sequence_names"]
    options = {key: value for key, value in fit["request"].items() if key != "dataset"}
    dataset = fit["request"]["dataset"] | {"sequence": name}
    alone = api.post("/v1/fits", json={**options, "dataset": dataset}).json()
    again = open_fit(f"#{alone['id']}")
    expect(again.locator("#headline")).to_have_text(shown(alone["summary"]["headline"]))
    assert api.get(f"/v1/fits/{shown_fit(again)}").json()["n_targets"] == alone["n_targets"]


@pytest.mark.slow
def test_back_undoes_the_last_choice(open_fit: FitOpener) -> None:
    page = open_fit()
    first = shown_fit(page)
    page.select_option("#offset", "false")
    second = shown_fit(page, other_than=first)
    third = choose_example(page, "drug")
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.go_back()
    assert shown_fit(page, other_than=third) == second
    expect(page.locator("#offset")).to_have_value("false")
    page.go_back()
    assert shown_fit(page, other_than=second) == first
    expect(page.locator("#offset")).to_have_value("true")
    expect(page.locator("#table-name")).to_contain_text("rows")
    page.go_forward()
    assert shown_fit(page, other_than=first) == second
    # The tables of a figure that was not visible yet may be read late.
    assert not [url for url in requests if "/v1/fits" in url and not url.endswith(".csv")]
    page.reload()
    assert shown_fit(page) == second  # the entry of an address, without what the page knew
    page.go_back()
    assert shown_fit(page, other_than=second) == first


@pytest.mark.slow
def test_a_link_keeps_numbers_that_the_page_cannot_ask_for(
    open_fit: FitOpener, api: httpx.Client
) -> None:
    query = {"kind": "series", "target": "sales", "inputs": "search", "time": "week"}
    text = {"Content-Type": "text/csv"}
    series = api.post("/v1/datasets", params=query, content=shop(), headers=text).json()["id"]
    given = {"offset": 20, "gains": {"search": 2.5}, "confidence": 0.8, "initial_state": 5}
    question = {"dataset": {"kind": "stored", "id": series}, **given}
    fit = api.post("/v1/fits", json=question, headers={"Prefer": "wait=60"}).json()["id"]
    page = open_fit(f"#{fit}")
    assert shown_fit(page) == fit
    page.select_option("#noise", "ar1")
    request = api.get(f"/v1/fits/{shown_fit(page, other_than=fit)}").json()["request"]
    assert request["noise"] == "ar1"
    assert {name: request[name] for name in given} == given


@pytest.mark.slow
def test_the_commands_of_the_page_return_the_same_fit(open_fit: FitOpener, tmp_path: Path) -> None:
    page = open_fit()
    fit = shown_fit(page)
    value = page.get_attribute("#headline", "data-value") or ""
    page.get_by_role("button", name="Save and API").click()
    shell, python = (page.locator("#code code").nth(i).inner_text() for i in range(2))
    for command, expected in (
        (["sh", "-c", shell], f'"id":"{fit}"'),
        ([sys.executable, "-c", python], f"'value': {value}"),
    ):
        result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        assert expected in result.stdout


@pytest.mark.slow
def test_the_commands_of_a_pasted_table_need_no_file(open_fit: FitOpener) -> None:
    page = open_fit()
    first = shown_fit(page)
    page.get_by_role("button", name="Paste", exact=True).click()
    page.fill("#rows", room_with_slow_noise())
    page.get_by_role("button", name="Fit these rows").click()
    shown_fit(page, other_than=first)
    page.get_by_role("button", name="Save and API").click()
    for code in page.locator("#code code").all():
        expect(code).to_contain_text("ds_")
        expect(code).not_to_contain_text("pasted.csv")


@pytest.mark.slow
def test_what_was_uploaded_can_be_deleted_later(open_fit: FitOpener, api: httpx.Client) -> None:
    page = open_fit(expected=(409,))
    first = shown_fit(page)
    expect(page.get_by_role("button", name="Delete it")).to_have_count(0)  # the example's
    fit = load_and_fit(page, room_with_slow_noise().replace("indoor", "lounge"))
    dataset = api.get(f"/v1/fits/{fit}").json()["request"]["dataset"]
    for steps in range(1, 12):  # more than a conflict lists
        assert api.post("/v1/fits", json={"dataset": dataset, "delay": steps}).is_success
    page = open_fit(f"#{fit}", expected=(409,))
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name="Delete it").click()
    expect(page.locator("#table-name")).to_contain_text("own.csv")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete it").click()
    expect(page.locator("#table-name")).to_contain_text("deleted")
    assert api.get(f"/v1/fits/{fit}").status_code == 404
    assert api.get(f"/v1/datasets/{dataset['id']}").status_code == 404
    assert api.get(f"/v1/fits/{first}").is_success
    expect(page).to_have_url(re.compile("/fit$"))


def test_the_first_step_is_at_one_step_as_in_the_pictures(call_modules: ModuleCaller) -> None:
    answer = {
        "rows": {"sequence": [0, 0, 1, 1], "step": [3, 4, 1, 2]},
        "dataset": {"step": {"length": 0.5, "unit": "minute"}, "n_steps": 4},
        "fit": {"sequence_names": None},
    }
    places = call_modules(["fit/charts"], f"({{ placeRows }}) => placeRows({json.dumps(answer)})")
    assert places["x"] == [1.5, 2.0, 2.5, 3.0]
    assert places["domain"] == pytest.approx([1.47, 3.03])
    assert [part["name"] for part in places["parts"]] == ["sequence 0", "sequence 1"]


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
@on_screens
def test_axe_finds_nothing(open_fit: FitOpener, scheme: str, viewport: dict[str, int]) -> None:
    page = open_fit(color_scheme=scheme, viewport=viewport)
    assert violations(page) == []
    page.get_by_role("button", name="Save and API").click()
    assert violations(page) == []


@pytest.mark.slow
def test_the_result_fits_on_one_screen_and_scrolls_one_way(open_fit: FitOpener) -> None:
    width = "document.documentElement.scrollWidth"
    page = open_fit(viewport={"width": 1280, "height": 720})
    assert page.evaluate(width) == 1280
    for shown in ("#verdict", "#sentence", "#data-chart", "#residual-chart", "#profile-slider"):
        expect(page.locator(shown)).to_be_in_viewport(ratio=1)
    assert open_fit(viewport=PHONE).evaluate(width) == 390


LONG_STORY = """() => {
  const sentence = "Successive residuals are correlated, and inputs appear to take effect later. ";
  document.querySelector("#verdict").textContent = sentence.repeat(4);
  document.querySelector("#doubts").innerHTML = `<li>${sentence.repeat(2)}</li>`.repeat(4);
}"""
SIZES = [
    *((1920, 1080), (1440, 900), (1280, 720), (1100, 700)),
    *((1099, 640), (1024, 768), (960, 700), (390, 844)),
]
STORY = (
    "#verdict, #headline, #sentence, #doubts, #quality, "
    "figcaption, .chart > svg, summary, .question"
)
BOXES = """(elements) => elements.filter((element) => element.checkVisibility()).map((element) => {
  const { left, right, top, bottom } = element.getBoundingClientRect();
  return { name: element.id || element.textContent.slice(0, 40), left, right, top, bottom };
})"""


def test_nothing_covers_anything(open_fit: FitOpener) -> None:
    page = open_fit()

    def find_covered() -> list[tuple[str, str]]:
        boxes = page.locator(STORY).evaluate_all(BOXES)
        assert len(boxes) == 17
        return [
            (one["name"], other["name"])
            for one, other in itertools.combinations(boxes, 2)
            if all(
                min(one[end], other[end]) - max(one[start], other[start]) >= 1
                for start, end in (("left", "right"), ("top", "bottom"))
            )
        ]

    for story in ("() => {}", LONG_STORY):
        page.evaluate(story)
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            wait_until(page, "(width) => innerWidth === width", width)
            wait_for_value(page, find_covered, expected=[])  # charts are redrawn after the resize


def test_table_and_charts_are_of_one_table(open_fit: FitOpener) -> None:
    page = open_fit()
    held, hold = make_holder()
    answer_first(page, "**/v1/fits", hold)
    load(page, room_with_slow_noise())
    expect(page.get_by_label("Role of indoor")).to_have_value("target")
    for chart in page.locator(".chart").all():
        expect(chart).to_have_css("visibility", "hidden")
    wait_for_value(page, lambda: len(held), 1)
    held[0].continue_()
    shown_fit(page)
    expect(page.locator("#data-chart")).to_have_css("visibility", "visible")


@pytest.mark.slow
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_printed_fit_is_one_sheet_with_the_verdict_first(
    open_fit: FitOpener, viewport: dict[str, int]
) -> None:
    page = open_fit(viewport=viewport)
    page.emulate_media(media="print")
    names = "#verdict", "#headline", "#data-view", "#residual-view", ".effects"
    parts = [box(page, each) for each in names]
    for part, following in itertools.pairwise(parts):
        assert part["y"] + part["height"] <= following["y"]
    for figure in ("data", "residual", "contributions", "response"):
        outer, drawing = (box(page, f"#{figure}-{each}") for each in ("view", "chart > svg"))
        assert drawing["y"] + drawing["height"] <= outer["y"] + outer["height"] + 1
    assert count_sheets(page) == [1, 1]
    expect(page.get_by_role("button", name="Copy link")).to_be_hidden()


@pytest.mark.slow
def test_the_explorer_hands_a_series_to_the_page(open_page: Opener, api: httpx.Client) -> None:
    page = open_page()
    open_drawer(page, "data")
    page.locator("#data-file").set_input_files(FOLDER / "fit_examples" / "room.csv")
    page.get_by_role("link", name="Fit this kind of table").click()
    expect(page.locator("#table-name")).to_contain_text("table.csv, 240 rows")
    fit = api.get(f"/v1/fits/{shown_fit(page)}").json()
    assert (fit["target"], fit["n_targets"]) == ("indoor", 232)
