"""REUSE.toml: every file has a license, and the documents name the same."""

import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = "docs/recipes/data"
ROWS = [
    row.split(" | ")
    for row in (ROOT / DATA / "README.md").read_text(encoding="utf-8").splitlines()
    if row.startswith("| `")
]
ANNOTATIONS = tomllib.loads((ROOT / "REUSE.toml").read_text(encoding="utf-8"))["annotations"]


def license_of(file: str) -> str:
    """Return the license of a file: that of the last pattern that matches."""
    found = ""
    for annotation in ANNOTATIONS:
        patterns = annotation["path"]
        for pattern in [patterns] if isinstance(patterns, str) else patterns:
            if fnmatch(file, pattern):
                found = annotation["SPDX-License-Identifier"]
    return found


def read_project() -> dict[str, str]:
    project: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project


def test_every_table_of_data_is_described() -> None:
    described = {name for row in ROWS for name in re.findall(r"`([^`]+)`", row[0])}
    assert described == {path.name for path in (ROOT / DATA).glob("*.csv")}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].strip("| `"))
def test_a_table_has_the_license_that_its_description_names(row: list[str]) -> None:
    stated = re.search(r"`([^`]+)`", row[-1])
    assert stated is not None
    for name in re.findall(r"`([^`]+)`", row[0]):
        assert license_of(f"{DATA}/{name}") == stated[1]


def test_the_texts_are_those_of_the_licenses_in_use() -> None:
    expressions = [annotation["SPDX-License-Identifier"] for annotation in ANNOTATIONS]
    used = {name for expression in expressions for name in re.split(" OR | AND ", expression)}
    assert used == {path.stem for path in (ROOT / "LICENSES").iterdir()}


def test_the_package_and_the_image_have_the_licenses_of_their_files() -> None:
    """The service is the package; the image contains it."""
    files = [path for path in (ROOT / "service").rglob("*") if "__pycache__" not in path.parts]
    found = {license_of(path.relative_to(ROOT).as_posix()) for path in files}
    stated = read_project()["license"]
    assert set(stated.split(" AND ")) == found
    assert f'image.licenses="{stated}"' in (ROOT / "Dockerfile").read_text()
