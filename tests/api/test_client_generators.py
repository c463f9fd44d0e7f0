"""The OpenAPI schema with the tools of others: generators of clients, and linters."""

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest

from scripts.openapi import openapi_schema
from tests.programs import needs

pytestmark = pytest.mark.slow

SCHEMA = openapi_schema()
# The generator knows these types of files only by another name.
OVERRIDES = dict.fromkeys(
    (
        "application/csv",
        "application/openmetrics-text",
        "application/pdf",
        "application/vnd.ms-excel",
        "application/x-npz",
        "image/png",
        "image/svg+xml",
        "text/csv",
        "text/event-stream",
        "text/plain",
    ),
    "application/octet-stream",
)
# Paths that a server tells apart, although some routers cannot.
AMBIGUOUS = {"/v1/basin-maps/{map_id}", "/v1/datasets/{dataset_id}", "/v1/fits/{fit_id}"}


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("schema") / "openapi.json"
    path.write_text(json.dumps(SCHEMA))
    return path


def run(*command: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, timeout=600, check=False, **options
    )


def require(installed: subprocess.CompletedProcess[str]) -> None:
    """Skip the test without a tool; fail in CI."""
    if installed.returncode:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(installed.stderr[-500:])


@pytest.fixture(scope="module")
def npx(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the programs of the npm packages, which are installed together."""
    folder = tmp_path_factory.mktemp("npm")
    if shutil.which("npm") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("npm is not installed")
    packages = ("@redocly/cli@2", "@stoplight/spectral-cli@6")
    flags = ("--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder))
    require(run("npm", "install", *flags, *packages))
    return folder / "node_modules/.bin"


def test_openapi_python_client_makes_every_operation(document: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    programs = tmp_path / "venv/bin"
    require(run(programs / "pip", "install", "-q", "openapi-python-client==0.*"))
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"content_type_overrides": OVERRIDES, "post_hooks": []}))
    target = tmp_path / "client"
    options = ("--path", document, "--config", config, "--meta", "none", "--output-path", target)
    generated = run(programs / "openapi-python-client", "generate", "--fail-on-warning", *options)
    assert generated.returncode == 0, generated.stdout
    made = {path.stem for path in target.glob("api/*/*.py")} - {"__init__"}
    assert made == {
        operation["operationId"]
        for operations in SCHEMA["paths"].values()
        for operation in operations.values()
    }
    compiled = run(sys.executable, "-m", "compileall", "-q", target)
    assert compiled.returncode == 0, compiled.stdout


@needs("java")
@needs("go")
def test_openapi_generator_makes_a_client_in_go_that_compiles(
    document: Path, tmp_path: Path
) -> None:
    programs, target = tmp_path / "venv/bin", tmp_path / "client"
    venv.create(tmp_path / "venv", with_pip=True)
    require(run(programs / "pip", "install", "-q", "openapi-generator-cli==7.*"))
    options = ("--input-spec", document, "--generator-name", "go", "--output", target)
    generated = run(programs / "openapi-generator-cli", "generate", *options)
    assert generated.returncode == 0, generated.stderr
    # In place of the only package that the client imports from elsewhere.
    validator = tmp_path / "validator"
    validator.mkdir()
    (validator / "go.mod").write_text("module gopkg.in/validator.v2\n")
    text = "package validator\n\nfunc Validate(interface{}) error { return nil }\n"
    (validator / "validator.go").write_text(text)
    replacement = f"-replace=gopkg.in/validator.v2={validator}"
    assert run("go", "mod", "edit", replacement, cwd=target).returncode == 0
    own = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOTOOLCHAIN": "local"}
    compiled = run("go", "build", "./...", cwd=target, env=os.environ | own)
    assert compiled.returncode == 0, compiled.stderr
    operations = (target / "README.md").read_text()
    for path, methods in SCHEMA["paths"].items():
        for method in methods:
            assert f"| **{method.title()}** {path} |" in operations


def test_linters_report_only_paths_with_a_suffix(npx: Path, document: Path, tmp_path: Path) -> None:
    linted = run(npx / "redocly", "lint", "--format=json", document, cwd=tmp_path)
    problems = json.loads(linted.stdout[linted.stdout.index("{") :])["problems"]
    assert {problem["ruleId"] for problem in problems} == {"no-ambiguous-paths"}
    assert len(problems) == len(AMBIGUOUS)
    for path in AMBIGUOUS:
        assert any(f"`{path}`" in problem["message"] for problem in problems), path
    (tmp_path / ".spectral.yaml").write_text('extends: ["spectral:oas"]\n')
    linted = run(npx / "spectral", "lint", "--quiet", "--format=json", document, cwd=tmp_path)
    assert json.loads(linted.stdout) == [], linted.stdout
