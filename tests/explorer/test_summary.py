"""Every door prints the same summary of a fit."""

import io
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from linear_rnn import Client
from tests.explorer.conftest import Opener
from tests.fit_levels import COLUMNS, TABLES


def read_words(picture: str) -> str:
    """Return the words of an SVG, with w_rec in plain text."""
    words = " ".join(re.findall("<!-- (.*?) -->", picture))
    return words.replace(r"$\mathrm{w_{rec}}$", "w_rec")


@pytest.mark.slow
@pytest.mark.parametrize("level", TABLES)
def test_page_command_client_and_picture_say_the_same(
    open_page: Opener, service_url: str, api: httpx.Client, tmp_path: Path, level: str
) -> None:
    table = TABLES[level]
    with Client(service_url) as rnn:
        fit = rnn.fit(io.StringIO(table), target=COLUMNS["target"], time=COLUMNS["time"])
        from_client = fit.summary()
        picture = str(fit.plot(format="svg", width=1600).content, "utf-8")
    summary = api.get(f"/v1/fits/{fit.id}").json()["summary"]
    headline, interval = summary["headline"], summary["sentences"][0]
    assert summary["level"] == level
    text = "\n".join([headline, "", *summary["sentences"], ""])
    assert from_client.startswith(text)
    assert f"{headline}. {interval}" in read_words(picture)
    (tmp_path / "table.csv").write_text(table)
    options = [part for name, value in COLUMNS.items() for part in (f"--{name}", value)]
    program = Path(sys.executable).with_name("linear-rnn")
    command = [str(program), "fit", str(tmp_path / "table.csv")]
    printed = subprocess.run([*command, *options], capture_output=True, text=True, check=True)
    assert printed.stdout.startswith(text)
    page = open_page(f"fit#{fit.id}", shows="#story", reduced_motion="reduce")
    expect(page.locator(f'#story[data-fit="{fit.id}"]')).to_be_visible()
    expect(page.locator("#headline")).to_have_text(headline)
    expect(page.locator("#interval")).to_have_text(interval)
