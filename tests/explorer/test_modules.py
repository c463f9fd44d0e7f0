"""The source of the page: its modules and what they import."""

import re

from service.api.routes.explorer import FILES, FOLDER, PAGES

MODULES = [name for name in FILES if name.endswith(".js")]
CLASSIC_SCRIPTS = {"lib/theme.js", "lib/embed.js"}
MAY_IMPORT: dict[str, set[str]] = {
    "charts": {"charts", "lib", "model"},
    "fit": {"charts", "fit", "lib", "model", "views"},
    "lessons": {"lessons"},
    "lib": {"lib"},
    "model": {"lib", "model"},
    "views": {"charts", "lessons", "lib", "model", "views"},
}


def imports(module: str, pattern: str = r'^(?:import|export) [^;]*?from "(.*?)"') -> set[str]:
    """Return the modules that a module imports."""
    path = FOLDER / module
    names = re.findall(pattern, path.read_text(), re.MULTILINE)
    return {(path.parent / name).resolve().relative_to(FOLDER).as_posix() for name in names}


def imported_from(*modules: str) -> set[str]:
    """Return modules, and all that they import."""
    reached = set(modules)
    while more := set().union(*map(imports, reached)) - reached:
        reached |= more
    return reached


def test_every_module_is_used() -> None:
    explorer, fit = imported_from("main.js"), imported_from("fit/main.js")
    assert explorer == set(PAGES["/"].modules)
    assert fit == set(PAGES["/fit"].modules)
    assert not [name for name in explorer if name.startswith("fit/")]
    reached = explorer | fit
    while (
        later := set().union(*(imports(name, r'import\("(.*?)"\)') for name in reached)) - reached
    ):
        reached = reached | imported_from(*later)
    assert reached | CLASSIC_SCRIPTS == set(MODULES)


def test_the_pages_are_small() -> None:
    suffixes = (".js", ".css", ".html", ".ts")
    files = {path for path in FOLDER.rglob("*") if path.suffix in suffixes}
    fit = {path for path in files if "fit" in (path.stem, path.parent.name)}
    fit.remove(FOLDER / "charts" / "fit.js")
    for page, limit in ((files - fit, 6790), (fit, 1700)):
        assert sum(len(path.read_text().splitlines()) for path in page) <= limit


def test_modules_import_only_from_lower_layers() -> None:
    for module in MODULES:
        layers = {name.partition("/")[0] for name in imports(module)}
        assert layers <= MAY_IMPORT.get(module.partition("/")[0], layers), module
    assert imports("model/network.js") == set()  # the mathematics of the page


def test_modules_are_short() -> None:
    lengths = {module: len((FOLDER / module).read_text().splitlines()) for module in MODULES}
    assert {module for module, length in lengths.items() if length >= 300} == set()
