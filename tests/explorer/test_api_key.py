"""The explorer of a service that needs API keys."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from service.keys import Scope, make_key
from tests.explorer.conftest import EVALUATED, open_drawer
from tests.explorer.test_accessibility import violations
from tests.programs import run_service

KEY, ENTRY = make_key("teacher", Scope.WRITE)
READ_KEY, READ_ENTRY = make_key("student", Scope.READ)
LONG = "#activation=tanh&n_samples=400&n_steps=50&n_iterations=30000"


@pytest.fixture(scope="module")
def locked_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a service that needs a key."""
    folder = tmp_path_factory.mktemp("locked")
    with run_service(folder, RNN_API_KEYS=f"{ENTRY},{READ_ENTRY}") as url:
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


def test_the_page_asks_for_a_key_and_keeps_it_in_the_tab(
    context: BrowserContext, locked_url: str
) -> None:
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
    printed = subprocess.run(
        [sys.executable, "-c", python],
        env={**os.environ, "LINEAR_RNN_API_KEY": KEY},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "weights" in printed.stdout
    curl = page.locator("#code code").first.inner_text()
    assert '-H "Authorization: Bearer $LINEAR_RNN_API_KEY"' in curl
    expect(page).to_have_url(re.compile("n_iterations=5"))
    everything = page.evaluate("document.documentElement.outerHTML + location.href")
    values = page.evaluate("[...document.querySelectorAll('input')].map(({ value }) => value)")
    assert KEY not in everything
    assert KEY not in values
