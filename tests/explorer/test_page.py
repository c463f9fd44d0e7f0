"""The page in use: drag, keys, zoom, train, race, addresses, errors."""

import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

Opener = Callable[..., Page]

NOTE_END = (1.001355547207059, 0.9996744737846419)
SETTLED = "#cost[data-value]:not([data-value=''])"


def value(page: Page, selector: str) -> float:
    """Return all digits of a number that the page shows."""
    text = page.get_attribute(selector, "data-value")
    assert text
    return float(text)


def weights(page: Page) -> tuple[float, float]:
    return float(page.input_value("#w_in")), float(page.input_value("#w_rec"))


def point(page: Page) -> tuple[float, float]:
    box = page.locator(".point .halo").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def shown(page: Page) -> list[float]:
    """Return low and high of w_in, then of w_rec: what the line for the same surface asks for."""
    page.select_option("#question", "surface")
    line = page.locator("#code code").first.inner_text()
    window = json.loads(line[line.index("{") : line.rindex("}") + 1])["windows"][0]
    return [window[weight][end] for weight in ("w_in", "w_rec") for end in ("low", "high")]


def panel(page: Page) -> dict[str, float]:
    box = page.locator(".surface .panel").bounding_box()
    assert box is not None
    return {"x": box["x"], "y": box["y"], "width": box["width"], "height": box["height"]}


def hold(page: Page, api: httpx.Client) -> None:
    """Hold the numbers at the point against the service."""
    w_in, w_rec = weights(page)
    at = {"w_in": w_in, "w_rec": w_rec}
    run = {"initial_weights": at, "n_iterations": 0, "keep": False}
    initial = api.post("/v1/training-runs", json=run).json()["initial"]
    trace = api.post("/v1/gradient-trace", json={"points": [at]}).json()["traces"][0]
    bits = [[int(bit) for bit in page.input_value("#bits")]]
    model = {"kind": "weights", **at}
    output = api.post("/v1/predict", json={"model": model, "inputs": bits}).json()["outputs"][0]
    assert value(page, "#cost") == pytest.approx(initial["cost"], rel=1e-9)
    for weight, slope in initial["weight_gradient"].items():
        assert value(page, f"#by_{weight}") == pytest.approx(slope, rel=1e-9)
    assert value(page, "#growth") == trace["growth_per_step"]
    assert page.get_attribute("#regime", "data-regime") == trace["regime"]
    assert value(page, "#prediction") == pytest.approx(output, rel=1e-12)


def test_the_page_opens_in_a_second(open_page: Opener) -> None:
    page = open_page()
    page.wait_for_selector(SETTLED)
    expect(page.locator(".optimum")).to_be_visible()
    painted = page.evaluate(
        """() => { const canvas = document.querySelector("canvas");
        const middle = [canvas.width >> 1, canvas.height >> 2, 1, 1];
        return canvas.getContext("2d").getImageData(...middle).data[3]; }"""
    )
    assert painted == 255
    script = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
    assert page.evaluate(script) < 1000
    asked = page.evaluate("performance.getEntriesByType('resource').map((e) => e.responseEnd)")
    assert max(asked) < 3000  # a second on a machine that does nothing else


def test_its_numbers_are_those_of_the_service(page: Page, api: httpx.Client) -> None:
    assert weights(page) == (-1.5, 2.0)
    assert value(page, "#cost") == pytest.approx(615689.775)
    assert page.inner_text("#cost") == "6.16×10⁵"
    hold(page, api)
    page.fill("#w_in", "0.7")
    page.fill("#w_rec", "-0.4")
    page.fill("#bits", "110101")
    expect(page.locator("#regime")).to_have_text("Vanishing.")
    expect(page.locator("#ones")).to_have_text("4")
    hold(page, api)


def test_the_point_follows_the_mouse(page: Page, api: httpx.Client) -> None:
    x, y = point(page)
    page.mouse.move(x + 3, y - 2)
    page.mouse.down()
    page.mouse.move(x + 103, y + 48, steps=5)
    assert point(page) == pytest.approx((x + 100, y + 50), abs=1)
    page.mouse.up()
    page.mouse.move(x, y)
    box = panel(page)
    w_in, w_rec = weights(page)
    assert w_in == pytest.approx(-1.5 + 600 / box["width"], abs=0.02)
    assert w_rec == pytest.approx(2 - 300 / box["height"], abs=0.02)
    hold(page, api)


