"""A local service."""

import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from linear_rnn import Client, ConnectFailed, StatusError
from tests.programs import run_program

START = """
import os, signal, sys
from linear_rnn import Client
rnn = Client.local()
print(rnn._service.pid, flush=True)
job = rnn.train(n_iterations=900_000, record_every=100, wait=False)
while job.refresh(wait=10).status == "queued":
    pass
print("running", flush=True)
rnn.surface().plot()
sys.stdin.readline()
os.kill(os.getpid(), signal.SIGKILL)
"""

FAILED_START = """
import sys
from linear_rnn import Client, ConnectFailed
try:
    Client.local(command=[sys.executable, "-c", "pass"])
except ConnectFailed:
    print(*sys.modules)
"""


def test_it_ends_with_its_parent_even_if_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "service").mkdir()
    (tmp_path / "service/__init__.py").write_text("raise ImportError('another package')\n")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    backend = "module://matplotlib_inline.backend_inline"  # as in the kernel of a notebook
    with subprocess.Popen(
        [sys.executable, "-c", START],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"TMPDIR": str(temporary), "MPLBACKEND": backend},
    ) as own:
        assert own.stdin is not None
        assert own.stdout is not None
        service = psutil.Process(int(own.stdout.readline()))
        assert own.stdout.readline() == "running\n"
        family = [service, *service.children(recursive=True)]
        assert len(family) > 1  # it has workers
        assert list(temporary.iterdir())
        own.stdin.close()
        _, alive = psutil.wait_procs(family, timeout=300)
    assert own.returncode == -signal.SIGKILL
    assert alive == []
    assert list(temporary.iterdir()) == []


def test_it_has_its_own_data_and_ends_with_its_client(capfd: pytest.CaptureFixture[str]) -> None:
    with Client.local() as rnn:
        assert rnn._service is not None
        service = psutil.Process(rnn._service.pid)
        run = rnn.train(n_iterations=5)
        assert [each.id for each in rnn.runs] == [run.id]
    assert not service.is_running()
    assert capfd.readouterr() == ("", "")


def test_only_its_client_and_copies_of_that_have_the_key() -> None:
    with Client.local() as rnn:
        assert rnn._service is not None
        service = psutil.Process(rnn._service.pid)
        assert rnn._service.key not in str([service.cmdline(), service.environ()])
        url = rnn._connection.url
        for key in (None, "another"):
            with Client(url, api_key=key) as stranger, pytest.raises(StatusError, match="401"):
                stranger.predict()
        copy = pickle.loads(pickle.dumps(rnn))  # noqa: S301 - our own
        with copy:
            assert copy.predict().outputs.tolist() == rnn.predict().outputs.tolist()


def test_without_the_command_it_says_what_to_install() -> None:
    with pytest.raises(ConnectFailed, match=r"`pip install \.` in the repository"):
        Client.local(command=["no-such-command"])
    with pytest.raises(ConnectFailed, match="did not start"):
        Client.local(command=[sys.executable, "-c", "pass"])


def test_slow_modules_are_imported_before_the_service_is_ready() -> None:
    done = run_program(sys.executable, "-c", FAILED_START)
    assert {"httpx", "numpy"} <= set(done.stdout.split())
