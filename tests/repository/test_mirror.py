"""The tests mirror the service file by file; the exceptions are listed here with a reason."""

import ast
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVICE, TESTS = ROOT / "service", ROOT / "tests"
# These directories have no package in the service.
OTHERS = {"benchmarks", "explorer", "live", "repository"}
# Modules without a test file of their own, and why.
UNTESTED = {
    "__main__.py": "one call of the command line, which tests/live starts",
    "api/examples.py": "declarations; tests/api/test_openapi.py sends every example",
    "api/routes/computations.py": "the routes of training runs and basin maps, tested as theirs",
    "api/routes/metrics.py": "one call; tests/api/test_metrics.py reads the response",
    "api/routes/optimizers.py": "one constant; test_training_runs.py trains with each of them",
    "engine/*/tolerances.py": "constants",
    "engine/objective/base.py": "the interface of by_moments.py and by_network.py",
    "engine/objective/precomputed.py": "a declaration",
    "engine/training/setup.py": "a declaration",
    "engine/types.py": "declarations",
    "jobs/problems.py": "constants; tests/api/test_errors.py completes each problem",
    "operations/caller.py": "a variable",
    "schemas/*.py": "declarations; requests and responses of all tests in tests/api use them",
    "store/migrations/*.py": "tests/store/test_migrate.py runs all migrations",
}
# Tests of several modules together, of one property each.
THEMES = {
    "api/routes/test_datasets_files.py",
    "api/test_database_unavailable.py",
    "api/test_hostile_values.py",
    "api/test_http_semantics.py",
    "api/test_openapi_fuzzing.py",
    "api/test_picture_contents.py",
    "api/test_rendering.py",
    "api/test_storage_failures.py",
    "engine/optimum/test_initial_state.py",
    "engine/training/optimizers/test_pytorch.py",
    "engine/training/optimizers/test_registry.py",
    "operations/test_extremes.py",
}


@cache
def modules() -> set[str]:
    """Return the modules that have code, other than the doors of packages."""
    return {
        str(path.relative_to(SERVICE))
        for path in SERVICE.rglob("*.py")
        if path.name != "__init__.py" and len(ast.parse(path.read_text()).body) > 1
    }


@cache
def find_test_files() -> set[str]:
    """Return the test files of the packages of the service."""
    paths = {path.relative_to(TESTS) for path in TESTS.rglob("test_*.py")}
    return {str(path) for path in paths if path.parts[0] not in OTHERS}


def expected_file(module: str) -> str:
    """Return where the tests of a module belong."""
    path = Path(module)
    return str(path.with_name(f"test_{path.name}"))


def reasons(module: str) -> list[str]:
    return [pattern for pattern in UNTESTED if fnmatch(module, pattern)]


def test_every_module_has_a_test_file_or_a_reason() -> None:
    tested = {module for module in modules() if expected_file(module) in find_test_files()}
    assert [each for each in sorted(modules() - tested) if not reasons(each)] == []
    by_pattern = {pattern for module in modules() - tested for pattern in reasons(module)}
    assert set(UNTESTED) - by_pattern == set()
    assert [each for each in sorted(tested) if each in UNTESTED] == []


def test_every_test_file_has_a_module_or_a_theme() -> None:
    of_modules = set(map(expected_file, modules()))
    assert find_test_files() - of_modules == THEMES
