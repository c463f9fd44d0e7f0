"""The wheel, installed alone, next to another package called `service`."""

import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ALONE = ("conftest.py", "test_computations.py", "test_errors.py", "test_questions.py")

pytestmark = pytest.mark.slow


def test_the_wheel_passes_its_tests_in_an_empty_environment(url: str, tmp_path: Path) -> None:
    def run(*command: str | Path, cwd: Path = tmp_path) -> str:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=os.environ | {"LINEAR_RNN_TEST_URL": url, "LINEAR_RNN_URL": url},
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv/bin/python"
    build = "import sys; from flit_core.buildapi import build_wheel; build_wheel(sys.argv[1])"
    run(sys.executable, "-c", build, tmp_path, cwd=ROOT / "client")
    (wheel,) = tmp_path.glob("linear_rnn_client-*.whl")
    (tmp_path / "service").mkdir()
    (tmp_path / "service/__init__.py").write_text("raise ImportError('another package')\n")

    run(python, "-m", "pip", "install", "-q", wheel)
    outputs = "print(__import__('linear_rnn').Client(__import__('sys').argv[1]).predict().outputs)"
    assert run(python, "-c", outputs, url) == "[5.0]\n"  # a list, without numpy
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    ((code, printed),) = re.findall(r"```python\n([^`]*)```\n\n```text\n([^`]*)```", readme)
    assert run(python, "-c", code) == printed

    run(python, "-m", "pip", "install", "-q", "pytest", "numpy", "pandas", "matplotlib")
    for name in ALONE:
        (tmp_path / name).write_text((Path(__file__).with_name(name)).read_text())
    # The service is not installed there.
    alone = ("-k", "not restart_of_the_service", *ALONE[1:])
    run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *alone)
