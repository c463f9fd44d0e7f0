"""The source: docstrings of the engine, layers of imports, declared dependencies, ids of tests."""

import ast
import importlib
import inspect
import pkgutil
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import service.engine

SEE = re.compile(r"see ``\w+``")  # where a protocol describes the same method


def modules() -> Iterator[Any]:
    """Yield all modules and packages of the engine."""
    for module in pkgutil.walk_packages(service.engine.__path__, "service.engine."):
        yield importlib.import_module(module.name)


def public_functions() -> dict[str, Any]:
    """Return the functions and methods that take or return arrays, by their names.

    They are those that packages export, and others without an underscore if they have several
    arrays.
    """
    functions: dict[str, Any] = {}
    for module in modules():
        exported = getattr(module, "__all__", ())
        for name, thing in vars(module).items():
            members = vars(thing) if inspect.isclass(thing) else {"": thing}
            for member, value in members.items():
                function = inspect.unwrap(getattr(value, "__func__", value))
                if not inspect.isfunction(function) or name[0] == "_" or member[:1] == "_":
                    continue
                is_own = getattr(thing, "__module__", None) == module.__name__
                least = 1 if name in exported else 2
                if (is_own or name in exported) and len(array_names(function)) >= least:
                    functions[f"{name}.{member}".rstrip(".")] = function
    return functions


def array_names(function: Any) -> list[str]:
    """Return the parameters whose type contains an array, and "return" for such a result."""
    annotations = inspect.get_annotations(function)
    return [name for name, kind in annotations.items() if re.search(r"Array|ndarray", f"{kind}")]


FUNCTIONS = public_functions()


def missing_sections(function: Any) -> list[str]:
    doc, missing = inspect.getdoc(function) or "", []
    parameters = [name for name in inspect.signature(function).parameters if name != "self"]
    for name in parameters:
        entry = rf"^\*{{0,2}}(\w+, )*\*{{0,2}}{name}(, \w+)*( : .*)?$"
        if name != "cls" and not re.search(entry, doc, re.MULTILINE):
            missing.append(name)
    if function.__annotations__.get("return") and "\nReturns\n---" not in doc:
        missing.append("Returns")
    if re.search(r"^ +raise \w+\(", inspect.getsource(function), re.MULTILINE):
        missing += [] if "\nRaises\n---" in doc else ["Raises"]
    return missing


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_arrays_have_parameters_and_returns(name: str) -> None:
    function = FUNCTIONS[name]
    if not SEE.search(inspect.getdoc(function) or ""):
        assert missing_sections(function) == []


def test_the_doors_are_counted() -> None:
    """The tests above would pass if nothing was found."""
    assert {"cost_polynomials", "make_grid", "forward_states", "Factor.sums"} <= FUNCTIONS.keys()
    assert missing_sections(test_functions_of_arrays_have_parameters_and_returns) == ["name"]


ROOT = Path(__file__).parents[2]
SERVICE = ROOT / "service"
OWN = {"service", "linear_rnn", "tests", "scripts", "benchmarks"}
# What a lock file does not contain: see requirements-oracles.txt, requirements-bench.txt and the
# target `load` of the Makefile.
NOT_LOCKED = {"torch", "jax", "numba", "threadpoolctl", "locust"}
LOADED_BY_NAME = {"uvloop", "httptools", "psycopg"}


@cache
def imports(path: Path) -> list[tuple[str, str | None]]:
    """Return what a module imports: modules, and the names that it imports from them."""
    statements: list[tuple[str, str | None]] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            statements += ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            statements += ((str(node.module), alias.name) for alias in node.names)
    return statements


def external_imports(directory: Path) -> set[str]:
    """Return the packages that the modules below a directory import from elsewhere."""
    modules = {module for path in directory.rglob("*.py") for module, _ in imports(path)}
    return {module.partition(".")[0] for module in modules} - OWN - sys.stdlib_module_names


@cache
def engine_packages() -> list[str]:
    """Return the names of the engine's packages, its own excepted."""
    paths = (path.parent.relative_to(ROOT) for path in SERVICE.glob("engine/*/**/__init__.py"))
    return sorted(".".join(path.parts) for path in paths)


def imports_from_outside(package: str) -> Iterator[tuple[Path, str, str | None]]:
    """Yield what modules outside a package import from it or from its modules."""
    folder = ROOT / package.replace(".", "/")
    modules = (path for name in OWN for path in (ROOT / name).rglob("*.py"))
    for path in modules:
        if folder in path.parents:
            continue
        for module, name in imports(path):
            if module == package or module.startswith(f"{package}."):
                yield path, module, name


@pytest.mark.parametrize("package", engine_packages())
def test_a_package_of_the_engine_is_imported_through_its_door(package: str) -> None:
    door = import_module(package)
    assert [name for name in door.__all__ if not hasattr(door, name)] == []
    past = [
        f"{path.relative_to(ROOT)} imports {name} from {module}"
        for path, module, name in imports_from_outside(package)
        if module != package or name not in {*door.__all__, None}
    ]
    assert past == []


def test_the_engine_imports_only_numpy_scipy_the_errors_and_the_standard_library() -> None:
    assert external_imports(SERVICE / "engine") == {"numpy", "scipy"}
    modules = {name for path in SERVICE.glob("engine/**/*.py") for name, _ in imports(path)}
    own = {name for name in modules if name.partition(".")[0] in OWN}
    assert {name for name in own if not name.startswith("service.engine")} <= {"service.errors"}


def declared(lines: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(line).name) for line in lines}


def test_what_is_imported_is_declared_and_the_other_way_round() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    required = declared(pyproject["project"]["dependencies"])
    extras = pyproject["project"]["optional-dependencies"]
    optional = set().union(*map(declared, extras.values()))
    groups = pyproject["dependency-groups"]
    development = declared(groups["dev"] + groups["build"])
    distributions = packages_distributions()

    def undeclared(directory: str, names: set[str]) -> set[str]:
        return {
            package
            for package in external_imports(ROOT / directory) - NOT_LOCKED
            if not names & set(map(canonicalize_name, distributions[package]))
        }

    assert undeclared("service", required | optional) == set()
    assert undeclared("tests", required | optional | development) == set()
    assert undeclared("scripts", required | development) == set()
    assert undeclared("benchmarks", required | development) == set()
    optional = {"matplotlib", "numpy", "pandas", "polars", "tqdm", "mcp"}
    assert external_imports(ROOT / "client" / "linear_rnn") == {"httpx"} | optional
    used = {
        canonicalize_name(name)
        for package in external_imports(SERVICE)
        for name in distributions[package]
    }
    assert required - used <= LOADED_BY_NAME


def test_no_two_tests_share_an_id(request: pytest.FixtureRequest) -> None:
    """Pytest-xdist runs one of several tests that share an id, and skips the others silently."""
    counts = Counter(item.nodeid for item in request.session.items)
    assert [nodeid for nodeid, count in counts.items() if count > 1] == []
