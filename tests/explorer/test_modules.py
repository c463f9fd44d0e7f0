"""The source of the page: its modules and what they import."""

import re

import pytest

from service.api.assets import remove_comments
from service.api.routes.explorer import FILES, FOLDER

MODULES = [name for name in FILES if name.endswith(".js")]
CLASSIC_SCRIPTS = {"lib/theme.js", "lib/embed.js"}
MAY_IMPORT: dict[str, set[str]] = {
    "lessons": set(),
    "lib": {"lib"},
    "model": {"lib", "model"},
    "views": {"lessons", "lib", "model", "views"},
}


def imports(module: str) -> set[str]:
    """Return the modules that a module imports, types excluded."""
    path = FOLDER / module
    names = re.findall(r'^(?:import|export) [^;]*?from "(.*?)"', path.read_text(), re.MULTILINE)
    return {(path.parent / name).resolve().relative_to(FOLDER).as_posix() for name in names}


def test_every_module_is_used() -> None:
    imported = set().union(*map(imports, MODULES))
    assert imported == set(MODULES) - {"main.js", *CLASSIC_SCRIPTS}


@pytest.mark.parametrize("module", MODULES)
def test_modules_import_only_from_lower_layers(module: str) -> None:
    folder = module.partition("/")[0]
    if folder in MAY_IMPORT:
        assert {name.partition("/")[0] for name in imports(module)} <= MAY_IMPORT[folder]


@pytest.mark.parametrize("module", MODULES)
def test_modules_are_described_short_and_type_checked(module: str) -> None:
    lines = (FOLDER / module).read_text().splitlines()
    assert lines[0].startswith("// ")
    assert "// @ts-check" in lines[:4]
    assert len(lines) < 250


def test_the_mathematics_of_the_page_is_one_small_module() -> None:
    network = (FOLDER / "model/network.js").read_text()
    assert len(network.splitlines()) < 150
    assert imports("model/network.js") == set()


def test_comments_are_removed_and_lines_keep_their_numbers() -> None:
    source = (
        "// a\nf(); // b\n/** @type {N} */\n/**\n * c\n */\n  // d\n"
        '/** @type {N} */ const x = "/* e */";\nconst y = `\n  z`;\n'
    )
    expected = '\nf(); // b\n\n\n\n\n\n/** @type {N} */ const x = "/* e */";\nconst y = `\n  z`;\n'
    assert remove_comments(source) == expected


def test_the_page_is_small() -> None:
    # Example data are loaded on demand.
    names = [name for name in [*FILES, "index.html"] if not name.endswith(".csv")]
    texts = [(FOLDER / name).read_text() for name in names]
    served = [
        remove_comments(text) if name.endswith(".js") else text
        for name, text in zip(names, texts, strict=True)
    ]
    assert sum(len(text.encode()) for text in served) <= 250_000
