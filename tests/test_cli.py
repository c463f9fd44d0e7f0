"""The commands: their output and exit codes. Most of them run as processes."""

import hashlib
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic

import httpx
import psutil
import pytest

from service import __version__
from service.cli import main
from tests.programs import run_program

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def environment() -> dict[str, str]:
    """Return the environment without settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("RNN_")}


@pytest.fixture
def run(tmp_path: Path, environment: dict[str, str]) -> Run:
    """Run the command in an empty directory, with only the given settings."""

    def run(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        return run_program(
            sys.executable,
            "-m",
            "service",
            *arguments,
            cwd=tmp_path,
            env=environment | variables,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    return run


def test_version(run: Run) -> None:
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"linear-rnn {__version__}\n")


def test_no_command_is_a_usage_error(run: Run) -> None:
    done = run()
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_help_explains_the_exit_codes(run: Run) -> None:
    for part in ("0 for success", "1 for errors", "2 for invalid", "130 after"):
        assert part in run("--help").stdout


@pytest.mark.parametrize("command", [["serve"], ["worker"], ["migrate"], ["keys", "new", "a"]])
def test_windows_is_refused_in_one_line(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.platform", "win32")
    assert main(command) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("linear-rnn: this runs on Linux and macOS; on Windows, ")
    assert output.err.count("\n") == 1


def test_a_port_in_use_is_reported_in_one_line(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("serve", "--port", str(port))
    assert done.returncode == 1
    assert done.stderr == (
        f"linear-rnn: cannot listen on 127.0.0.1 port {port}: Address already in use\n"
    )


@pytest.mark.parametrize("command", ["serve", "worker", "migrate"])
def test_an_invalid_setting_is_reported_in_one_line(run: Run, command: str) -> None:
    done = run(command, RNN_MAX_CELLS="-1")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("linear-rnn: RNN_MAX_CELLS: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["worker"], ["migrate"]])
def test_a_read_only_directory_is_reported(run: Run, tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "file").touch()
    done = run(*command, "--data-dir", "file/data")
    assert done.returncode == 1
    assert done.stderr.startswith(f"linear-rnn: cannot write to the data directory {tmp_path}")
    assert "(RNN_DATA_DIR)" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_new_key_is_printed_with_its_entry(run: Run) -> None:
    result = run("keys", "new", "alice", "--scope", "write")
    assert result.returncode == 0
    key, entry = re.fullmatch(r"key    (\S+)\nentry  (\S+)\n", result.stdout).groups()  # type: ignore[union-attr]
    assert entry == f"alice:write:{hashlib.sha256(key.encode()).hexdigest()}"
    assert ":read:" in run("keys", "new", "bob").stdout


def test_an_invalid_name_of_a_key(run: Run) -> None:
    result = run("keys", "new", "a:b")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("linear-rnn: the name of a key")


@pytest.mark.parametrize(
    "end", [pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGTERM]
)
def test_serve_prints_its_address_responds_and_stops(
    environment: dict[str, str], tmp_path: Path, end: signal.Signals
) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "service", "serve", "--port", "0", "--workers", "1"],
        cwd=tmp_path,
        env=environment | {"RNN_RENDER_PROCESSES": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        try:
            output = "".join(itertools.islice(server.stdout, 7))
            found = re.search(r"http://127\.0\.0\.1:\d+", output)
            assert found is not None, output
            with httpx.Client(base_url=found[0], trust_env=False, timeout=60) as client:
                assert client.get("/livez").status_code == 200
                # Garbage is not collected before the server is ready.
                collected = re.compile(r'python_gc_collections_total{generation="0"} [1-9]')
                assert any(collected.search(client.get("/metrics").text) for _ in range(1000))
        finally:
            server.send_signal(end)
            server.communicate(timeout=120)
    assert str(tmp_path / "data") in output
    assert (tmp_path / "data" / "rnn.sqlite3").exists()
    assert server.returncode in {0, -signal.SIGTERM}


def test_serve_stops_if_its_standard_input_was_closed_before_it_was_ready(run: Run) -> None:
    command = ("serve", "--port", "0", "--workers", "1", "--until-stdin-closes")
    stopped = run(*command, RNN_RENDER_PROCESSES="1")
    assert stopped.returncode in {0, -signal.SIGTERM}
    assert json.loads(stopped.stdout)["version"] == __version__
    assert "Warning" not in stopped.stderr


def wait_for_imports(pid: int) -> None:
    """Wait until another process of a service has imported numpy."""
    end = monotonic() + 300
    while monotonic() < end:
        with suppress(psutil.Error):
            for child in psutil.Process(pid).children(recursive=True):
                if any("_multiarray_umath" in file.path for file in child.memory_maps()):
                    return
    pytest.fail("no other process has imported numpy")


@pytest.mark.slow
def test_ctrl_c_during_the_imports_of_other_processes_prints_no_traceback(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "service", "serve", "--port", "0", "--workers", "1"],
        cwd=tmp_path,
        env=environment | {"RNN_RENDER_PROCESSES": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as server:
        assert server.stdout is not None
        assert "is ready" in server.stdout.readline()
        wait_for_imports(server.pid)
        os.killpg(server.pid, signal.SIGINT)
        _, errors = server.communicate(timeout=120)
    assert "Traceback" not in errors
    assert server.returncode == 0


@pytest.mark.parametrize(
    "command", [pytest.param(["serve", "--port", "0"], marks=pytest.mark.slow), ["migrate"]]
)
def test_an_unavailable_database_has_no_traceback(run: Run, command: list[str]) -> None:
    with socket.socket() as bound:  # bound but not listening, so that connections are refused
        bound.bind(("127.0.0.1", 0))
        url = f"postgresql://u:hush@127.0.0.1:{bound.getsockname()[1]}/d"
        done = run(*command, RNN_DATABASE_URL=url)
    assert done.returncode == 1
    assert "the database is unavailable" in done.stderr
    assert "Traceback" not in done.stderr
    assert "hush" not in done.stderr
