"""Run the service as users do: ``linear-rnn serve`` in a separate process."""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

CHECK_SECONDS = 0.5
IDLE_SHARE = 0.2  # of one core; workers look for jobs


@contextmanager
def serve(**settings: object) -> Iterator[int]:
    """Run the service with its default settings, logs on and workers running; return its port.

    Parameters
    ----------
    settings
        Settings that differ from the defaults.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RNN_")}
    changed = {f"RNN_{name.upper()}": str(value) for name, value in settings.items()}
    command = [sys.executable, "-m", "service", "serve", "--port", "0"]
    with tempfile.TemporaryDirectory() as data:
        log = Path(data) / "log"  # a pipe would fill up and stop the service
        with log.open("w") as output:
            process = subprocess.Popen(
                [*command, "--data-dir", data],
                env=inherited | changed,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            port = _await_port(process, log)
            _await_idleness(process.pid)
            yield port
        finally:
            process.terminate()
            process.wait(30)


def _await_port(process: "subprocess.Popen[bytes]", log: Path) -> int:
    """Return the port in the greeting, which the service prints when it is ready."""
    while process.poll() is None:
        match = re.search(r":(\d+)/docs", log.read_text())
        if match:
            return int(match[1])
        time.sleep(0.02)
    raise ChildProcessError(log.read_text())


def _await_idleness(pid: int) -> None:
    """Wait until the workers and the rendering processes, which start after the greeting, idle."""
    process, before = psutil.Process(pid), -1.0
    while (now := _busy_seconds(process)) - before > IDLE_SHARE * CHECK_SECONDS:
        before = now
        time.sleep(CHECK_SECONDS)


def _busy_seconds(process: psutil.Process) -> float:
    """Return the CPU time of a process and its descendants."""
    total = 0.0
    for member in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            total += sum(member.cpu_times()[:2])
    return total
