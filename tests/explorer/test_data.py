"""The numbers on the page: initial ones, with an activation, of large data, and without answers."""

import json
import re
from functools import partial
from typing import Any

import httpx
import numpy as np
import pytest
from playwright.sync_api import Page, Request, Route, expect

from service.api.routes.explorer import DIGEST
from tests.explorer.conftest import (
    EVALUATED,
    Explorer,
    Opener,
    answer_first,
    open_drawer,
    wait_until,
    wait_until_painted,
)


def test_the_first_view_loads_at_most_275_kilobytes(page: Page) -> None:
    sizes = page.evaluate(
        """performance.getEntries().filter(({ decodedBodySize }) => decodedBodySize)
        .map(({ name, decodedBodySize }) => [new URL(name).pathname, decodedBodySize])"""
    )
    folder = f"/explorer/{DIGEST}"
    files = {path: size for path, size in sizes if path == "/" or path.startswith(folder)}
    assert {"/", f"{folder}/main.js", f"{folder}/css/base.css"} < set(files)
    assert sum(files.values()) <= 275_000, sorted(files.items(), key=lambda file: file[1])


def test_the_heatmap_is_painted_and_numbers_equal_the_service(explorer: Explorer) -> None:
    page = explorer.page
    wait_until_painted(page)
    assert explorer.weights() == (-1.5, 2.0)
    explorer.expect_number("#cost", pytest.approx(615689.775))
    expect(page.locator("#cost")).to_have_text("6.16×10⁵")
    explorer.assert_equals_service()
    page.fill("#w_in", "0.7")
    page.fill("#w_rec", "-0.4")
    page.fill("#bits", "110101")
    expect(page.locator("#regime")).to_contain_text("vanishing: below 0.9 over all steps")
    expect(page.locator("#headline")).to_contain_text("4 ones")
    explorer.assert_equals_service()


def test_with_an_activation_numbers_come_from_the_service(explorer: Explorer) -> None:
    page, api = explorer.page, explorer.api
    page.fill("#w_in", "0.6")
    page.fill("#w_rec", "1.4")
    with page.expect_response(re.compile("/v1/cost-surface$")):
        open_drawer(page, "data")
        page.select_option("#activation", "tanh")
    expect(page.locator(".optimum")).to_have_count(0)
    expect(page.locator("#note")).not_to_contain_text("star")
    expect(page.locator("#valley")).to_be_disabled()
    network = {"activation": "tanh"}
    point = {"w_in": 0.6, "w_rec": 1.4}
    explorer.expect_cost(**point, network=network)
    bits = [[int(bit) for bit in "011000010011"]]
    dataset = {"kind": "explicit", "inputs": bits, "targets": [5]}
    body = {"network": network, "points": [point], "dataset": dataset}
    trace = api.post("/v1/gradient-trace", json=body).json()["traces"][0]
    explorer.expect_number("#growth", trace["growth_per_step"])
    model = {"kind": "weights", **point, **network}
    output = api.post("/v1/predict", json={"model": model}).json()["outputs"][0]
    expect(page.locator("#prediction")).to_have_attribute("data-value", repr(output))
    open_drawer(page, "data")
    page.select_option("#activation", "identity")
    expect(page.locator(".optimum")).to_have_count(1)
    expect(page.locator("#note")).to_contain_text("star")
    explorer.assert_equals_service()


@pytest.mark.parametrize("activation", ["identity", pytest.param("tanh", marks=pytest.mark.slow)])
def test_the_first_outputs_of_large_data_are_drawn(open_page: Opener, activation: str) -> None:
    page = open_page(expected=(422,))  # of a surface that takes too long
    dots = page.locator("#fit-chart .sample:not([display])")
    expect(dots).to_have_count(20)
    expect(page.locator("#fit-part")).to_be_empty()
    open_drawer(page, "data")
    page.fill("#n_samples", "2000")
    open_drawer(page, "data")
    page.fill("#n_steps", "12")
    open_drawer(page, "data")
    page.select_option("#activation", activation)
    expect(dots).to_have_count(400)
    expect(page.locator("#fit-part")).to_have_text("(the first 400 of 2,000 sequences)")


@pytest.mark.slow
def test_an_outdated_request_is_aborted(explorer: Explorer) -> None:
    page = explorer.page
    with page.expect_response("**/v1/cost-surface"):
        open_drawer(page, "data")
        page.select_option("#activation", "tanh")
    network = {"activation": "tanh"}
    explorer.expect_cost(-1.5, 2, network=network)
    page.route("**/v1/gradient-trace", lambda _route: None, times=1)
    with page.expect_request("**/v1/gradient-trace"):
        page.fill("#w_in", "0.5")
    with page.expect_event("requestfailed") as failed:
        page.fill("#w_in", "0.75")
    assert failed.value.failure == "net::ERR_ABORTED"
    explorer.expect_cost(0.75, 2, network=network)
    expect(page.locator("#point-problem")).to_be_hidden()


