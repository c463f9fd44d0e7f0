"""The documents agree with the code and with each other: tables, names, links."""

import re
import runpy
from pathlib import Path

import pytest

import service
from service.cli import cli
from service.engine.network import ACTIVATIONS
from service.engine.training import OPTIMIZERS
from service.settings import Settings
from service.values.numbers import LARGEST, SMALLEST

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MATHEMATICS = (ROOT / "docs" / "mathematics.md").read_text(encoding="utf-8")
DECISIONS = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
DOCUMENTS = [
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "benchmarks/*.md")
    for path in sorted(ROOT.glob(pattern))
]

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(
    r"\[[^\]\[]*(?:!\[[^\]]*\]\([^)]*\))?[^\]\[]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)]+)\)"
)


# Names and tables


def test_readme_command_package_and_image_have_the_same_first_sentence() -> None:
    """The summary of the package is the docstring of its module."""
    sentence = str(service.__doc__)
    assert README.split("\n\n")[1] == sentence
    assert str(cli.help).split("\n\n")[0] == sentence
    assert f'image.description="{sentence}"' in (ROOT / "Dockerfile").read_text()


def test_the_generated_tables_are_current() -> None:
    documents = runpy.run_path(str(ROOT / "scripts" / "tables.py"))["updated_documents"]()
    assert len(documents) == 3
    for path, text in documents.items():
        assert path.read_text(encoding="utf-8") == text, "run: make tables"


def test_the_limits_match_the_code() -> None:
    assert f"0 or has a magnitude from {SMALLEST:g} to {LARGEST:g}" in README
    named = set(re.findall(r"`RNN_(\w+)`", README))
    assert named <= {field.upper() for field in Settings.model_fields}
    for activation in set(ACTIVATIONS) - {"identity"}:
        assert activation in README
    for optimizer in OPTIMIZERS:
        assert f"`{optimizer}`" in MATHEMATICS


def test_every_target_of_make_exists() -> None:
    documents = README + CONTRIBUTING
    named = re.findall(r"(?:^|`)make ([\w-]+)", documents, re.MULTILINE)
    assert len(named) >= 8
    makefile = (ROOT / "Makefile").read_text()
    for target in named:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_named_files_exist() -> None:
    pattern = r"`((?:service|tests|docs|scripts|benchmarks)/[^\s`*{<]*)`"
    named = [
        path
        for text in (MATHEMATICS, CONTRIBUTING, DECISIONS)
        for path in re.findall(pattern, text)
    ]
    assert len(named) >= 20
    for path in named:
        assert (ROOT / path).exists(), path


# Links and pictures


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub gives to the headings."""
    headings = re.findall(r"^#+ (.*)$", BLOCK.sub("", text), re.MULTILINE)
    plain = (
        re.sub(r"\[([^\]]*)\]\([^)]*\)|\[([^\]]*)\]", r"\1\2", heading) for heading in headings
    )
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_targets_of_links_exist(document: str) -> None:
    path = ROOT / document
    text = path.read_text(encoding="utf-8")
    targets = {target for pair in LINK.findall(text) for target in pair if target}
    targets |= set(re.findall(r"^\[[^\]]+\]: (\S+)$", text, re.MULTILINE))
    assert targets or "](" not in text
    for target in targets:
        if re.match(r"https?://", target):
            continue
        file, _, anchor = target.partition("#")
        linked = (path.parent / file).resolve() if file else path
        assert linked.exists(), target
        if anchor:
            assert anchor in anchors(linked.read_text(encoding="utf-8")), target


# The changelog


def test_the_changelog_is_short_and_begins_with_this_release() -> None:
    for section in CHANGELOG.split("\n## ")[1:]:
        assert len(section.splitlines()) <= 60, section[:20]
    latest = re.findall(r"^## \[(.+?)\]", CHANGELOG, re.MULTILINE)[0]
    assert latest in ("Unreleased", service.__version__)
