"""A service of one's own."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from linear_rnn import Client, ConnectFailed

START = """
import os, signal, threading
from linear_rnn import Client
rnn = Client.local()
print(rnn._service.pid, rnn._service.directory, flush=True)
rnn.train(n_iterations=2000, wait=False).wait()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_it_ends_with_its_parent_even_if_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "service").mkdir()
    (tmp_path / "service/__init__.py").write_text("raise ImportError('another package')\n")
    with subprocess.Popen(
        [sys.executable, "-c", START], stdout=subprocess.PIPE, text=True, cwd=tmp_path
    ) as own:
        assert own.stdout is not None
        pid, directory = own.stdout.readline().split(maxsplit=1)
        service = psutil.Process(int(pid))
        family = [service, *service.children(recursive=True)]
        assert len(family) > 1  # it has workers
        _, alive = psutil.wait_procs(family, timeout=60)
    assert own.returncode == -signal.SIGKILL
    assert alive == []
    shutil.rmtree(directory.strip())  # the killed process could not


def test_its_data_are_deleted() -> None:
    with Client.local() as rnn:
        assert rnn._service is not None
        directory, service = Path(rnn._service.directory), psutil.Process(rnn._service.pid)
        run = rnn.train(n_iterations=5)
        assert [each.id for each in rnn.runs] == [run.id]
    assert not directory.exists()
    assert not service.is_running()


def test_without_the_command_it_says_what_to_install() -> None:
    with pytest.raises(ConnectFailed, match="pip install linear-rnn"):
        Client.local(command=["no-such-command"])
    with pytest.raises(ConnectFailed, match="did not start"):
        Client.local(command=[sys.executable, "-c", "pass"])
