"""Imports point down, and the contracts that say so can fail."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]
LINT = Path(sys.executable).parent / "lint-imports"
HOUSE = "crooked"  # the same rooms under another name
ROOMS = {
    "__init__": "",
    "errors": "",
    "settings": "import pydantic_settings",
    "__main__": "from crooked import cli",
    "cli": "from crooked import app, documentation, settings",
    "documentation": "from crooked import app",
    "app": "import fastapi\nfrom crooked import api, settings",
    "client": "import httpx\nfrom crooked import errors, schemas",
    "api/__init__": "import fastapi, starlette\nfrom crooked import operations, store",
    "jobs/__init__": "import dbos\nfrom crooked import operations, store, settings",
    "operations/__init__": "from crooked import rendering, schemas, store",
    "rendering/__init__": "from crooked import figures, schemas, store",
    "figures/__init__": "import matplotlib\nfrom crooked import engine",
    "schemas/__init__": "import pydantic\nfrom crooked import engine",
    "store/__init__": "import alembic, sqlalchemy\nfrom crooked import errors",
    "engine/__init__": "import numpy\nfrom crooked import errors",
}


def lint(directory: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [LINT, "--no-logo", "--no-cache"],
        cwd=directory,
        env=os.environ | {"COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def build_house(directory: Path) -> None:
    """Write a package with these rooms, held to the contracts of this project."""
    text = (ROOT / "pyproject.toml").read_text()
    contracts = text[text.index("[tool.importlinter]") :]
    contracts = contracts.replace("service", HOUSE)
    (directory / "pyproject.toml").write_text(contracts)
    for room, content in ROOMS.items():
        path = directory / HOUSE / f"{room}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n")


def test_the_contracts_are_kept() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_upright_house_passes(tmp_path: Path) -> None:
    build_house(tmp_path)
    done = lint(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("room", "statement", "contract"),
    [
        ("engine/__init__", "from crooked import figures", "Arrows point down"),
        ("engine/__init__", "import fastapi", "The engine knows numpy and nothing else"),
        ("engine/__init__", "import crooked.settings", "The engine knows numpy and nothing else"),
        ("figures/__init__", "import crooked.schemas", "Arrows point down"),
        ("figures/__init__", "import pydantic", "The figures know neither HTTP nor JSON"),
        ("operations/__init__", "import crooked.api", "Arrows point down"),
        ("operations/__init__", "import fastapi", "Only the API speaks HTTP"),
        ("rendering/__init__", "import crooked.operations", "Arrows point down"),
        ("schemas/__init__", "import starlette", "Only the API speaks HTTP"),
        ("store/__init__", "import crooked.engine", "The store knows nothing of what it keeps"),
        ("store/__init__", "import crooked.operations", "Arrows point down"),
        ("api/__init__", "import sqlalchemy", "Only the store knows a database"),
        ("api/__init__", "import crooked.app", "Arrows point down"),
        ("api/__init__", "import dbos", "Only the jobs know the durable engine"),
        ("api/__init__", "import crooked.jobs", "Arrows point down"),
        ("jobs/__init__", "import crooked.api", "Arrows point down"),
        ("jobs/__init__", "import sqlalchemy", "Only the store knows a database"),
        ("client", "import crooked.store", "Arrows point down"),
        ("client", "import crooked.figures", "The client knows the schemas"),
    ],
)
def test_a_crooked_house_fails(tmp_path: Path, room: str, statement: str, contract: str) -> None:
    build_house(tmp_path)
    with (tmp_path / HOUSE / f"{room}.py").open("a") as file:
        file.write(statement + "\n")
    done = lint(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    broken = [line for line in done.stdout.splitlines() if line.endswith("BROKEN")]
    assert any(line.startswith(contract) for line in broken), done.stdout


def test_the_engine_imports_numpy_the_errors_and_the_standard_library_only() -> None:
    graph = grimp.build_graph("service", include_external_packages=True, cache_dir=None)
    engine = {"service.engine", *graph.find_descendants("service.engine")}
    imported = {
        module
        for importer in engine
        for module in graph.find_modules_directly_imported_by(importer)
    }
    strangers = {
        module
        for module in imported - engine - {"numpy", "service.errors"}
        if module.partition(".")[0] not in sys.stdlib_module_names
    }
    assert strangers == set()
    assert "numpy" in imported


def test_every_declared_package_is_used() -> None:
    """A dependency that nothing imports is only weight."""
    graph = grimp.build_graph("service", include_external_packages=True, cache_dir=None)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[\s\[]", line)[0].replace("-", "_") for line in project["dependencies"]}
    loaded_by_name = {"uvloop", "httptools", "psycopg", "fastapi_swagger"}
    used_by_the_image = {"httpx"}  # in its health check
    assert names - graph.modules <= loaded_by_name | used_by_the_image
