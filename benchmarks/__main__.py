"""Run the benchmarks and write the table: ``python -m benchmarks [--quick]``."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import basins, growth, landscape, machine, requests, training
from benchmarks.harness import Row

HERE = Path(__file__).parent


def seconds_text(seconds: float) -> str:
    """Write a time with a unit that suits it."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"


def ratio_text(ratio: float) -> str:
    """Write a ratio, as a fraction where it is small."""
    return f"1/{1 / ratio:,.0f}" if ratio < 0.1 else f"{ratio:.2f}"


def table(rows: list[Row]) -> str:
    """Return the rows as Markdown."""
    lines = [
        "| work | ours | peer | its time | ours / its | at most | reached | notes |",
        "| --- | ---: | --- | ---: | ---: | ---: | --- | --- |",
    ]
    for row in rows:
        cells = (
            row.work,
            seconds_text(row.ours),
            row.peer,
            seconds_text(row.theirs),
            ratio_text(row.ratio),
            "" if row.at_most is None else ratio_text(row.at_most),
            {None: "", True: "yes", False: "no"}[row.reached],
            row.notes,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def heading(about: dict[str, Any]) -> str:
    """Say how and on what the figures were measured."""
    versions = ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    return f"""# Benchmarks

Contenders take turns in one process. Times are medians, and only ratios within one run mean much.
Before a time counts, its contender's answer was compared with ours. Compiling is not counted.
Training is 500 iterations from (-1.5, 2), the pass over the data included. Of several variants of
a peer the table has the quickest; `results.json` has them all.

Python {about["python"]}; {versions}.
{about["cores"]} cores of {about["processor"]}; threads: {"; ".join(about["threads"])}.

"""


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the note's loops as the only peer")
    parser.add_argument("--no-growth", action="store_true", help="leave the plot as it is")
    options = parser.parse_args()
    machine.restart_without_overrides()
    if options.quick:
        rows = [*training.short(quick=True), *landscape.surfaces(quick=True)]
        print(heading(machine.describe()) + table(rows))
        return
    works = (training.short, training.long, training.huge, landscape.surfaces, basins.maps)
    rows = []
    for work in (*works, requests.rows):
        found = work()
        print(table(found), flush=True)
        rows += found
    about = machine.describe()
    results = {"about": about, "rows": [{**asdict(row), "ratio": row.ratio} for row in rows]}
    (HERE / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (HERE / "results.md").write_text(heading(about) + table(rows))
    if not options.no_growth:
        growth.draw(growth.measure())


if __name__ == "__main__":
    main()