def test_a_click_puts_the_point_there_and_a_drag_beside_it_pans(page: Page) -> None:
    box = panel(page)
    x, y = box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.75
    page.mouse.click(x, y)
    expect(page.locator("#w_in")).to_have_value("1.5")
    expect(page.locator("#w_rec")).to_have_value("-1.5")
    before = weights(page)
    page.mouse.move(x - 120, y)
    page.mouse.down()
    page.mouse.move(x - 60, y - 30, steps=4)
    page.mouse.up()
    view = shown(page)
    assert view[1] - view[0] == pytest.approx(6, abs=1e-3)
    assert view[0] == pytest.approx(-3 - 360 / box["width"], abs=1e-3)
    assert view[2] == pytest.approx(-3 - 180 / box["height"], abs=1e-3)
    assert weights(page) == before


def test_the_wheel_zooms_about_the_mouse(page: Page) -> None:
    box = panel(page)
    x, y = box["x"] + box["width"] / 4, box["y"] + box["height"] / 2  # (-1.5, 0)
    page.mouse.move(x, y)
    page.mouse.wheel(0, -100)
    view = shown(page)
    assert view[1] - view[0] < 5.5
    assert view[0] + (view[1] - view[0]) / 4 == pytest.approx(-1.5, abs=5e-3)
    page.get_by_role("button", name="Whole surface").click()
    expect(page).not_to_have_url(re.compile("view="))


def test_keys_move_the_point_and_its_numbers_are_spoken(page: Page, api: httpx.Client) -> None:
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the cost surface")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    handle = page.locator(".point")
    expect(handle).to_be_focused()
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowDown", "Alt+ArrowLeft"):
        page.keyboard.press(key)
    expect(page.locator("#w_in")).to_have_value("-1.405")
    expect(page.locator("#w_rec")).to_have_value("1.5")
    expect(handle).to_have_attribute("aria-label", "Weights: input −1.405, recurrent 1.5")
    expect(page.locator("#spoken")).to_have_text(re.compile(r"^Cost .*, gradient exploding\.$"))
    hold(page, api)
    page.keyboard.press("+")
    expect(page).to_have_url(re.compile("view="))
    page.keyboard.press("0")
    expect(page).not_to_have_url(re.compile("view="))


def test_training_is_the_notes(page: Page) -> None:
    page.select_option("#speed", "1000")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator("#iteration")).to_have_text("500 of 500")
    row = page.locator("tbody tr")
    expect(row).to_have_attribute("data-outcome", "iterations_exhausted")
    expect(row).to_contain_text("500 iterations")
    final = row.locator("[data-title=final]").get_attribute("data-value")
    assert final is not None
    assert float(final) == pytest.approx(1.8008530879e-6, rel=1e-6)
    gap = row.locator("[data-title=gap]").get_attribute("data-value")
    assert gap is not None
    assert float(gap) == pytest.approx(float(final))
    box = panel(page)
    end = page.locator(".path .now")
    x, y = (float(end.get_attribute(name) or "nan") for name in ("cx", "cy"))
    surface = page.locator("#surface").bounding_box()
    assert surface is not None
    across = (surface["x"] + x - box["x"]) / box["width"] * 6 - 3
    up = 3 - (surface["y"] + y - box["y"]) / box["height"] * 6
    assert (across, up) == pytest.approx(NOTE_END, abs=0.01)


def test_step_reset_timeline_play_and_pause(open_page: Opener) -> None:
    page = open_page(reduced_motion="reduce")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator("#iteration")).to_have_text("500 of 500")  # whole at once, nothing moves
    page.get_by_role("button", name="Reset").click()
    expect(page.locator("#iteration")).to_have_text("0 of 500")
    path = page.locator(".path .colour")
    expect(path).to_have_attribute("d", "")
    page.get_by_role("button", name="Step").click()
    page.get_by_role("button", name="Step").click()
    expect(page.locator("#iteration")).to_have_text("2 of 500")
    expect(path).to_have_attribute("d", re.compile("^M[^L]*L[^L]*L[^L]*$"))
    page.locator("#timeline").fill("250")
    expect(page.locator("#iteration")).to_have_text("250 of 500")
    page.select_option("#speed", "20")
    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.locator("#iteration")).to_have_text(re.compile("^(25[3-9]|2[6-9]|[34])"))
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile("frame="))


