"""The seconds of a fit with its verdict: ``python -m benchmarks.answers [NAME …]``.

Each series is fitted over HTTP by ``linear-rnn serve`` with its default settings, as a client waits
for it, and by ``linear-rnn fit``, whose processor time includes the start of Python. The table that
is printed stands in docs/fitting.md.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np
from scipy.signal import lfilter

from benchmarks.service import serve
from linear_rnn import Client

SEED: Final = 11
ROOT: Final = Path(__file__).parents[1]
NOISE: Final = 0.3


class Case(NamedTuple):
    """A simulated table, and the options of its fit."""

    n_steps: int
    n_inputs: int
    options: Mapping[str, Any] = MappingProxyType({})
    poles: tuple[float, ...] = (0.8,)
    n_sequences: int = 1
    every: int = 1  # the steps from one target to the next
    first: int = 0  # the step of the first target
    delay: int = 0
    period: int | None = None


TWO: Final = {"time_constants": 2}
SEASON: Final = {"season": {"period": 24, "harmonics": 3}, "delay": {"low": 0, "high": 11}}
CASES: Final = {
    "100 steps": Case(100, 1),
    "250 steps, 3 inputs": Case(250, 3),
    "2,000 steps, 2 inputs": Case(2000, 2),
    "5,000 steps, 3 inputs": Case(5000, 3),
    "6,000 steps, 5 inputs": Case(6000, 5),
    "6,000 steps, a target every 20, late": Case(6000, 2, every=20, first=2000),
    "3,000 steps, two constants": Case(3000, 2, TWO, (0.95, 0.4)),
    "2,500 steps, 5 inputs, two constants": Case(2500, 5, TWO, (0.95, 0.4)),
    "3,000 steps, delays 0 to 11, season": Case(3000, 2, SEASON, delay=3, period=24),
    "the same, two constants": Case(3000, 2, TWO | SEASON, (0.95, 0.4), delay=3, period=24),
    "30 sequences of 290, 250 targets": Case(290, 2, n_sequences=30, every=35),
    "the same, two constants ": Case(290, 2, TWO, (0.95, 0.4), 30, 35),
}


def draw(case: Case) -> str:
    """Return a table as csv."""
    draws = np.random.default_rng(SEED)
    names = [f"x{j}" for j in range(case.n_inputs)]
    lines = [",".join(["run", *names, "y"])]
    for run in range(case.n_sequences):
        inputs = draws.normal(size=(case.n_steps, case.n_inputs))
        cause = np.concatenate([np.zeros(case.delay), inputs.sum(axis=1)])[: case.n_steps]
        states = [lfilter([1.0 - pole], [1.0, -pole], cause) for pole in case.poles]
        steps = np.arange(case.n_steps)
        season = np.zeros(case.n_steps)
        if case.period:
            season = np.sin(2.0 * np.pi * steps / case.period)
        y = np.sum(states, axis=0) + season + 2.0 + NOISE * draws.normal(size=case.n_steps)
        is_known = (steps >= case.first) & (steps % case.every == case.every - 1)
        for row, value, known in zip(inputs, y, is_known, strict=True):
            numbers = [f"{number:.6g}" for number in row]
            lines.append(",".join([str(run), *numbers, f"{value:.6g}" if known else ""]))
    return "\n".join(lines) + "\n"


def measure(case: Case, client: Client, path: Path) -> tuple[float, float]:
    """Return the seconds over HTTP, and those of the processor for the command."""
    path.write_text(draw(case))
    names = [f"x{j}" for j in range(case.n_inputs)]
    start = time.perf_counter()
    client.fit(path, target="y", inputs=names, sequence="run", **case.options)
    over_http = time.perf_counter() - start
    options = []
    for name, value in case.options.items():
        numbers = value.values() if isinstance(value, dict) else [value]
        options += [f"--{name.replace('_', '-')}", ":".join(map(str, numbers))]
    command = [sys.executable, "-m", "service", "fit", str(path), "--target", "y"]
    command += ["--inputs", ",".join(names), "--sequence", "run", *options]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return over_http, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print a row of the table for each case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="parts of the names of cases")
    names = parser.parse_args().names
    print("| series | over HTTP | command line, CPU |\n| --- | --- | --- |")
    with serve() as port, tempfile.TemporaryDirectory() as folder:
        client = Client(f"http://127.0.0.1:{port}")
        path = Path(folder) / "series.csv"
        measure(CASES["100 steps"], client, path)  # the first one starts processes
        for name, case in CASES.items():
            if not names or any(part in name for part in names):
                over_http, cpu = measure(case, client, path)
                print(f"| {name.strip()} | {over_http:.2f} s | {cpu:.2f} s |", flush=True)


if __name__ == "__main__":
    main()
