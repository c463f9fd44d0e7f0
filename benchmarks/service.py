"""Run the service as its users do: ``linear-rnn serve`` in a process of its own."""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
            yield _await_port(process, log)
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
