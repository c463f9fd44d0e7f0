"""The files around the code: locks, Makefile, set-up script, hooks, containers."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.release import LOCKS, check_locks, read_pins
from service.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]

DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_the_locks_satisfy_the_requirements() -> None:
    assert check_locks(ROOT) == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    blocks = re.findall(r"^[a-z0-9].*\n(?:[ \t].*\n)*", text, re.MULTILINE)
    assert len(blocks) == sum(map(len, read_pins(ROOT / lock).values())) > 20
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text


def test_the_development_lock_contains_the_run_lock() -> None:
    run, development = (read_pins(ROOT / lock) for lock in LOCKS)
    for name, pinned in run.items():
        assert {str(pin) for pin in pinned} <= {str(pin) for pin in development[name]}


def test_no_file_names_a_registry() -> None:
    """The machine decides where packages come from (a mirror, a cache), not the project."""
    hosts = [
        ".".join(parts)
        for parts in [
            ("pypi", "org"),
            ("pythonhosted", "org"),
            ("npmjs", "org"),
            ("docker", "io"),
            ("ghcr", "io"),
            ("quay", "io"),
            ("deb", "debian", "org"),
        ]
    ]
    patterns = [option for host in hosts for option in ("-e", host)]
    command = ["git", "grep", "-IlF", *patterns]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == ""
    assert done.returncode == 1  # nothing matches


def test_make_help_lists_every_target() -> None:
    text = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    phony = re.search(r"^\.PHONY:(.*)$", text, re.MULTILINE)
    assert phony is not None
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    listed = re.findall(r"^make ([\w-]+) +\S", done.stdout, re.MULTILINE)
    assert sorted(listed) == sorted(phony[1].split())
    assert {"run", "test", "check", "lock", "openapi", "oracles", "clean"} <= set(listed)


def set_up(path: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["/bin/sh", "scripts/setup.sh", "nowhere/.venv", "requirements.lock"],
        cwd=ROOT,
        env={"PATH": path, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_set_up_names_what_is_missing_without_python(tmp_path: Path) -> None:
    for tool in ["dirname", "rm"]:
        folder = next(p for p in [Path("/usr/bin"), Path("/bin")] if (p / tool).exists())
        (tmp_path / tool).symlink_to(folder / tool)
    done = set_up(str(tmp_path))
    assert done.returncode != 0
    assert "Python 3.11 or newer with pip is required, but was not found." in done.stderr
    assert not (ROOT / "nowhere").exists()


def test_set_up_refuses_a_named_python_that_is_unsuitable() -> None:
    done = set_up(os.environ["PATH"], PYTHON="/bin/false")
    assert done.returncode != 0
    assert done.stderr.startswith("PYTHON=/bin/false is not Python 3.11 or newer")
    assert not (ROOT / "nowhere").exists()


@pytest.mark.parametrize("script", [".ci/run", "scripts/setup.sh", "scripts/image.sh"])
def test_scripts_can_be_executed(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)
    assert (ROOT / script).read_text().startswith("#!/bin/")


def test_the_image_installs_hashed_packages_and_runs_without_pip_as_a_numeric_user() -> None:
    assert re.findall(r"^FROM (.*)$", DOCKERFILE, re.MULTILINE) == ["${BASE} AS build", "${BASE}"]
    build, last_stage = DOCKERFILE.split("\nFROM ${BASE}\n")
    assert "--require-hashes -r requirements.lock" in build
    assert "pip install" not in last_stage
    ((user, group),) = re.findall(r"^USER (\d+):(\d+)$", last_stage, re.MULTILINE)
    assert "0" not in (user, group)
    assert "/livez" in last_stage.partition("HEALTHCHECK")[2]


def test_everything_that_the_image_copies_is_sent_to_the_build() -> None:
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    sent = (ROOT / ".dockerignore").read_text().splitlines()
    assert {line[1:] for line in sent if line.startswith("!")} == names
    assert all((ROOT / name).exists() for name in names)


COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICE: dict[str, Any] = COMPOSE["services"]["service"]


def test_compose_passes_all_settings_on() -> None:
    fixed = {"RNN_HOST", "RNN_PORT", "RNN_DATA_DIR"}
    settings = {PREFIX + field.upper() for field in Settings.model_fields}
    for name in ("service", "api", "worker"):
        passed = set(COMPOSE["services"][name]["environment"])
        assert settings - fixed <= passed, name
    # Without a value, Compose takes that of the shell, and sets nothing if there is none.
    assert {name for name, value in SERVICE["environment"].items() if value} == {"RNN_WORKERS"}


def test_compose_runs_one_container_without_a_profile() -> None:
    services: dict[str, Any] = COMPOSE["services"]
    single = {name for name, service in services.items() if not service.get("profiles")}
    scaled = {name for name, service in services.items() if service.get("profiles") == ["scale"]}
    assert single == {"service"}
    assert scaled == {"postgres", "api", "worker", "proxy"}
    for names in (single, scaled):
        assert sum(len(services[name].get("ports", [])) for name in names) == 1
        assert {n for name in names for n in services[name].get("depends_on", [])} <= names


def test_the_documented_scale_command_leaves_out_the_single_container() -> None:
    for path in ("docker-compose.yml", "docs/operations.md"):
        (command,) = re.findall(r"docker compose --profile scale up .*", (ROOT / path).read_text())
        scales = dict(re.findall(r"--scale (\w+)=(\d+)", command))
        assert scales["service"] == "0"
        assert set(scales) <= set(COMPOSE["services"])


@pytest.mark.parametrize("file", ["Dockerfile", "docker-compose.yml"])
def test_only_settings_that_exist_are_set(file: str) -> None:
    names = set(re.findall(rf"\b{PREFIX}[A-Z_]+", (ROOT / file).read_text()))
    assert names
    assert names <= {PREFIX + field.upper() for field in Settings.model_fields}
