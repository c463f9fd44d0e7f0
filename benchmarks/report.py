"""The report: results.md from results.json, and the short table of the README."""

import json
from pathlib import Path
from typing import Any

from benchmarks.harness import Row

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
REPORT = HERE / "results.md"
# The rows of the README by task and by the start of the peer's name. One of them must be a loss.
SUMMARY = (
    ("the tutorial's training: n = 20, T = 10", "the tutorial's loop"),
    ("the tutorial's training: n = 20, T = 10", "Numba"),
    ("training: n = 1,000,000, T = 100", "JAX"),
    ("basin map 100 × 100", "JAX"),
)

HEADING = """# Benchmarks

The contenders alternate in one process. Times are medians. Compare ratios within one run only.
Before a time counts, the contender's result is compared with the service's. Compilation is not
measured. Training is 500 iterations from (-1.5, 2) and includes the pass over the data. If a peer
has several variants, the table shows the fastest; `results.json` has all of them. The tutorial is
[How to implement a recurrent neural network, part 1](https://peterroelants.github.io/posts/rnn-implementation-part01/)
by Peter Roelants.

The ratio is the service's time divided by the peer's time. Below 1, the service is faster. The
goal is the largest acceptable ratio.

"""

DISCUSSION = """
![Seconds for 500 iterations against the number of sequences and against their length](growth.png)

## Where the service is slower or misses a goal

- On small data, an iteration is about a hundred operations of the Python interpreter, which take
  about a microsecond. JAX and Numba run machine code. Moments save little work where there are
  few samples.
- At n = 10,000, the matrix product of the data pass takes most of the time, and the 500 iterations
  take the rest.
- The rows of training contain no costs, for no contender. The first cost of large data needs their
  factor, which takes seven times as long as the moments: 2.2 s for 100 million numbers, once per
  stored dataset.
- A surface is computed from the residuals of a factor of the data, so that costs near a perfect fit
  keep their digits. The peers lose them. Moments would be faster on large data.
- A training run over HTTP includes all costs, the exact optimum and 50 kB of JSON, which together
  take longer than its iterations.
- A small prediction takes longer than the bare route because of the log, compression, request ids
  and metrics, and because the framework reads its body, state and nested routers.

## Measure again

```sh
make bench-quick   # the tutorial's loops as the only peer, under a minute
make bench         # all peers; installs PyTorch, JAX and Numba into .bench-venv
```
"""


def format_seconds(seconds: float) -> str:
    """Return a time with a suitable unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"


def format_ratio(ratio: float) -> str:
    """Return a ratio, as a fraction if it is small."""
    return f"1/{1 / ratio:,.0f}" if ratio < 0.1 else f"{ratio:.2f}"


def format_speed(ratio: float) -> str:
    """Return a ratio in words."""
    factor, word = (1 / ratio, "faster") if ratio <= 1 else (ratio, "slower")
    return f"{factor:,.{0 if factor >= 10 else 1}f} times {word}"


def format_table(rows: list[Row]) -> str:
    """Return all rows as a Markdown table."""
    lines = [
        "| task | this service | peer | its time | ratio | goal | met | notes |",
        "| --- | ---: | --- | ---: | ---: | ---: | --- | --- |",
    ]
    for row in rows:
        cells = (
            row.task,
            format_seconds(row.seconds),
            row.peer,
            format_seconds(row.peer_seconds),
            format_ratio(row.ratio),
            "" if row.goal is None else format_ratio(row.goal),
            {None: "", True: "yes", False: "no"}[row.is_met],
            row.notes,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def format_summary(rows: list[Row]) -> str:
    """Return the rows of ``SUMMARY`` as the Markdown table of the README."""
    lines = [
        "| task | this service | compared with | its time | the service is |",
        "| --- | ---: | --- | ---: | ---: |",
    ]
    for task, peer in SUMMARY:
        row = next(row for row in rows if row.task == task and row.peer.startswith(peer))
        cells = (
            row.task,
            format_seconds(row.seconds),
            row.peer,
            format_seconds(row.peer_seconds),
            format_speed(row.ratio),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def format_environment(about: dict[str, Any]) -> str:
    """Return versions, processor and threads as a paragraph."""
    versions = ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    return (
        f"Python {about['python']}; {versions}.\n"
        f"{about['cores']} cores of {about['processor']}; threads: {'; '.join(about['threads'])}.\n"
    )


def format_report(about: dict[str, Any], rows: list[Row]) -> str:
    """Return the text of results.md."""
    return f"{HEADING}{format_environment(about)}\n{format_table(rows)}{DISCUSSION}"


def save_results(about: dict[str, Any], rows: list[Row]) -> None:
    """Write results.json."""
    fields = [vars(row) | {"ratio": row.ratio} for row in rows]
    RESULTS.write_text(json.dumps({"about": about, "rows": fields}, indent=1) + "\n")


def load_results() -> tuple[dict[str, Any], list[Row]]:
    """Return the environment and the rows of results.json."""
    results = json.loads(RESULTS.read_text())
    for fields in results["rows"]:
        del fields["ratio"]
    return results["about"], [Row(**fields) for fields in results["rows"]]


def write_report() -> None:
    """Write results.md from results.json."""
    REPORT.write_text(format_report(*load_results()))
