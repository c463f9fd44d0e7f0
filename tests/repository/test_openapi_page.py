"""openapi.md is up to date and well formed."""

import re
from pathlib import Path

from scripts.openapi import openapi_markdown, openapi_schema
from service.api.errors import PROBLEM_TYPES

PAGE = Path(__file__).parents[2] / "openapi.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == openapi_markdown(), "run `make openapi`"


def test_the_page_has_every_operation() -> None:
    text = openapi_markdown()
    for path, methods in openapi_schema()["paths"].items():
        for method in methods:
            assert f"### {method.upper()} {path}\n" in text


def test_the_page_names_every_problem() -> None:
    text = openapi_markdown()
    for kind in PROBLEM_TYPES:
        assert f"| `/problems/{kind.slug}` | {kind.status} | {kind.title} |\n" in text


def test_links_within_the_page_have_targets() -> None:
    text = openapi_markdown()
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}
    targets = set(re.findall(r"\]\(#([^)]+)\)", text))
    assert len(targets) > 40
    assert targets <= anchors


def test_tables_have_equal_columns() -> None:
    """Every row has as many cells as its header."""
    rows = 0
    width = 0
    for line in openapi_markdown().splitlines():
        if not line.startswith("|"):
            width = 0
            continue
        cells = len(re.findall(r"(?<!\\)\|", line))
        width = width or cells
        assert cells == width, line
        rows += 1
    assert rows > 200
