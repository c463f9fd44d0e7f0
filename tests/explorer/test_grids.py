"""Large data: a coarser grid, or a part of the sequences, labeled as such."""

import json
import re
from typing import Any

import httpx
import numpy as np
import pytest
from playwright.sync_api import Page, Request, expect

from tests.explorer.conftest import (
    Opener,
    open_drawer,
    wait_until,
    wait_until_painted,
)

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
