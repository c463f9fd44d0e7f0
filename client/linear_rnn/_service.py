"""A service as a child process."""

import hashlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import weakref
from collections.abc import Sequence
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

from linear_rnn._arrays import to_array
from linear_rnn._errors import ConnectFailed

STOP_SECONDS = 15


class Service:
    """A running service with its own data, which ends with this process.

    Parameters
    ----------
    process
        The command, whose first line of output contains the address.
    key
        The API key that the service requires.
    """

    def __init__(self, process: Any, key: str) -> None:
        self.key = key
        self.stop = weakref.finalize(self, _stop, process)
        self.pid = process.pid
        _import_slow_modules()  # while the service starts
        line = process.stdout.readline()
        if not line.startswith("{"):
            self.stop()
            raise ConnectFailed("`linear-rnn serve` did not start; see stderr")
        self.url: str = json.loads(line)["url"]


def _import_slow_modules() -> None:
    """Import what the first request needs: httpx, and numpy if it is installed."""
    import httpx  # noqa: F401

    to_array([])


def _stop(process: Any) -> None:
    """Stop a service, which deletes its data."""
    process.stdin.close()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()


def start_service(command: Sequence[str] | None = None) -> Service:
    """Start a service on a free port, with a new API key to exclude other users of the machine.

    Raises
    ------
    ConnectFailed
        If there is no such command, or if it does not start.
    """
    options = ["serve", "--port", "0", "--until-stdin-closes"]
    key = secrets.token_urlsafe()
    environment = {name: value for name, value in os.environ.items() if name[:4] != "RNN_"}
    environment["RNN_LOG_LEVEL"] = "warning"
    environment["RNN_API_KEYS"] = f"local:write:{hashlib.sha256(key.encode()).hexdigest()}"
    try:
        process = Popen(  # noqa: S603 - the caller's own command
            [*(command or [_find()]), *options],
            stdin=PIPE,
            stdout=PIPE,
            env=environment,
            text=True,
        )
    except OSError:
        raise ConnectFailed(
            "the command `linear-rnn` was not found; `pip install .` in the repository installs it"
        ) from None
    return Service(process, key)


def _find() -> str:
    sibling = Path(sys.executable).with_name("linear-rnn")
    return str(sibling) if sibling.exists() else shutil.which("linear-rnn") or "linear-rnn"
