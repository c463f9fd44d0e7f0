"""The OpenAPI schema with the tools of others: generators of clients, and linters."""

import json
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest

from scripts.openapi import openapi_schema
from tests.programs import needs, run_program

pytestmark = pytest.mark.slow

SCHEMA = openapi_schema()
# The generator knows these types of files only by another name.
MEDIA_TYPES = {*re.findall(r'"([a-z]+/[\w.+-]+)": {"schema"', json.dumps(SCHEMA))}
OVERRIDES = {name: "application/octet-stream" for name in MEDIA_TYPES if not name.endswith("json")}
# Paths that a server tells apart, although some routers cannot.
AMBIGUOUS = {"/v1/basin-maps/{map_id}", "/v1/datasets/{dataset_id}", "/v1/fits/{fit_id}"}


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("schema") / "openapi.json"
    path.write_text(json.dumps(SCHEMA))
    return path


def run(*command: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return run_program(*command, check=False, **options)


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
    packages = ("@redocly/cli@2", "@stoplight/spectral-cli@6", "openapi-typescript@7")
    flags = ("--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder))
    require(run("npm", "install", *flags, *packages, "typescript@5.9"))
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


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return openapi-generator, which comes with its jar."""
    folder = tmp_path_factory.mktemp("generator")
    venv.create(folder, with_pip=True)
    require(run(folder / "bin/pip", "install", "-q", "openapi-generator-cli==7.*"))
    return folder / "bin/openapi-generator-cli"


def generate(generator: Path, document: Path, target: Path, name: str, *flags: str) -> None:
    """Make a client."""
    files = ("--input-spec", document, "--output", target)
    generated = run(generator, "generate", "--generator-name", name, *files, *flags)
    assert generated.returncode == 0, generated.stderr


@needs("java")
@needs("go")
def test_a_client_in_go_compiles(generator: Path, document: Path, tmp_path: Path) -> None:
    target = tmp_path / "client"
    generate(generator, document, target, "go")
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


@needs("javac")
def test_a_client_in_java_compiles(generator: Path, document: Path, tmp_path: Path) -> None:
    target = tmp_path / "client"
    flags = ("--library", "native", "--additional-properties=openApiNullable=false")
    generate(generator, document, target, "java", *flags)
    # In place of the package of annotations that the client imports.
    annotations = tmp_path / "javax/annotation"
    annotations.mkdir(parents=True)
    values = 'String[] value() default {}; String date() default ""; String comments() default "";'
    for name in ("Generated", "Nullable", "Nonnull"):
        text = f"package javax.annotation;\npublic @interface {name} {{ {values} }}\n"
        (annotations / f"{name}.java").write_text(text)
    sources = [*annotations.glob("*.java"), *target.glob("src/main/**/*.java")]
    (jar,) = generator.parents[1].glob("lib/*/site-packages/openapi_generator_cli/*.jar")  # Jackson
    compiled = run("javac", "-nowarn", "-cp", jar, "-d", tmp_path / "classes", *sources)
    assert compiled.returncode == 0, compiled.stderr


@needs("java")
def test_openapi_generator_makes_a_client_in_typescript_that_compiles(
    generator: Path, npx: Path, document: Path, tmp_path: Path
) -> None:
    target = tmp_path / "client"
    generate(generator, document, target, "typescript-fetch")
    flags = ("--noEmit", "--strict", "--target", "es2020", "--moduleResolution", "node")
    checked = run(npx / "tsc", *flags, "--lib", "es2020,dom", target / "index.ts")
    assert checked.returncode == 0, checked.stdout


def test_types_in_typescript_compile(npx: Path, document: Path, tmp_path: Path) -> None:
    types = tmp_path / "api.ts"
    # With the default true, fields that have a default would be required in requests.
    flags = ("--default-non-nullable=false", "-o", types)
    made = run(npx / "openapi-typescript", document, *flags)
    assert made.returncode == 0, made.stderr
    request = 'import type { components } from "./api.js";\n' + (
        'export const run: components["schemas"]["TrainingRunRequest"] = '
        '{ optimizer: { name: "adam" }, dataset: { kind: "count_ones", n_steps: 20 } };\n'
    )
    (tmp_path / "use.ts").write_text(request)
    checked = run(npx / "tsc", "--noEmit", "--strict", "use.ts", cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout


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
