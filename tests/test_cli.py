"""The command line as it is typed: real processes, their output and exit codes."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from service import __version__

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run the command in an empty directory, with no setting but the given variables."""

    def run(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        clean = {k: v for k, v in os.environ.items() if not k.startswith("RNN_")}
        return subprocess.run(
            [sys.executable, "-m", "service", *arguments],
            cwd=tmp_path,
            env=clean | variables,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def test_version(run: Run) -> None:
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"linear-rnn {__version__}\n")


def test_help_names_the_commands(run: Run) -> None:
    done = run("--help")
    assert done.returncode == 0
    assert "serve" in done.stdout
    assert "openapi" in done.stdout


def test_no_command_is_a_usage_error(run: Run) -> None:
    done = run()
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, service.cli; "
        "print(sorted({'numpy', 'matplotlib', 'fastapi', 'pydantic', 'sqlalchemy', 'uvicorn'}"
        " & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("arguments", "variables", "expected"),
    [
        ([], {"RNN_PORT": "eighty"}, "RNN_PORT: "),
        ([], {"RNN_MAX_CELLS": "-1"}, "RNN_MAX_CELLS: "),
        ([], {"RNN_PROT": "80"}, "RNN_PROT is not a setting; did you mean RNN_PORT?"),
        (["--port", "70000"], {}, "--port: "),
        ([], {"RNN_DATABASE_URL": "mysql://u:hush@h/d"}, "RNN_DATABASE_URL: "),
    ],
)
def test_a_bad_setting_is_one_line(
    run: Run, arguments: list[str], variables: dict[str, str], expected: str
) -> None:
    done = run("serve", *arguments, **variables)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"linear-rnn: {expected}")
    assert done.stderr.count("\n") == 1
    assert "hush" not in done.stderr


def test_a_taken_port_is_one_line(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("serve", "--port", str(port))
    assert done.returncode == 1
    assert done.stderr == (
        f"linear-rnn: cannot listen on 127.0.0.1 port {port}: Address already in use\n"
    )


def test_a_data_directory_that_cannot_be_written_is_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run("serve", "--port", "0", "--data-dir", "file/data")
    assert done.returncode == 1
    assert done.stderr.startswith(f"linear-rnn: cannot write to the data directory {tmp_path}")
    assert done.stderr.count("\n") == 1
