"""Programs that tests run: the service, and those that some need and that pip cannot install."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

DEFAULTS = {"RNN_LOG_LEVEL": "warning", "RNN_WORKERS": "1", "RNN_RENDER_PROCESSES": "0"}


def needs(program: str) -> pytest.MarkDecorator:
    """Return a mark that skips a test without the program; in CI the test fails instead."""
    is_missing = shutil.which(program) is None and not os.environ.get("CI")
    return pytest.mark.skipif(is_missing, reason=f"{program} is not installed")


def run_program(
    *command: str | Path, check: bool = True, **options: Any
) -> "subprocess.CompletedProcess[str]":
    """Run a program to its end, by default successfully, and return what it printed."""
    options = {"capture_output": True, "text": True, "timeout": 600, **options}
    return subprocess.run(command, check=check, **options)


@contextmanager
def run_service(folder: Path, **settings: str) -> Iterator[str]:
    """Run a service in its own process, and return its address."""
    command = [sys.executable, "-m", "service", "serve", "--port", "0", "--data-dir", str(folder)]
    log = folder / "log"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command,
            env=os.environ | DEFAULTS | settings,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        address = re.compile(r"http://127\.0\.0\.1:\d+")
        match = next(filter(None, map(address.search, process.stdout)), None)
        assert match is not None, log.read_text()
        try:
            yield match[0]
        finally:
            process.terminate()
            process.wait(120)
