"""The curl command and the Python code send the same request as the page, and the links work."""

import ast
import json
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from service.keys import Scope, make_key
from tests.explorer.conftest import (
    EVALUATED,
    ModuleCaller,
    open_drawer,
    violations,
)
from tests.programs import run_program, run_service

POINT = {"w_in": 0.5, "w_rec": -0.25}
BITS = [int(bit) for bit in "011000010011"]
STATE = {"#w_in": "0.5", "#w_rec": "-0.25", "#n_iterations": "3", "#target_cost": "0.125"}
# The path of each request, its body for this state, and what Python prints of the response.
REQUESTS: dict[str, tuple[str, dict[str, Any], Callable[[Any], Any]]] = {
    "train": (
        "/v1/training-runs",
        {"initial_weights": POINT, "n_iterations": 3, "target_cost": 0.125},
        lambda response: response["final"],
    ),
    "trace": (
        "/v1/gradient-trace",
        {"points": [POINT], "dataset": {"kind": "explicit", "inputs": [BITS], "targets": [5]}},
        lambda response: response["traces"][0]["gradient"],
    ),
    "predict": (
        "/v1/predict",
        {"model": {"kind": "weights", **POINT}},
        lambda response: response["outputs"],
    ),
    "evaluate": ("/v1/evaluate", {"points": [POINT]}, lambda response: response["evaluations"][0]),
    "check": (
        "/v1/gradient-check",
        {"weights": POINT},
        lambda response: response["relative_error"],
    ),
    "surface": ("/v1/cost-surface", {}, lambda response: response["windows"][0]["minimum"]),
}


def test_the_code_returns_the_result(page: Page, api: httpx.Client) -> None:
    open_drawer(page, "settings")
    for field, text in STATE.items():
        page.fill(field, text)
    open_drawer(page, "code")
    expect(page.locator("#code code")).to_have_count(2)
    curl, python = page.locator("#code code").all()
    expect(curl).to_contain_text('"target_cost": 0.125')
    for name, (path, body, read) in REQUESTS.items():
        open_drawer(page, "code")
        page.select_option("#request", name)
        expect(curl).to_contain_text(path)
        result = read(api.post(path, json=body).json())
        printed = run_program(sys.executable, "-c", python.inner_text())
        assert eval(printed.stdout, {}) == result  # noqa: S307 - printed by the code under test
        words = shlex.split(curl.inner_text())
        assert words[0] == "curl"
        headers = dict([words[words.index("-H") + 1].split(": ")])
        content = words[words.index("-d") + 1]
        response = httpx.post(words[1], content=content, headers=headers, timeout=60)
        assert read(response.json()) == result


def shell_words(command: str) -> list[str]:
    """Return the words of a curl command as a shell passes them."""
    script = f"curl() {{ printf '%s\\0' curl \"$@\"; }}\n{command}"
    printed = run_program("sh", "-c", script)
    words = printed.stdout.split("\0")[:-1]
    assert [word for word in shlex.split(command) if word != "\n"] == words
    return words


HOSTILE = {
    "'; touch x; echo '": "$(touch x) `touch x` \\' \n\u2028\U0001f600",
    '": __import__("os").system("touch x"), "x': [None, True, -1.5e-7, '"""', "\\"],
}


def test_text_of_any_kind_is_quoted(call_node: ModuleCaller) -> None:
    url = 'http://host/it\'s?a="b"'
    curl, python = call_node(
        ["lib/snippets"],
        "({ writeCurl, writePython }, [url, body]) => "
        '[writeCurl(url, body, false), writePython(url, body, ["a\'b\\"c", 0], false)]',
        [url, HOSTILE],
    )
    words = shell_words(curl)
    assert words[:5] == ["curl", url, "-H", "Content-Type: application/json", "-d"]
    assert len(words) == 6
    assert words[5].startswith('{\n  "')  # a line for each entry
    assert json.loads(words[5]) == HOSTILE
    tree = ast.parse(python)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    post = ast.unparse(calls[2])
    assert [ast.unparse(call.func) for call in calls] == ["print", f"{post}.json", "httpx.post"]
    assert ast.literal_eval(calls[2].args[0]) == url
    assert ast.literal_eval(calls[2].keywords[0].value) == HOSTILE


TYPES = {
    "PNG": "image/png",
    "SVG": "image/svg+xml",
    "PDF": "application/pdf",
    "CSV": "text/csv",
    "JSON": "application/json",
}


