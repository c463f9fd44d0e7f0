"""Build a release if the repository is ready for it: ``python -m scripts.release``.

Prints the problems, or writes wheels and sdists of both packages and ``openapi.json`` to ``dist``,
and prints the commands that publish them.
"""

import json
import os
import posixpath
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts import build as files
from scripts.openapi import openapi_schema

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements.lock", "requirements-dev.lock")
BUILD = """
import sys
from flit_core.buildapi import build_sdist, build_wheel
print(build_wheel(sys.argv[1]), build_sdist(sys.argv[1]))
"""
# With a relative target; the label of a link may be a picture.
PICTURE = re.compile(r"(!\[[^\]]*\])\((?!https?://)([^)\s]+)\)")
LINK = re.compile(r"((?<!!)\[(?:!\[[^\]]*\]\([^)]*\)|[^\[\]])*\])\((?!https?://)([^)\s]+)\)")


def read_version(root: Path) -> str:
    """Return ``__version__`` of the service."""
    text = (root / "service" / "__init__.py").read_text(encoding="utf-8")
    match = re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    if match is None:
        raise ValueError("service/__init__.py has no __version__")
    return match[1]


def read_pins(lock: Path) -> dict[str, list[Requirement]]:
    """Return each locked package with one requirement per platform-specific version."""
    pins: dict[str, list[Requirement]] = {}
    for line in lock.read_text(encoding="utf-8").splitlines():
        if re.match(r"[a-z0-9]", line):
            pin = Requirement(line.removesuffix("\\"))
            pins.setdefault(canonicalize_name(pin.name), []).append(pin)
    return pins


def read_requirements(root: Path, lock: str) -> list[Requirement]:
    """Return the requirements of ``pyproject.toml`` that the lock must satisfy."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"]
    lines = [*project["project"]["dependencies"], *groups["build"]]
    return [Requirement(line) for line in lines + (groups["dev"] if "dev" in lock else [])]


def check_versions(root: Path) -> list[str]:
    """Compare the version with those of the client, the citation and the containers."""
    version = read_version(root)
    problems = []
    for file, pattern in (
        ("client/linear_rnn/_version.py", r'^__version__ = "(.+)"$'),
        ("CITATION.cff", r"^version: (.+)$"),
        ("docker-compose.yml", r"\$\{VERSION:-(.+?)\}"),
        ("deploy/kubernetes/kustomization.yaml", r"newTag: (.+)$"),
    ):
        text = (root / file).read_text(encoding="utf-8")
        versions = set(re.findall(pattern, text, re.MULTILINE))
        if versions != {version}:
            problems.append(f"{file} has version {', '.join(sorted(versions))}, not {version}")
    return problems


def check_changelog(root: Path) -> list[str]:
    """Check that the latest section of the changelog is this version, with the release date."""
    version = read_version(root)
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    latest = next(iter(re.findall(r"^## (.+)$", text, re.MULTILINE)), "")
    match = re.fullmatch(rf"\[{re.escape(version)}\] - (\d{{4}}-\d\d-\d\d)", latest)
    if match is None:
        return [f"the latest section of CHANGELOG.md is not [{version}] with a date"]
    if f"\ndate-released: {match[1]}\n" not in (root / "CITATION.cff").read_text("utf-8"):
        return [f"CITATION.cff does not have the release date {match[1]}"]
    return []


def check_locks(root: Path) -> list[str]:
    """Check that the locks satisfy ``pyproject.toml``."""
    problems = []
    for lock in LOCKS:
        pins = read_pins(root / lock)
        for requirement in read_requirements(root, lock):
            versions = [
                str(pin.specifier).removeprefix("==")
                for pin in pins.get(canonicalize_name(requirement.name), [])
            ]
            if not versions or not all(map(requirement.specifier.contains, versions)):
                problems.append(f"{lock} does not satisfy {requirement}: run make lock")
    return problems


def run_git(root: Path, *arguments: str) -> str:
    """Return the output of a git command."""
    done = subprocess.run(  # noqa: S603
        ["git", *arguments],  # noqa: S607
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def check_working_tree(root: Path) -> list[str]:
    """Check that everything is committed and that the version has no tag yet."""
    problems = []
    if changes := run_git(root, "status", "--porcelain").splitlines():
        problems.append(f"the working tree is not clean: {', '.join(changes)}")
    tag = f"v{read_version(root)}"
    if run_git(root, "tag", "--list", tag):
        problems.append(f"the tag {tag} exists already")
    return problems


def find_problems(root: Path) -> list[str]:
    """Return everything that prevents a release, one line each."""
    checks = (check_versions, check_changelog, check_locks, check_working_tree)
    return [problem for check in checks for problem in check(root)]


def absolute_links(text: str, folder: str, source: str, version: str) -> str:
    """Return a readme for a package index: its links and pictures have absolute addresses.

    Parameters
    ----------
    text
        The Markdown. Code blocks have no links.
    folder
        The folder of the readme in the repository.
    source
        The address of the repository.
    version
        The version, whose tag the addresses contain.
    """

    def replace(match: re.Match[str]) -> str:
        label, target = match.groups()
        name, separator, anchor = target.partition("#")
        path = posixpath.normpath(posixpath.join(folder, name or "README.md"))
        kind = "raw" if label.startswith("![") else "blob"
        return f"{label}({source}/{kind}/v{version}/{path}{separator}{anchor})"

    return PICTURE.sub(replace, LINK.sub(replace, text))


def copy_project(root: Path, folder: str, directory: Path) -> None:
    """Copy what a package is built from, with the readme for a package index."""
    project = root / folder
    metadata = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    module = metadata["tool"]["flit"]["module"]["name"]
    source = metadata["project"]["urls"]["Source"]
    shutil.copytree(
        project / module, directory / module, ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(project / name, directory)
    readme = (project / "README.md").read_text(encoding="utf-8")
    text = absolute_links(readme, folder, source, read_version(root))
    (directory / "README.md").write_text(text, encoding="utf-8")


def build(root: Path, directory: Path) -> list[str]:
    """Build wheels and sdists, write the OpenAPI schema, and return the names of the files.

    The same commit gives the same bytes: the archives have its date.
    """
    directory.mkdir(parents=True, exist_ok=True)
    date = run_git(root, "log", "-1", "--format=%ct").strip()
    files = ["openapi.json"]
    for folder in ("", "client"):
        with tempfile.TemporaryDirectory() as project:
            copy_project(root, folder, Path(project))
            done = subprocess.run(  # noqa: S603
                [sys.executable, "-c", BUILD, str(directory.resolve())],
                cwd=project,
                env=os.environ | {"SOURCE_DATE_EPOCH": date},
                capture_output=True,
                text=True,
                check=True,
            )
        files += done.stdout.split()
    schema = json.dumps(openapi_schema(), indent=2, ensure_ascii=False)
    (directory / "openapi.json").write_text(f"{schema}\n", encoding="utf-8")
    return files


def main() -> int:
    """Print the problems, or build the release and print how to publish it."""
    if problems := find_problems(ROOT):
        sys.stderr.write("".join(f"{problem}\n" for problem in problems))
        return 1
    files.main()
    for file in build(ROOT, ROOT / "dist"):
        print(f"# built dist/{file}")
    version = read_version(ROOT)
    print(f'git tag -a v{version} -m "linear-rnn {version}"')
    print(f"git push origin v{version}")
    print("scripts/image.sh")
    return 0


if __name__ == "__main__":
    sys.exit(main())
