"""openapi.md is up to date and well formed."""

import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "openapi.md").read_text()


def test_every_row_of_a_table_has_as_many_cells_as_its_header() -> None:
    tables = re.findall(r"(?:^\|.*\n)+", PAGE, re.MULTILINE)
    assert len(tables) == 4
    for table in tables:
        widths = {len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}
        assert len(widths) == 1, table
