"""The commands that compute: the same words, numbers and errors as HTTP, without a server."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
import orjson
import pytest
from fastapi.testclient import TestClient

from service.cli import cli, main

SALES = Path(__file__).parents[1] / "service/explorer/fit_examples/advertising.csv"
COMPUTING = ("tutorial", "train", "predict", "surface", "trace", "optimum", "optimizers", "fit")
# What differs between two computations of the same request.
VARYING = {"created_at", "started_at", "finished_at", "compute_seconds"}

Run = Callable[..., str]


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Run a command line in a directory with a table of sales, and return its output."""
    (tmp_path / "sales.csv").write_bytes(SALES.read_bytes())
    monkeypatch.chdir(tmp_path)

    def run(line: str, exit_code: int = 0) -> str:
        assert main(shlex.split(line)) == exit_code, capsys.readouterr().err
        output = capsys.readouterr()
        return output.err if exit_code else output.out

    return run


def test_help_takes_a_fraction_of_a_second_because_it_imports_only_click(
    run: Run, imported_by: Callable[[str], set[str]]
) -> None:
    assert "train" in run("--help")