def test_optimizers_race(page: Page, api: httpx.Client) -> None:
    page.fill("#w_in", "0.5")
    page.fill("#w_rec", "0.5")
    page.fill("#n_iterations", "60")
    page.get_by_role("button", name="Train from here").click()
    page.select_option("#optimizer", "adam")
    page.get_by_label("Learning rate").fill("0.05")
    page.select_option("#clip", "norm")
    page.get_by_role("button", name="Add to race").click()
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(page.locator(".path")).to_have_count(2)
    expect(page.locator(".path.series-1.dash-1 .colour")).to_have_count(1)
    expect(rows.nth(1)).to_contain_text("Adam")
    ids = [rows.nth(i).get_attribute("data-run") for i in range(2)]
    request = api.get(f"/v1/training-runs/{ids[1]}").json()["request"]
    assert request["optimizer"]["learning_rate"] == 0.05
    assert request["clip"] == {"by": "norm", "threshold": 1}
    assert request["initial_weights"] == {"w_in": 0.5, "w_rec": 0.5}
    picture = page.get_by_role("link", name="Surface png")
    expect(picture).to_have_attribute("href", re.compile("&".join(f"run={i}" for i in ids)))
    assert api.get(str(picture.get_attribute("href"))).headers["content-type"] == "image/png"
    rows.nth(0).get_by_role("button", name="Remove Rprop").click()
    expect(rows).to_have_count(1)
    page.fill("#seed", "2")  # other data: the path belongs to another surface
    expect(rows).to_have_count(0)


def test_a_run_added_while_another_is_asked_for_comes_after_it(page: Page) -> None:
    held: list[Route] = []

    def hold_back(route: Route) -> None:
        held.append(route)

    page.route("**/v1/training-runs", hold_back, times=1)
    page.get_by_role("button", name="Train from here").click()
    page.select_option("#optimizer", "irprop_minus")
    with page.expect_response("**/trajectory"):
        page.get_by_role("button", name="Add to race").click()
    expect(page.locator("tbody tr")).to_have_count(0)
    held[0].continue_()
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("Rprop")
    expect(rows.nth(1)).to_contain_text("iRprop⁻")


def test_the_form_is_the_registry(page: Page, api: httpx.Client) -> None:
    for optimizer in api.get("/v1/optimizers").json()["items"]:
        page.select_option("#optimizer", optimizer["name"])
        expect(page.locator("#rule")).to_have_text(optimizer["formula"])
        fields = page.locator("#parameters input")
        expect(fields).to_have_count(len(optimizer["parameters"]))
        for field, parameter in zip(fields.all(), optimizer["parameters"], strict=True):
            expect(field).to_have_attribute("name", parameter["name"])
            expect(field).to_have_attribute("title", parameter["description"])
            if parameter["type"] == "boolean":
                expect(field).to_be_checked(checked=parameter["default"])
            else:
                assert float(field.input_value()) == parameter["default"]
        expect(page.locator("#clip")).to_be_enabled(enabled=optimizer["uses_magnitude"])


def test_an_address_restores_everything(open_page: Opener) -> None:
    first = open_page()
    first.get_by_role("button", name="Good start").click()
    expect(first.locator("tbody tr")).to_have_count(2)
    first.get_by_role("button", name="Pause", exact=True).click()
    first.locator("#timeline").fill("40")
    first.fill("#bits", "10101")
    first.check("#valley")
    first.fill("#target_cost", "0.001")
    expect(first).to_have_url(re.compile("bits=10101.*target_cost=0.001.*valley=true"))
    second = open_page("#" + first.url.partition("#")[2])
    expect(second.locator("tbody tr")).to_have_count(2)
    expect(second.locator("#iteration")).to_have_text("40 of 500")
    shown = """() => ({
      fields: [...document.querySelectorAll("input, select")]
        .map((field) => [field.id, field.value, field.checked]),
      numbers: [...document.querySelectorAll("[data-value]")].map((e) => e.dataset.value),
      figure: document.querySelector(".surface svg").innerHTML.split(">"),
      notice: document.querySelector("#notice").textContent,
      code: document.querySelector("#code").textContent,
      hash: location.hash,
    })"""
    expect(second.locator(".optimum")).to_be_visible()
    expect(second.locator("#code")).to_have_text(first.text_content("#code") or "")
    assert second.evaluate(shown) == first.evaluate(shown)


def test_another_address_in_the_same_page_is_followed(page: Page) -> None:
    page.evaluate("location.hash = '#w_in=0.25&w_rec=-1&optimizer=adam&optimizer.beta_1=0.5'")
    expect(page.locator("#w_in")).to_have_value("0.25")
    expect(page.locator("#optimizer")).to_have_value("adam")
    expect(page.get_by_label("Beta 1")).to_have_value("0.5")


