"""The source of the page: its modules and what they import."""

import re

import pytest

from service.api.routes.explorer import FILES, FOLDER, ON_DEMAND

MODULES = [name for name in FILES if name.endswith(".js")]
CLASSIC_SCRIPTS = {"lib/theme.js", "lib/embed.js"}
MAY_IMPORT: dict[str, set[str]] = {
    "lessons": set(),
    "lib": {"lib"},
    "model": {"lib", "model"},
    "views": {"lessons", "lib", "model", "views"},
}


def imports(module: str, pattern: str = r'^(?:import|export) [^;]*?from "(.*?)"') -> set[str]:
    """Return the modules that a module imports."""
    path = FOLDER / module
    names = re.findall(pattern, path.read_text(), re.MULTILINE)
    return {(path.parent / name).resolve().relative_to(FOLDER).as_posix() for name in names}


def imported_from(*modules: str) -> set[str]:
    """Return modules, and all that they import."""
    found = set(modules)
    while more := set().union(*map(imports, found)) - found:
        found |= more
    return found


def test_every_module_is_used() -> None:
    at_first = imported_from("main.js")
    later = set().union(*(imports(name, r'import\("(.*?)"\)') for name in at_first))
    assert imported_from(*later) - at_first == ON_DEMAND
    assert at_first | ON_DEMAND | CLASSIC_SCRIPTS == set(MODULES)


@pytest.mark.parametrize("module", MODULES)
def test_modules_import_only_from_lower_layers(module: str) -> None:
    folder = module.partition("/")[0]
    if folder in MAY_IMPORT:
        assert {name.partition("/")[0] for name in imports(module)} <= MAY_IMPORT[folder]


@pytest.mark.parametrize("module", MODULES)
def test_modules_are_described_and_short(module: str) -> None:
    lines = (FOLDER / module).read_text().splitlines()
    assert lines[0].startswith("// ")
    assert len(lines) < 250


def test_the_mathematics_of_the_page_is_one_small_module() -> None:
    network = (FOLDER / "model/network.js").read_text()
    assert len(network.splitlines()) < 150
    assert imports("model/network.js") == set()
