"""The layers of imports, and the doors of the engine's packages."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
SERVICE = ROOT / "service"
LINT = Path(sys.executable).parent / "lint-imports"
COPY = "copied"  # a package with the same modules under another name
MODULES = {
    "__init__": "",
    "errors": "",
    "settings": "import pydantic_settings",
    "__main__": "from copied import cli",
    "cli": "from copied import app, documentation, settings",
    "documentation": "from copied import app",
    "server/__init__": "from copied import api, settings",
    "app": "import fastapi\nfrom copied import api, jobs, settings",
    "client": "import httpx\nfrom copied import errors, schemas",
    "api/__init__": "import fastapi, starlette\nfrom copied import operations, store",
    "jobs/__init__": "from copied import operations, store, settings",
    "jobs/queue": "import dbos",
    "operations/__init__": "from copied import rendering, scheduling, schemas, store",
    "scheduling/__init__": "from copied import errors",
    "rendering/__init__": "import matplotlib\nfrom copied import figures, schemas",
    "figures/__init__": "import matplotlib\nfrom copied import engine",
    "schemas/__init__": "import pydantic\nfrom copied import engine",
    "store/__init__": "import alembic, sqlalchemy\nfrom copied import errors",
    "engine/__init__": "import numpy\nfrom copied import errors",
}
MAX_ENGINE_FLOORS = 6


def lint(directory: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [LINT, "--no-logo", "--no-cache"],
        cwd=directory,
        env=os.environ | {"COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def write_copy(directory: Path) -> None:
    """Write a package with these modules and the contracts of this project."""
    text = (ROOT / "pyproject.toml").read_text()
    contracts = text[text.index("[tool.importlinter]") :]
    (directory / "pyproject.toml").write_text(contracts.replace("service", COPY))
    for module, content in MODULES.items():
        path = directory / COPY / f"{module}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n")


def test_the_service_keeps_the_contracts() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_copy_without_violations_passes(tmp_path: Path) -> None:
    write_copy(tmp_path)
    done = lint(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "statement", "contract"),
    [
        ("engine/__init__", "from copied import figures", "Imports point down"),
        ("engine/__init__", "import fastapi", "The engine imports numpy only"),
        ("engine/__init__", "import copied.settings", "The engine imports numpy only"),
        ("figures/__init__", "import copied.schemas", "Imports point down"),
        ("figures/__init__", "import pydantic", "The figures import neither HTTP nor JSON"),
        ("rendering/__init__", "import copied.operations", "Imports point down"),
        ("rendering/__init__", "import fastapi", "Only the API imports HTTP"),
        ("operations/__init__", "import copied.jobs", "Imports point down"),
        ("operations/__init__", "import copied.api", "Imports point down"),
        ("operations/__init__", "import fastapi", "Only the API imports HTTP"),
        ("schemas/__init__", "import starlette", "Only the API imports HTTP"),
        ("schemas/__init__", "import copied.store", "Imports point down"),
        ("store/__init__", "import copied.engine", "The store does not import what it stores"),
        ("store/__init__", "import copied.operations", "Imports point down"),
        ("api/__init__", "import sqlalchemy", "Only the store imports a database"),
        ("api/__init__", "import copied.app", "Imports point down"),
        ("api/__init__", "import dbos", "Only the job queue imports DBOS"),
        ("jobs/__init__", "import dbos", "Only the job queue imports DBOS"),
        ("api/__init__", "import copied.jobs", "Imports point down"),
        ("jobs/__init__", "import copied.api", "Imports point down"),
        ("jobs/__init__", "import sqlalchemy", "Only the store imports a database"),
        ("client", "import copied.store", "Imports point down"),
        ("client", "import copied.figures", "The client imports the schemas"),
    ],
)
def test_a_violation_fails(tmp_path: Path, module: str, statement: str, contract: str) -> None:
    write_copy(tmp_path)
    with (tmp_path / COPY / f"{module}.py").open("a") as file:
        file.write(statement + "\n")
    done = lint(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    broken = [line for line in done.stdout.splitlines() if line.endswith("BROKEN")]
    assert any(line.startswith(contract) for line in broken), done.stdout


@cache
def engine_packages() -> list[str]:
    """Return the names of the engine's packages, its own excepted."""
    found = (path.parent.relative_to(ROOT) for path in SERVICE.glob("engine/*/**/__init__.py"))
    return sorted(".".join(path.parts) for path in found)


@cache
def imports(path: Path) -> list[tuple[str, str | None]]:
    """Return what a module imports: modules, and the names that it imports from them."""
    found: list[tuple[str, str | None]] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found += ((str(node.module), alias.name) for alias in node.names)
    return found


def imports_from_outside(package: str) -> Iterator[tuple[Path, str, str | None]]:
    """Yield what modules outside a package import from it or from its modules."""
    folder = ROOT / package.replace(".", "/")
    for path in SERVICE.rglob("*.py"):
        if folder in path.parents:
            continue
        for module, name in imports(path):
            if module == package or module.startswith(f"{package}."):
                yield path, module, name


@pytest.mark.parametrize("package", engine_packages())
def test_a_package_of_the_engine_exports_through_its_door(package: str) -> None:
    door = import_module(package)
    exported = door.__all__
    assert [name for name in exported if not hasattr(door, name)] == []
    used = {name for _, module, name in imports_from_outside(package) if module == package}
    assert used - {*exported, None} == set()


@pytest.mark.parametrize("package", engine_packages())
def test_no_module_imports_past_a_door(package: str) -> None:
    past = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path, module, _ in imports_from_outside(package)
        if module != package
    ]
    assert past == []


def test_the_packages_of_the_engine_have_few_floors() -> None:
    graph = grimp.build_graph("service", cache_dir=None)
    rooms = graph.find_children("service.engine")
    room_of = {module: room for room in rooms for module in (room, *graph.find_descendants(room))}
    below = {
        room: {
            room_of[imported]
            for module in (room, *graph.find_descendants(room))
            for imported in graph.find_modules_directly_imported_by(module)
            if imported in room_of
        }
        - {room}
        for room in rooms
    }

    def floor(room: str) -> int:
        return 1 + max(map(floor, below[room]), default=0)

    assert max(map(floor, rooms)) <= MAX_ENGINE_FLOORS


def test_the_engine_imports_only_numpy_the_errors_and_the_standard_library() -> None:
    graph = grimp.build_graph("service", include_external_packages=True, cache_dir=None)
    engine = {"service.engine", *graph.find_descendants("service.engine")}
    imported = {
        module
        for importer in engine
        for module in graph.find_modules_directly_imported_by(importer)
    }
    others = {
        module
        for module in imported - engine - {"numpy", "service.errors"}
        if module.partition(".")[0] not in sys.stdlib_module_names
    }
    assert others == set()
    assert "numpy" in imported


def test_every_dependency_is_used() -> None:
    graph = grimp.build_graph("service", include_external_packages=True, cache_dir=None)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[\s\[]", line)[0].replace("-", "_") for line in project["dependencies"]}
    loaded_by_name = {"uvloop", "httptools", "psycopg", "fastapi_swagger"}
    used_by_the_image = {"httpx"}  # in its health check
    assert names - graph.modules <= loaded_by_name | used_by_the_image
