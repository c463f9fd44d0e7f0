"""The report: results.md from results.json, and the short table of the README."""

import json
from pathlib import Path
from typing import Any

from benchmarks.harness import Row

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
FIT_RESULTS = HERE / "fits.json"
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
Before measurement, the contender's result is compared with the service's. Compilation is not
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

- On small data, an iteration is a few calls of numpy, each of which takes about as long as the
  arithmetic. JAX and Numba run machine code. Moments save little work for few samples.
- At n = 10,000, the matrix product of the data pass takes most of the time, and the 500 iterations
  take the rest.
- The rows of training do not include costs, for any contender. The first cost of large data
  requires their factor, which takes seven times as long as the moments: 2.2 s for 100 million
  numbers, once per stored dataset.
- A surface is computed from the residuals of a factor of the data, so that costs near a perfect fit
  are accurate. Those of the peers are not. Moments would be faster on large data.
- A training run over HTTP includes all costs, the exact optimum and 50 kB of JSON, which together
  take longer than its iterations.
- A small prediction takes longer than the bare route because of the log, compression, request ids
  and metrics, and because the framework reads its body, state and nested routers.

{fits}
## Measure again

```sh
make bench-quick   # the tutorial's loops as the only peer, under a minute
OPENBLAS_NUM_THREADS=1 .venv/bin/python -m benchmarks.fits   # fits, in a minute
make bench         # all peers; installs PyTorch, JAX and Numba into .bench-venv
```
"""


FITS = """## Fits

Each method fits w_rec, input weights, an offset and the start of one simulated sequence.
`fit_problems.py` draws {n_realistic} realistic problems (advertising, rooms, step tests) and
{n_hard} hard ones (weak signals, sparse targets, targets at the last steps only, two recurrences at
once, noisy steps) with a fixed seed. A method misses a problem if its cost exceeds the lowest that
any method reaches with 0 ≤ w_rec ≤ 1, or if it fails. {several_realistic} of the realistic and
{several_hard} of the hard problems have several local minima. The service's cost is never above the
lowest by more than a relative {excess}.

{table}

- Times are medians of processor time on one core. The service's time includes the confidence
  intervals of all numbers, the band and the tests of the residuals. The other times are those of
  the fit alone.
- On almost all of the realistic problems, SciPy with a sensible start inside bounds finds the same
  optimum, and faster. The start is the regression for w_rec = 0.5.
- ARX predicts one step ahead, from the measured target. The errors of its weights differ from those
  of a simulation from the inputs, and noise in the targets biases its w_rec toward 0.
- The grid is that of tools for media mix models.
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


def format_fits(results: dict[str, Any]) -> str:
    """Return the section on fits: the problems that each method misses, and the growth of time."""
    sets = {name: results[name] for name in ("realistic", "hard")}
    names = list(sets["realistic"]["methods"])
    lines = [
        "| method | " + " | ".join(f"{name}: missed by 0.1 %, 1 %, 10 % | time" for name in sets),
        "| --- |" + " ---: | ---: |" * len(sets),
    ]
    lines[0] += " |"
    for name in names:
        cells = []
        for problems in sets.values():
            method = problems["methods"][name]
            cells += [", ".join(map(str, method["worse"])), format_seconds(method["seconds"])]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    growth = results["growth"]
    lines += ["", "| one sequence, T | this service | `least_squares` |", "| ---: | ---: | ---: |"]
    for size, seconds, peer in growth["n_steps"]:
        lines.append(f"| {size:,} | {format_seconds(seconds)} | {format_seconds(peer)} |")
    lines += ["", "| sequences of 50 steps | this service |", "| ---: | ---: |"]
    lines += [f"| {n:,} | {format_seconds(seconds)} |" for n, seconds in growth["n_samples"]]
    lines += ["", "| a fit with its verdict and all results | this service |", "| --- | ---: |"]
    verdicts = results["verdicts"].items()
    lines += [f"| {name} | {format_seconds(seconds)} |" for name, seconds in verdicts]
    about = {f"n_{name}": problems["n"] for name, problems in sets.items()} | {
        f"several_{name}": problems["several_minima"] for name, problems in sets.items()
    }
    excess = max(problems["excess"] for problems in sets.values())
    return FITS.format(table="\n".join(lines), excess=f"{excess:.0e}", **about)


def format_environment(about: dict[str, Any]) -> str:
    """Return versions, processor and threads as a paragraph."""
    versions = ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    return (
        f"Python {about['python']}; {versions}.\n"
        f"{about['cores']} cores of {about['processor']}; threads: {'; '.join(about['threads'])}.\n"
    )


def format_report(about: dict[str, Any], rows: list[Row]) -> str:
    """Return the text of results.md."""
    discussion = DISCUSSION.format(fits=format_fits(json.loads(FIT_RESULTS.read_text())))
    return f"{HEADING}{format_environment(about)}\n{format_table(rows)}{discussion}"


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