@pytest.mark.slow
def test_the_links_work(page: Page, api: httpx.Client) -> None:
    page.fill("#n_iterations", "5")
    page.get_by_role("button", name="Train", exact=True).click()
    open_drawer(page, "code")
    expect(page.get_by_role("link", name="Run 1 CSV")).to_be_visible()
    links = page.locator("#links a").all()
    assert len(links) == 9
    for link in links:
        response = api.get(str(link.get_attribute("href")))
        assert response.status_code == 200, link.inner_text()
        media_type = response.headers["content-type"].partition(";")[0]
        assert media_type == TYPES[link.inner_text().split()[-1]], link.inner_text()


KEY, ENTRY = make_key("teacher", Scope.WRITE)
LONG = "#activation=tanh&n_samples=400&n_steps=50&n_iterations=30000"


@pytest.fixture(scope="module")
def locked_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a service that needs a key."""
    folder = tmp_path_factory.mktemp("locked")
    with run_service(folder, RNN_API_KEYS=f"{ENTRY}") as url:
        yield url


def open_locked(context: BrowserContext, url: str, key: str = "") -> Page:
    """Open the page, and use a key if there is one."""
    page = context.new_page()
    page.goto(url)
    expect(page.get_by_role("dialog")).to_be_visible()
    if key:
        page.get_by_label("Key with the scope").fill(key)
        page.get_by_role("button", name="Use this key").click()
    return page


def test_the_page_asks_for_a_key_and_keeps_it(context: BrowserContext, locked_url: str) -> None:
    page = open_locked(context, f"{locked_url}/#w_in=0.5")
    dialog = page.get_by_role("dialog", name="This service requires an API key")
    expect(page.get_by_label("Key with the scope")).to_be_focused()
    assert violations(page) == []
    for wrong in ("rnn_wrong", "schlüssel\u2028"):
        page.get_by_label("Key with the scope").fill(wrong)
        page.keyboard.press("Enter")
        expect(dialog.get_by_role("alert")).to_have_text("The service does not accept this key.")
    page.get_by_label("Key with the scope").fill(KEY)
    page.keyboard.press("Enter")
    page.wait_for_selector(EVALUATED)
    expect(dialog).to_be_hidden()
    expect(page.locator("#w_in")).to_have_value("0.5")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page).to_have_url(re.compile("run=optimizer"))
    page.reload()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(dialog).to_be_hidden()
    assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]
    open_locked(context, locked_url)  # another tab


@pytest.mark.slow
def test_events_and_links_use_the_key_and_texts_do_not_have_it(
    context: BrowserContext, locked_url: str, tmp_path: Path
) -> None:
    page = open_locked(context, f"{locked_url}/{LONG}", KEY)
    page.wait_for_selector(EVALUATED)
    page.get_by_role("button", name="Train", exact=True).click()
    job = page.locator("#jobs li")
    expect(job).to_contain_text(re.compile(r"[1-9][\d,]* of 30,000 iterations"))
    page.get_by_role("button", name="Cancel Rprop").click()
    expect(page.locator("#train-problem")).to_contain_text("The training run was cancelled")
    open_drawer(page, "data")
    page.select_option("#activation", "identity")
    page.fill("#n_iterations", "5")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator("tbody tr")).to_have_count(1)
    open_drawer(page, "code")
    for name, file_name, start in (
        ("Surface PNG", "cost-surface.png", b"\x89PNG"),
        ("Run 1 CSV", "trajectory.csv", b"iteration,"),
        ("Trace JSON", "gradient-trace.json", b"{"),
    ):
        with page.expect_download() as download:
            page.get_by_role("link", name=name).click()
        assert download.value.suggested_filename == file_name
        assert Path(download.value.path()).read_bytes().startswith(start)
    python = page.locator("#code code").nth(1).inner_text()
    printed = run_program(
        sys.executable, "-c", python, env={**os.environ, "LINEAR_RNN_API_KEY": KEY}
    )
    assert "weights" in printed.stdout
    curl = page.locator("#code code").first.inner_text()
    assert '-H "Authorization: Bearer $LINEAR_RNN_API_KEY"' in curl
    expect(page).to_have_url(re.compile("n_iterations=5"))
    everything = page.evaluate("document.documentElement.outerHTML + location.href")
    values = page.evaluate("[...document.querySelectorAll('input')].map(({ value }) => value)")
    assert KEY not in everything
    assert KEY not in values
