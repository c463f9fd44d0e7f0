"""The check before a release."""

import json
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import service
from scripts import release
from service import __version__

ROOT = Path(__file__).parents[2]
WHEEL = "import sys; from flit_core.buildapi import build_wheel; build_wheel(sys.argv[1])"
FILES = (
    "CHANGELOG.md",
    "CITATION.cff",
    "client/linear_rnn/_version.py",
    "deploy/kubernetes/kustomization.yaml",
    "docker-compose.yml",
    "pyproject.toml",
    "service/__init__.py",
    *release.LOCKS,
)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a git repository that is ready for the release of the present version."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    edit(tmp_path, "CHANGELOG.md", r"^## .*", f"## [{__version__}] - 2030-01-31")
    edit(tmp_path, "CITATION.cff", r"^version: .*", r"\g<0>\ndate-released: 2030-01-31")
    release.run_git(tmp_path, "init", "--quiet")
    commit(tmp_path)
    return tmp_path


def edit(repository: Path, name: str, pattern: str, replacement: str) -> None:
    """Replace the first match of a pattern, which must exist."""
    path = repository / name
    text, count = re.subn(pattern, replacement, path.read_text(), count=1, flags=re.MULTILINE)
    assert count == 1
    path.write_text(text)


def commit(repository: Path) -> None:
    author = ("-c", "user.name=tester", "-c", "user.email=tester@localhost")
    release.run_git(repository, "add", ".")
    release.run_git(repository, *author, "commit", "--quiet", "--message", "files")


def test_a_consistent_repository_has_no_problems(repository: Path) -> None:
    assert release.find_problems(repository) == []


@pytest.mark.parametrize(
    ("name", "pattern", "replacement", "problem"),
    [
        ("CITATION.cff", r"^version: .*", "version: 9.9.9", "CITATION.cff has version 9.9.9"),
        ("CITATION.cff", r"^date-released: .*", "date-released: 2001-01-01", "release date 2030"),
        ("docker-compose.yml", "VERSION:-[^}]+", "VERSION:-9.9.9", "docker-compose.yml has"),
        (
            "client/linear_rnn/_version.py",
            "__version__ = .*",
            '__version__ = "9"',
            "client/linear_rnn",
        ),
        ("CHANGELOG.md", r"^## .*", "## [Unreleased]", "the latest section of CHANGELOG.md"),
        ("CHANGELOG.md", r"^## .*", "## [9.9.9] - 2030-01-31", "the latest section"),
        ("pyproject.toml", "numpy >=[0-9.]+", "numpy >=999", "requirements.lock does not"),
        ("pyproject.toml", "ruff >=[0-9.]+", "ruff >=999", "requirements-dev.lock does not"),
        ("pyproject.toml", '"numpy >', '"new-package",\n  "numpy >', "not satisfy new-package"),
    ],
)
def test_files_that_disagree_are_named(
    repository: Path, name: str, pattern: str, replacement: str, problem: str
) -> None:
    edit(repository, name, pattern, replacement)
    commit(repository)
    problems = release.find_problems(repository)
    assert any(problem in line for line in problems), problems


def test_the_versions_agree_and_the_changelog_has_what_follows_the_release() -> None:
    assert release.check_versions(ROOT) == []
    text = (ROOT / "CHANGELOG.md").read_text()
    latest = re.findall(r"^## \[(.+?)\]", text, re.MULTILINE)
    assert latest[:2] in ([__version__], ["Unreleased", __version__])


def test_a_release_has_both_packages_and_the_schema(tmp_path: Path) -> None:
    dist = tmp_path / "dist"
    files = release.build(ROOT, dist)
    assert sorted(files) == sorted(path.name for path in dist.iterdir())
    names = [f"linear_rnn-{__version__}", f"linear_rnn_client-{__version__}"]
    suffixes = ("-py3-none-any.whl", ".tar.gz")
    assert set(files) == {"openapi.json", *(name + end for name in names for end in suffixes)}
    for name, package in zip(names, ("service/", "linear_rnn/"), strict=True):
        with zipfile.ZipFile(dist / f"{name}-py3-none-any.whl") as wheel:
            contents = set(wheel.namelist())
            is_service = package == "service/"
            assert {f"{package}__init__.py", f"{package}py.typed"} <= contents
            data = {"service/guide/index.html", "service/cli/commands.json"}
            modules = {"linear_rnn/_models.py", "linear_rnn/_sync/client.py"}
            assert contents & (data | modules) == (data if is_service else modules)
            font_license = f"{name}.dist-info/licenses/service/explorer/fonts/LICENSE.md"
            assert (font_license in contents) == is_service
            readme = wheel.read(f"{name}.dist-info/METADATA").decode()
            expression = "MIT AND OFL-1.1" if is_service else "MIT"
            assert f"License-Expression: {expression}\n" in readme
            assert f"Summary: {service.__doc__}\n" in readme or not is_service
        assert_links_are_absolute(readme)
        with tarfile.open(dist / f"{name}.tar.gz") as sdist:
            sdist.extractall(tmp_path, filter="data")
        subprocess.run([sys.executable, "-c", WHEEL, tmp_path], cwd=tmp_path / name, check=True)
        with zipfile.ZipFile(tmp_path / f"{name}-py3-none-any.whl") as again:
            assert set(again.namelist()) == set(wheel.namelist())
    schema = json.loads((dist / "openapi.json").read_text())
    assert schema["info"]["version"] == __version__
    built = {path.name: path.read_bytes() for path in dist.iterdir()}
    release.build(ROOT, dist)
    assert built == {path.name: path.read_bytes() for path in dist.iterdir()}


def assert_links_are_absolute(readme: str) -> None:
    """Check the links of a readme, and that those into the repository name files."""
    urls = [*re.findall(r"\]\(([^)\s]+)\)", readme)]
    assert all(url.startswith("https://") for url in urls)
    source = rf"https://example.org/linear-rnn/(raw|blob)/v{re.escape(__version__)}/([^#]+)"
    linked = [match for match in map(re.compile(source).match, urls) if match]
    assert linked
    for kind, path in (match.groups() for match in linked):
        assert (ROOT / path).exists(), path
        assert (kind == "raw") == path.endswith((".png", ".gif")), path


def test_a_version_is_released_once_and_from_a_clean_tree(repository: Path) -> None:
    (repository / "new.txt").write_text("")
    release.run_git(repository, "tag", f"v{__version__}")
    assert release.find_problems(repository) == [
        "the working tree is not clean: ?? new.txt",
        f"the tag v{__version__} exists already",
    ]
