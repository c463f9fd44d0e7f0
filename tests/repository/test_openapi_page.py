"""openapi.md is up to date and well formed."""

import re
from pathlib import Path

from scripts.openapi import openapi_schema
from service.api.errors import PROBLEM_TYPES

PAGE = (Path(__file__).parents[2] / "openapi.md").read_text()


def test_the_page_has_every_operation_and_problem() -> None:
    for path, methods in openapi_schema()["paths"].items():
        for method in methods:
            assert f"### {method.upper()} {path}\n" in PAGE
    for kind in PROBLEM_TYPES:
        assert f"| `/problems/{kind.slug}` | {kind.status} | {kind.title} |\n" in PAGE


def test_the_page_begins_with_what_people_do_and_is_short() -> None:
    headings = re.findall(r"^## (.*)$", PAGE, re.MULTILINE)
    assert headings[:3] == ["Five things people do", "The life of a resource", "Names"]
    assert len(set(headings)) == len(headings)
    assert len(PAGE) < 90_000
    sections = re.findall(r"^### (\w+) (/v1/training-runs\S*)$", PAGE, re.MULTILINE)
    assert [method for method, _ in sections] == ["POST", *["GET"] * 5, "POST", "DELETE"]


def test_every_row_of_a_table_has_as_many_cells_as_its_header() -> None:
    tables = re.findall(r"(?:^\|.*\n)+", PAGE, re.MULTILINE)
    assert len(tables) == 3
    for table in tables:
        widths = {len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}
        assert len(widths) == 1, table
