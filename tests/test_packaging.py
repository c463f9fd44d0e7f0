"""The files around the code: locks, Makefile, set-up script, container image, compose file."""

import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from service import __version__
from service.settings import PREFIX, Settings

ROOT = Path(__file__).parents[1]
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = ["requirements.lock", "requirements-dev.lock"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def tracked_files() -> list[Path]:
    """Every file of the repository that is text."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()]


def pins(lock: str) -> dict[str, list[Requirement]]:
    """Each locked package, with a requirement for each platform that has its own version."""
    found: dict[str, list[Requirement]] = {}
    for line in (ROOT / lock).read_text().splitlines():
        if re.match(r"[a-z0-9]", line):
            pin = Requirement(line.removesuffix("\\"))
            found.setdefault(canonicalize_name(pin.name), []).append(pin)
    return found


def declared(lock: str) -> list[Requirement]:
    """Return what ``pyproject.toml`` asks of a lock."""
    groups = PYPROJECT["dependency-groups"]
    lines = [*PYPROJECT["project"]["dependencies"], *groups["build"]]
    return [Requirement(line) for line in lines + (groups["dev"] if "dev" in lock else [])]


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_holds_what_is_declared(lock: str) -> None:
    locked = pins(lock)
    for requirement in declared(lock):
        versions = [str(pin.specifier) for pin in locked[canonicalize_name(requirement.name)]]
        assert all(requirement.specifier.contains(version[2:]) for version in versions)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    blocks = re.findall(r"^[a-z0-9].*\n(?:[ \t].*\n)*", text, re.MULTILINE)
    assert len(blocks) == sum(map(len, pins(lock).values())) > 20
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text


def test_the_development_lock_contains_the_run_lock() -> None:
    run, development = (pins(lock) for lock in LOCKS)
    for name, pinned in run.items():
        assert {str(pin) for pin in pinned} <= {str(pin) for pin in development[name]}


def test_the_oracles_do_not_come_with_the_locks() -> None:
    assert "torch" not in pins("requirements-dev.lock")
    oracles = (ROOT / "requirements-oracles.txt").read_text().splitlines()
    assert [Requirement(line).name for line in oracles if line[0] != "#"] == ["torch"]


def test_no_file_names_a_registry() -> None:
    """Where packages come from is the machine's choice (a mirror, a cache), not the project's."""
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
    files = tracked_files()
    assert ROOT / "pyproject.toml" in files
    naming = [(path, host) for path in files for host in hosts if host in path.read_text("utf-8")]
    assert naming == []


def make(*arguments: str) -> str:
    done = subprocess.run(
        ["make", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_make_help_tells_of_every_target() -> None:
    text = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    phony = re.search(r"^\.PHONY:(.*)$", text, re.MULTILINE)
    assert phony is not None
    told = re.findall(r"^make ([\w-]+) +\S", make("help"), re.MULTILINE)
    assert sorted(told) == sorted(phony[1].split())
    assert {"run", "test", "check", "lock", "openapi", "oracles", "clean"} <= set(told)


@pytest.mark.parametrize("target", ["run", "test", "check", "openapi", "lock", "clean"])
def test_make_knows_how(target: str) -> None:
    assert make("--dry-run", target).strip()


def set_up(path: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["/bin/sh", "scripts/setup.sh", "nowhere/.venv", "requirements.lock"],
        cwd=ROOT,
        env={"PATH": path, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_set_up_says_what_is_missing_when_there_is_no_python(tmp_path: Path) -> None:
    for tool in ["dirname", "rm"]:
        found = next(p for p in [Path("/usr/bin"), Path("/bin")] if (p / tool).exists())
        (tmp_path / tool).symlink_to(found / tool)
    done = set_up(str(tmp_path))
    assert done.returncode != 0
    assert "Python 3.11 or newer with pip is needed, and none was found." in done.stderr
    assert not (ROOT / "nowhere").exists()


def test_set_up_refuses_a_named_python_that_will_not_do() -> None:
    done = set_up(os.environ["PATH"], PYTHON="/bin/false")
    assert done.returncode != 0
    assert done.stderr.startswith("PYTHON=/bin/false is not Python 3.11 or newer")
    assert not (ROOT / "nowhere").exists()


@pytest.mark.parametrize("script", [".ci/run", "scripts/setup.sh", "scripts/image.sh"])
def test_scripts_can_be_executed(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)
    assert (ROOT / script).read_text().startswith("#!/bin/")


def last_stage() -> str:
    return DOCKERFILE[DOCKERFILE.rindex("FROM ${BASE}") :]


def test_the_base_of_the_image_can_be_replaced() -> None:
    assert "\nARG BASE=python:3.11-slim\n" in DOCKERFILE
    assert re.findall(r"^FROM (.*)$", DOCKERFILE, re.MULTILINE) == ["${BASE} AS build", "${BASE}"]


def test_the_image_installs_from_the_lock_with_hashes() -> None:
    assert "--require-hashes -r requirements.lock" in DOCKERFILE
    assert "pip install" not in last_stage()


def test_the_image_runs_as_a_numeric_user_that_is_not_root() -> None:
    users = re.findall(r"^USER (\d+):(\d+)$", last_stage(), re.MULTILINE)
    assert len(users) == 1
    assert "0" not in users[0]


def test_the_image_says_its_version_and_its_health() -> None:
    assert 'org.opencontainers.image.version="${VERSION}"' in last_stage()
    assert "HEALTHCHECK" in last_stage()
    assert "/livez" in last_stage()
    assert "\nEXPOSE 8000\n" in last_stage()


def test_what_the_image_copies_is_sent_to_the_build() -> None:
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    sent = (ROOT / ".dockerignore").read_text().splitlines()
    assert {line[1:] for line in sent if line.startswith("!")} == names
    assert all((ROOT / name).exists() for name in names)


COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICE: dict[str, Any] = COMPOSE["services"]["service"]
PROFILES = ["default", "scale"]


def test_compose_binds_to_this_machine_unless_told_otherwise() -> None:
    assert SERVICE["ports"] == ["${BIND_ADDRESS:-127.0.0.1}:${PUBLISHED_PORT:-8000}:8000"]


def test_compose_confines_the_service() -> None:
    assert SERVICE["read_only"] is True
    assert SERVICE["cap_drop"] == ["ALL"]
    assert SERVICE["security_opt"] == ["no-new-privileges:true"]
    assert {"mem_limit", "cpus", "pids_limit", "tmpfs", "healthcheck"} <= set(SERVICE)
    assert f"USER {SERVICE['user']}\n" in DOCKERFILE


def test_compose_keeps_the_data_in_a_named_volume() -> None:
    assert SERVICE["volumes"] == ["data:/data"]
    assert "data" in COMPOSE["volumes"]
    assert "RNN_DATA_DIR=/data" in DOCKERFILE


def test_compose_runs_one_container_unless_another_profile_is_named() -> None:
    services = COMPOSE["services"].items()
    profiles = {p: {name for name, each in services if p in each["profiles"]} for p in PROFILES}
    assert profiles == {
        "default": {"service"},
        "scale": {"postgres", "api", "worker", "proxy"},
    }
    # A port of the host is published once in each.
    for names in profiles.values():
        assert sum(len(COMPOSE["services"][name].get("ports", [])) for name in names) == 1
        needed = {n for name in names for n in COMPOSE["services"][name].get("depends_on", [])}
        assert needed <= names
    told = (ROOT / ".env").read_text().splitlines()
    assert [line for line in told if not line.startswith("#")] == ["COMPOSE_PROFILES=default"]


def test_compose_builds_this_version() -> None:
    assert SERVICE["image"] == f"linear-rnn:${{VERSION:-{__version__}}}"
    assert SERVICE["build"]["args"]["VERSION"] == f"${{VERSION:-{__version__}}}"


@pytest.mark.parametrize("file", ["Dockerfile", "docker-compose.yml"])
def test_only_settings_that_exist_are_set(file: str) -> None:
    names = set(re.findall(rf"\b{PREFIX}[A-Z_]+", (ROOT / file).read_text()))
    assert names
    assert names <= {PREFIX + field.upper() for field in Settings.model_fields}
