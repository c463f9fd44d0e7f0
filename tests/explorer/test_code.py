"""The lines that do the same from a terminal and from Python do it, and the links lead there."""

import json
import shlex
import subprocess
import sys
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

STATE = {"#w_in": "0.5", "#w_rec": "-0.25", "#n_iterations": "3", "#target_cost": "0.125"}


def expected(api: httpx.Client, question: str) -> Any:
    at = {"w_in": 0.5, "w_rec": -0.25}
    if question == "train":
        body = {"initial_weights": at, "n_iterations": 3, "target_cost": 0.125}
        return api.post("/v1/training-runs", json=body).json()["final"]
    if question == "trace":
        traces = api.post("/v1/gradient-trace", json={"points": [at]}).json()["traces"]
        return traces[0]["gradient"]
    if question == "predict":
        model = {"kind": "weights", **at}
        return api.post("/v1/predict", json={"model": model}).json()["outputs"]
    return api.post("/v1/cost-surface", json={}).json()["windows"][0]["minimum"]


TAKE = {
    "train": lambda answer: answer["final"],
    "trace": lambda answer: answer["traces"][0]["gradient"],
    "predict": lambda answer: answer["outputs"],
    "surface": lambda answer: answer["windows"][0]["minimum"],
}


@pytest.mark.parametrize("question", list(TAKE))
def test_the_lines_do_the_same(page: Page, api: httpx.Client, question: str) -> None:
    for field, text in STATE.items():
        page.fill(field, text)
    page.select_option("#question", question)
    curl, python = page.locator("#code code").all()
    if question != "surface":
        expect(curl).to_contain_text("-0.25" if question != "train" else '"target_cost":0.125')
    answer = expected(api, question)
    printed = subprocess.run(
        [sys.executable, "-c", python.inner_text()], capture_output=True, text=True, check=True
    )
    assert eval(printed.stdout, {}) == answer  # noqa: S307 - printed by the line under test
    words = shlex.split(curl.inner_text())
    assert words[0] == "curl"
    headers = dict([words[words.index("-H") + 1].split(": ")])
    body = words[words.index("-d") + 1]
    assert json.loads(body)
    done = httpx.post(words[1], content=body, headers=headers)
    assert TAKE[question](done.json()) == answer


TYPES = {
    "png": "image/png",
    "svg": "image/svg+xml",
    "pdf": "application/pdf",
    "csv": "text/csv",
    "JSON": "application/json",
}


def test_every_link_leads_somewhere(page: Page, api: httpx.Client) -> None:
    page.fill("#n_iterations", "5")
    page.get_by_role("button", name="Train from here").click()
    expect(page.get_by_role("link", name="Run csv")).to_be_visible()
    links = page.locator("#links a").all()
    assert len(links) == 9
    for link in links:
        answer = api.get(str(link.get_attribute("href")))
        assert answer.status_code == 200, link.inner_text()
        media_type = answer.headers["content-type"].partition(";")[0]
        assert media_type == TYPES[link.inner_text().split()[-1]], link.inner_text()


def test_a_line_is_copied(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the curl line").click()
    expect(page.get_by_role("button", name="Copy the curl line")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("#code code").first.text_content()
