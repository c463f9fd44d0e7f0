"""The files that are built and not in git."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.release import run_git
from tests.programs import run_program

ROOT = Path(__file__).parents[2]
FOLDERS = ("service", "client/linear_rnn")
USES = (("-c", "import linear_rnn"), ("-m", "service", "fit", "-h"))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a copy of the repository without the files that git ignores."""
    listed = run_git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def run_python(root: Path, *arguments: str) -> tuple[int, str]:
    """Run Python with the modules of a checkout, and return its exit code and errors."""
    path = {"PYTHONPATH": f"{root}:{root / 'client'}", "PYTHONDONTWRITEBYTECODE": "1"}
    done = run_program(sys.executable, *arguments, cwd=root, env=path, check=False)
    return done.returncode, done.stderr


def contents(root: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the names and the bytes of the files of both packages."""
    for path in (path for folder in FOLDERS for path in (root / folder).rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(root).as_posix(), path.read_bytes()


def test_a_checkout_names_the_command_that_builds_its_files(checkout: Path) -> None:
    for arguments in USES:
        code, errors = run_python(checkout, *arguments)
        assert code == 1
        assert "run `make build` in the repository" in errors.splitlines()[-1]
    assert run_python(checkout, "-m", "scripts.build") == (0, "")
    for arguments in USES:
        assert run_python(checkout, *arguments) == (0, "")
    here = dict(contents(ROOT))
    outdated = [name for name, data in contents(checkout) if here.pop(name, None) != data]
    assert (outdated, [*here]) == ([], []), "run: make build"
