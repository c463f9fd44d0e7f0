"""A running service, for the documents whose commands and numbers are checked."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

Post = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start the service as a user would, and return its address."""
    command = [str(Path(sys.executable).with_name("linear-rnn")), "serve", "--port", "0"]
    environment = {key: value for key, value in os.environ.items() if key[:4] != "RNN_"}
    environment |= {"RNN_RENDER_PROCESSES": "1", "RNN_LOG_LEVEL": "warning"}
    with subprocess.Popen(
        command,
        cwd=tmp_path_factory.mktemp("service"),
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as service:
        assert service.stdout is not None
        try:
            greeting = next(
                filter(None, (re.search(r"http://(\S+)/\n", s) for s in service.stdout))
            )
            yield greeting[1]
        finally:
            service.terminate()
            service.stdout.read()


@pytest.fixture(scope="session")
def post(address: str) -> Post:
    """Return a function that sends fields to a path below /v1 and returns the response."""

    def send(path: str, **fields: Any) -> dict[str, Any]:
        response = httpx.post(f"http://{address}/v1/{path}", json=fields, timeout=60.0)
        result: dict[str, Any] = response.raise_for_status().json()
        return result

    return send