@pytest.mark.slow
def test_the_ticks_of_the_states_are_where_they_say(page: Page) -> None:
    labels = page.locator("#states text[text-anchor=end]", has_text=re.compile(r"\d"))
    expect(labels).to_have_text(["−2000", "−1000", "0"])  # at (−1.5, 2), the output is −2332.5
    heights = labels.evaluate_all(
        "labels => labels.map((label) => Number(label.getAttribute('y')))"
    )
    end = float(page.locator("#states .sample").get_attribute("cy") or "nan")
    assert (end + 4 - heights[2]) / (heights[0] - heights[2]) == pytest.approx(
        2332.5 / 2000, abs=0.01
    )


@pytest.mark.slow
def test_an_invalid_field_is_marked(open_page: Opener) -> None:
    page = open_page(expected=(422,))
    errors = [{"pointer": "/optimizer/eta_plus", "detail": "must be above 1"}]
    body = {"title": "Invalid request", "status": 422, "detail": "", "errors": errors}
    runs = "**/v1/training-runs"
    answer_first(page, runs, partial(Route.fulfill, status=422, json=body))
    page.get_by_role("button", name="Train", exact=True).click()
    problem = page.locator("#train-problem")
    expect(problem.locator("strong")).not_to_be_empty()
    expect(problem).to_contain_text("Eta plus: ")
    field = page.get_by_label("Eta plus")
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill("1.1")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(problem).to_be_hidden()
    expect(field).not_to_have_attribute("aria-invalid", "true")


@pytest.mark.slow
def test_an_unavailable_service_is_reported(open_page: Opener) -> None:
    page = open_page(expected=(503,))
    page.wait_for_selector(EVALUATED)
    page.route("**/v1/training-runs", lambda route: route.abort())
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator("#train-problem")).to_contain_text("The service is unavailable")
    body = {"title": "Database unavailable", "status": 503, "detail": "Try again in 5 seconds."}
    page.route("**/v1/datasets", lambda route: route.fulfill(status=503, json=body))
    open_drawer(page, "data")
    page.fill("#seed", "9")
    problem = page.locator("#data-problem")
    expect(problem).to_contain_text("Database unavailableTry again in 5 seconds.")
    expect(page.locator("#cost")).to_have_text("…")  # and not that of the previous data
    expect(page.locator(".optimum")).to_have_count(0)
    page.unroute("**/v1/datasets")
    problem.get_by_role("button", name="Try again").click()
    expect(problem).to_be_hidden()
    expect(page.locator("#cost")).to_have_attribute("data-value", re.compile("[0-9]"))
    expect(page.locator(".optimum")).to_have_count(1)
    page.route("**/v1/cost-surface", lambda route: route.fulfill(status=503, json=body))
    open_drawer(page, "data")
    page.select_option("#activation", "tanh")
    problem = page.locator("#surface-problem")
    expect(problem).to_contain_text("Database unavailable")
    color_bar = page.locator("#surface text", has_text=re.compile("^cost"))
    expect(color_bar).to_have_count(0)  # and not the surface of the previous network
    page.unroute("**/v1/cost-surface")
    problem.get_by_role("button", name="Try again").click()
    expect(problem).to_be_hidden()
    expect(color_bar).to_have_count(1)


SIZES = {"width": 390, "height": 844}


@pytest.mark.slow
def test_a_surface_that_takes_too_long_is_coarser(open_page: Opener) -> None:
    page = open_page("#n_samples=2000&n_steps=50", viewport=SIZES)
    sent: list[int] = []

    def record(request: Request) -> None:
        if request.url.endswith("/v1/cost-surface"):
            sent.append(json.loads(request.post_data or "")["windows"][0]["resolution"])

    page.on("request", record)
    open_drawer(page, "data")
    page.select_option("#activation", "tanh")
    note = page.locator("#surface-note")
    expect(note).to_contain_text("a grid of 61 × 61")
    wait_until_painted(page)
    expect(page.locator("#surface-problem")).to_be_hidden()
    page.keyboard.press("Escape")
    with page.expect_response(re.compile("/v1/cost-surface$")) as answered:
        page.get_by_role("button", name="Zoom in").click()
    assert answered.value.status == 200
    assert {*sent} == {61}
    open_drawer(page, "data")
    page.select_option("#activation", "identity")
    expect(note).to_be_empty()


@pytest.mark.slow
def test_large_data_are_shown_in_part(page: Page, api: httpx.Client) -> None:
    random = np.random.default_rng(5)
    bits = random.integers(0, 2, (50_000, 10))
    rows = np.column_stack([bits, bits.sum(axis=1)])
    table = "\n".join(",".join(map(str, row)) for row in rows.tolist())
    file: Any = {"name": "large.csv", "mimeType": "text/csv", "buffer": table.encode()}
    open_drawer(page, "data")
    page.set_input_files("#data-file", file)
    page.get_by_role("button", name="Use these rows").click()
    expect(page.locator("#surface-note")).to_contain_text("the first 40,000 of 50,000 sequences")
    expect(page.locator("#own-data")).to_contain_text("50,000 rows of 10 steps")
    expect(page.locator(".optimum")).to_be_visible()
    wait_until_painted(page)
    part = rows[:40_000].astype(float)
    states = np.zeros(len(part))
    for x in part[:, :-1].T:
        states = 2 * states - 1.5 * x
    cost = np.mean((states - part[:, -1]) ** 2)
    wait_until(
        page,
        "cost => Math.abs(document.querySelector('#cost').dataset.value / cost - 1) < 1e-9",
        arg=cost,
    )
