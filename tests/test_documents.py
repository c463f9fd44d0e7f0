"""The documents agree with the code and with each other: tables, names, links."""

import re
from pathlib import Path

import pytest
from PIL import Image

from service import __version__
from service.documentation import openapi_schema
from service.engine.network.activations import ACTIVATIONS
from service.engine.training.optimizers import OPTIMIZERS
from service.schemas.arrays import LARGEST, SMALLEST
from service.settings import Settings, settings_table

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MATHEMATICS = (ROOT / "docs" / "mathematics.md").read_text(encoding="utf-8")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
DOCUMENTS = ["README.md", "CHANGELOG.md", "docs/mathematics.md"]

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(
    r"\[[^\]\[]*(?:!\[[^\]]*\]\([^)]*\))?[^\]\[]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)]+)\)"
)


# Tables


def test_the_settings_are_all_there() -> None:
    assert settings_table() in README, "run: .venv/bin/python scripts/readme.py"


def test_the_speed_is_what_was_measured_last() -> None:
    results = (ROOT / "benchmarks" / "results.md").read_text(encoding="utf-8")
    section = README.partition("<!-- speed -->\n")[2].partition("<!-- /speed -->")[0]
    measured = [line for line in results.splitlines() if line.startswith("|")]
    quoted = section.splitlines()
    assert len(quoted) == len(measured) > 10
    for row, whole in zip(quoted, measured, strict=True):
        assert whole.startswith(row), "run: .venv/bin/python scripts/readme.py"


def test_every_path_of_the_api_is_named() -> None:
    section = README.partition("\n## The API at a glance\n")[2].partition("\n### ")[0]
    for path, methods in openapi_schema()["paths"].items():
        resource = path.removesuffix(".{suffix}")
        lines = [
            s for s in section.splitlines() if re.search(rf"{re.escape(resource)}(?![/\w{{])", s)
        ]
        assert lines, path
        for method in methods:
            assert any(method.upper() in line for line in lines), (method, path)


def test_the_limits_are_those_in_force() -> None:
    assert f"0 or of a magnitude from {SMALLEST:g} to {LARGEST:g}" in README
    named = set(re.findall(r"`RNN_(\w+)`", README))
    assert named <= {field.upper() for field in Settings.model_fields}
    for activation in set(ACTIVATIONS) - {"identity"}:
        assert activation in README
    for optimizer in OPTIMIZERS:
        assert f"`{optimizer}`" in MATHEMATICS


def test_every_target_of_make_exists() -> None:
    named = re.findall(r"(?:^|`)make (\w+)", README, re.MULTILINE)
    assert len(named) >= 5
    makefile = (ROOT / "Makefile").read_text()
    for target in named:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_accuracy_table_names_tests_that_exist() -> None:
    named = re.findall(r"`(tests/\S+\.py)`", MATHEMATICS)
    assert len(named) >= 8
    for path in named:
        assert (ROOT / path).is_file(), path


def test_the_modules_that_the_mathematics_names_exist() -> None:
    endings = re.findall(r"\((`\w+`[^()]*)\)$", MATHEMATICS, re.MULTILINE)
    named = re.findall(r"`(\w+)`", " ".join(endings))
    assert len(named) >= 12
    for module in named:
        assert (ROOT / "service" / "engine" / f"{module}.py").is_file(), module


# Links and pictures


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub gives to the headings."""
    headings = re.findall(r"^#+ (.*)$", BLOCK.sub("", text), re.MULTILINE)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)|\[([^\]]*)\]", r"\1\2", each) for each in headings)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in plain}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    path = ROOT / document
    text = path.read_text(encoding="utf-8")
    targets = {target for pair in LINK.findall(text) for target in pair if target}
    targets |= set(re.findall(r"^\[[^\]]+\]: (\S+)$", text, re.MULTILINE))
    assert targets
    for target in targets:
        if re.match(r"https?://", target):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        assert there.exists(), target
        if anchor:
            assert anchor in anchors(there.read_text(encoding="utf-8")), target


@pytest.mark.parametrize("document", DOCUMENTS[::2])
def test_pictures_are_large_enough_and_described(document: str) -> None:
    found = re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", (ROOT / document).read_text(encoding="utf-8"))
    assert len(found) >= 5
    for text, target in found:
        assert len(text) > 20
        with Image.open((ROOT / document).parent / target) as image:
            assert image.width >= 1000


# The changelog


def test_the_changelog_knows_this_version() -> None:
    sections = re.findall(r"^## \[([^\]]+)\](?: - (\d{4}-\d\d-\d\d))?$", CHANGELOG, re.MULTILINE)
    assert sections[0] == ("Unreleased", "")
    assert __version__ in dict(sections)
    assert all(date for name, date in sections[1:])
    kinds = set(re.findall(r"^### (.*)$", CHANGELOG, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
