"""Work that takes long: its progress, and how it is cancelled."""

import json
import re
from functools import partial
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from tests.explorer.conftest import (
    Opener,
    answer_first,
    make_holder,
    on_screens,
    open_drawer,
    violations,
    wait_for_value,
)

# 400 sequences of 50 steps, 30,000 iterations: a job of about a minute.
LONG = "#activation=tanh&n_samples=400&n_steps=50&n_iterations=30000"


@on_screens
def test_a_long_run_shows_its_progress_and_is_cancelled(
    open_page: Opener, api: httpx.Client, viewport: dict[str, int]
) -> None:
    # The width makes the request new, so that the second test does not find a cancelled job.
    fragment = f"{LONG}&seed={viewport['width']}&w_in=0.1&w_rec=0.2&view=-1,1,-1,1"
    page = open_page(fragment, viewport=viewport, expected=(422,))
    with page.expect_response(lambda response: response.status == 202) as accepted:
        page.get_by_role("button", name="Train", exact=True).click()
    run = accepted.value.json()["id"]
    job = page.locator("#jobs li")
    expect(job).to_contain_text("Rprop")
    expect(job).to_contain_text(re.compile(r"[1-9][\d,]* of 30,000 iterations"))
    expect(job.locator("progress")).to_have_attribute("value", re.compile(r"^[1-9]\d{0,4}$"))
    assert page.evaluate("document.documentElement.scrollWidth") == viewport["width"]
    assert violations(page) == []
    page.get_by_role("button", name="Cancel Rprop").click()
    expect(job).to_have_count(0)
    expect(page.locator("#train-problem")).to_contain_text("The training run was cancelled")
    assert api.get(f"/v1/training-runs/{run}").json()["status"] == "cancelled"
    expect(page.locator("tbody tr")).to_have_count(0)


def queue(page: Page, api: httpx.Client) -> None:
    """Make the page believe that every new run is queued."""

    def respond(route: Route) -> None:
        body = json.loads(route.request.post_data or "")
        done = api.post("/v1/training-runs", json=body).json()
        path = f"/v1/training-runs/{done['id']}"
        links = {**done["links"], "cancel": f"{path}/cancel"}
        route.fulfill(status=202, json={**done, "status": "queued", "links": links})

    page.route(re.compile("/v1/training-runs$"), respond)


@pytest.mark.slow
def test_one_failed_run_does_not_hide_the_others(page: Page, api: httpx.Client) -> None:
    done: dict[str, Any] = api.post("/v1/training-runs", json={"n_iterations": 5}).json()
    failed = {**done, "status": "failed", "error": {"title": "Out of memory", "detail": "Sorry."}}
    answer_first(page, re.compile("/v1/training-runs$"), partial(Route.fulfill, json=failed))
    page.fill("#n_iterations", "5")
    open_drawer(page, "settings")
    page.get_by_role("button", name="Train all 8").click()
    expect(page.locator("tbody tr")).to_have_count(7)
    expect(page.locator("#train-problem")).to_have_text("Out of memorySorry.")


@pytest.mark.slow
def test_runs_for_other_data_are_not_added_and_the_lesson_does_not_wait(page: Page) -> None:
    held, hold = make_holder()
    race, rows = page.locator("#race"), page.locator("tbody tr")
    page.route(re.compile("/v1/training-runs$"), hold)
    page.get_by_role("button", name="Train", exact=True).click()
    expect(race).to_have_attribute("aria-busy", "true")
    open_drawer(page, "data")
    page.fill("#seed", "5")
    expect(page).to_have_url(re.compile("seed=5"))
    wait_for_value(page, lambda: len(held), 1)
    held[0].continue_()
    expect(race).not_to_have_attribute("aria-busy", "true")
    expect(rows).to_have_count(0)
    page.get_by_role("button", name="Train", exact=True).click()
    wait_for_value(page, lambda: len(held), 2)
    with page.expect_event("requestfailed") as failed:
        page.get_by_role("button", name="Lesson", exact=True).click()
    assert failed.value.failure == "net::ERR_ABORTED"
    expect(race).not_to_have_attribute("aria-busy", "true")


@pytest.mark.slow
def test_a_lost_connection_and_a_run_that_is_gone_are_reported(
    open_page: Opener, api: httpx.Client
) -> None:
    page = open_page(expected=(502, 404))
    queue(page, api)
    run = re.compile("/v1/training-runs/run_[0-9a-f]{32}$")
    lost: list[Route] = []

    def lose(route: Route) -> None:
        lost.append(route)
        route.fulfill(status=502, body="")

    page.route(run, lose)
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator("#jobs li")).to_contain_text("No connection. Trying again…")
    wait_for_value(page, lambda: len(lost) > 1, expected=True)
    page.unroute(run)
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("#jobs li")).to_have_count(0)
    gone = {"title": "Not found", "detail": "There is no such run."}
    page.route(run, partial(Route.fulfill, status=404, json=gone))
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator("#train-problem")).to_contain_text("Not found")
    expect(page.locator("#jobs li")).to_have_count(0)