@pytest.mark.parametrize(
    "name", ["Exploding", "Vanishing", "Oscillating", "Good start", "Bad start"]
)
def test_examples_say_what_to_notice(page: Page, name: str) -> None:
    button = page.get_by_role("button", name=name)
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#notice")).to_contain_text("Notice")
    regimes = {"Exploding": "Exploding.", "Vanishing": "Vanishing.", "Oscillating": "Exploding."}
    if name in regimes:
        expect(page.locator("#regime")).to_have_text(regimes[name])
        expect(page.locator("tbody tr")).to_have_count(0)
    else:
        outcomes = {"Good start": "iterations_exhausted", "Bad start": "diverged"}
        rows = page.locator("tbody tr")
        expect(rows).to_have_count(2)
        expect(rows.nth(0)).to_have_attribute("data-outcome", outcomes[name])


def test_an_activation_asks_the_service(page: Page, api: httpx.Client) -> None:
    page.fill("#w_in", "0.6")
    page.fill("#w_rec", "1.4")
    with page.expect_response(re.compile("/v1/cost-surface$")):
        page.select_option("#activation", "tanh")
    expect(page.locator(".optimum")).to_have_count(0)
    network = {"activation": "tanh"}
    at = {"w_in": 0.6, "w_rec": 1.4}
    run = {"network": network, "initial_weights": at, "n_iterations": 0, "keep": False}
    cost = api.post("/v1/training-runs", json=run).json()["initial"]["cost"]
    expect(page.locator("#cost")).to_have_attribute("data-value", repr(cost))
    question = {"network": network, "points": [at]}
    growth = api.post("/v1/gradient-trace", json=question).json()["traces"][0]["growth_per_step"]
    assert value(page, "#growth") == growth
    model = {"kind": "weights", **at, **network}
    output = api.post("/v1/predict", json={"model": model}).json()["outputs"][0]
    expect(page.locator("#prediction")).to_have_attribute("data-value", repr(output))
    page.select_option("#activation", "identity")
    expect(page.locator(".optimum")).to_have_count(1)
    hold(page, api)


def test_what_is_wrong_is_said_beside_the_field(open_page: Opener) -> None:
    page = open_page("#optimizer.eta_plus=0.5", expected=(422,))
    page.get_by_role("button", name="Train from here").click()
    problem = page.locator("#train-problem")
    expect(problem).to_contain_text("The request is not valid")
    expect(problem).to_contain_text("Eta plus: ")
    field = page.get_by_label("Eta plus")
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill("1.1")
    page.get_by_role("button", name="Train from here").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(problem).to_be_hidden()
    expect(field).not_to_have_attribute("aria-invalid", "true")


def test_a_service_that_is_away_is_said_to_be(open_page: Opener) -> None:
    page = open_page(expected=(503,))
    page.wait_for_selector(SETTLED)
    page.route("**/v1/training-runs", lambda route: route.abort())
    page.get_by_role("button", name="Train from here").click()
    expect(page.locator("#train-problem")).to_contain_text("The service does not answer")
    body = {"title": "The store is away", "status": 503, "detail": "Try again in 5 seconds."}
    page.route("**/v1/datasets", lambda route: route.fulfill(status=503, json=body))
    page.fill("#seed", "9")
    expect(page.locator("#data-problem")).to_have_text("The store is awayTry again in 5 seconds.")


def test_runs_of_an_address_that_are_gone_are_told_of(open_page: Opener) -> None:
    page = open_page(f"#runs=run_{'0' * 32}", expected=(404,))
    expect(page.locator("#train-problem")).to_contain_text("There is no such thing")
    expect(page.locator("tbody tr")).to_have_count(0)


def test_a_run_that_takes_its_time_is_waited_for(page: Page, api: httpx.Client) -> None:
    done = api.post("/v1/training-runs", json={"n_iterations": 5}).json()
    queued: dict[str, Any] = {**done, "status": "queued", "outcome": None, "final": None}

    def answer(route: Route) -> None:
        route.fulfill(status=202, body=json.dumps(queued), content_type="application/json")

    page.route("**/v1/training-runs", answer)
    page.get_by_role("button", name="Train from here").click()
    expect(page.locator("tbody tr")).to_contain_text("5 iterations")
