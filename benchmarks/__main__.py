"""Run the benchmarks and write the report: ``python -m benchmarks [--quick | --report]``."""

import argparse

from benchmarks import (
    basins,
    growth,
    http_tasks,
    machine,
    report,
    requests,
    surfaces,
    training,
)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="compare with the tutorial only")
    parser.add_argument("--report", action="store_true", help="write results.md, measure nothing")
    parser.add_argument("--no-growth", action="store_true", help="keep growth.json and growth.png")
    options = parser.parse_args()
    if options.report:
        report.write_report()
        return
    machine.restart_without_overrides()
    if options.quick:
        rows = [*training.measure_short(quick=True), *surfaces.measure_surfaces(quick=True)]
        print(report.format_environment(machine.describe()))
        print(report.format_table(rows))
        return
    tasks = (
        *(training.measure_short, training.measure_long, training.measure_huge),
        *(surfaces.measure_surfaces, basins.measure_basin_map),
        *(http_tasks.measure_http_tasks, requests.measure_predictions),
    )
    rows = []
    for task in tasks:
        task_rows = task()
        print(report.format_table(task_rows), flush=True)
        rows += task_rows
    report.save_results(machine.describe(), rows)
    report.write_report()
    if not options.no_growth:
        growth.draw(growth.measure_growth())


if __name__ == "__main__":
    main()
