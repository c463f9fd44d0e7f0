"""Fits of measured, public data that follow the advice: ``python -m benchmarks.public_data``.

Every table is first fitted with the options of public_data.json. Then the first recommendation of
the verdict is followed, as by the button of the page, until there is none. The output is the table
of docs/fitting.md.
"""

import json
from pathlib import Path
from typing import Any, Final, NamedTuple

from service.engine.data import Series
from service.formats import CSV, SeriesColumns
from service.operations.computations.fits import StepwiseFit, check, complete
from service.operations.shared.limits import Limits
from service.schemas.fits import FitRequest
from service.schemas.resolved_datasets import ResolvedSeries

Json = dict[str, Any]

DATA: Final = Path(__file__).parents[1] / "docs" / "recipes" / "data"
CASES: Final[list[Json]] = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
DATASET: Final = {"kind": "stored", "id": f"ds_{0:032}"}  # replaced by the table
MAX_STEPS: Final = 8
SIGNED: Final = {"trusted", "caution"}
COLUMNS: Final = ("data", "field", "targets", "advice", "result", "published", "assessment")


class Outcome(NamedTuple):
    """The last fit of a table, and the changes to the request that led to it."""

    fit: Json
    followed: list[Json]  # recommendations
    named: Json  # what a sentence of a refusal names without recommending it
    is_circle: bool


def read(case: Json) -> Series:
    """Return the series of a case."""
    query = case["query"] | {"inputs": tuple(case["query"]["inputs"])}
    return CSV.read_series((DATA / case["file"]).read_bytes(), SeriesColumns(**query), Limits())


def fit(series: Series, options: Json) -> Json:
    """Return the response to a request for a fit."""
    data = ResolvedSeries.from_series(series)
    request = FitRequest.model_validate({"dataset": DATASET, "keep": False, **options})
    request = complete(request, data)
    check(request, data)
    return StepwiseFit(request, data, {}, []).run(lambda _: None).result_json()


def follow_advice(case: Json) -> Outcome:
    """Fit a table, and follow the first recommendation until there is none."""
    series = read(case)
    options = case.get("options", {})
    seen = [options]
    followed: list[Json] = []
    result = fit(series, options)
    while result["alternatives"] and len(followed) < MAX_STEPS:
        change = result["alternatives"][0]["options"]
        options = options | change
        if options in seen:
            return Outcome(result, followed, {}, is_circle=True)
        seen.append(options)
        followed.append(change)
        result = fit(series, options)
    named = {} if result["summary"]["level"] in SIGNED else case.get("named", {})
    if named:
        result = fit(series, options | named)
    return Outcome(result, followed, named, is_circle=False)


def describe(outcome: Outcome) -> str:
    """Return the answer, or the reason why there is none."""
    summary = outcome.fit["summary"]
    texts: dict[str, list[str]] = {"estimate": [], "verdict": [], "finding": []}
    for topic, sentence in zip(summary["topics"], summary["sentences"], strict=True):
        texts.setdefault(topic, []).append(sentence)
    if summary["level"] not in SIGNED:
        reason = (texts["verdict"] or texts["finding"])[0]
        return f"**refused**: {summary['headline']}. {reason}"
    effects = [each for each in texts["estimate"] if each.startswith(("In the long", "Within a"))]
    interval = texts["estimate"][0]
    return " ".join([f"**{summary['level']}**: {summary['headline']}.", interval, *effects])


def format_row(case: Json) -> str:
    """Return the row of a case."""
    outcome = follow_advice(case)
    steps = [f"`{json.dumps(change)}`" for change in outcome.followed]
    if outcome.named:
        steps.append(f"`{json.dumps(outcome.named)}`, which the refusal names")
    if outcome.is_circle:
        steps.append("and back")
    cells = (
        f"[{case['title']}](recipes/data/README.md)",
        case["field"],
        str(outcome.fit["n_targets"]),
        ", ".join(steps) or "none",
        describe(outcome),
        case["published"],
        case["assessment"],
    )
    return f"| {' | '.join(cells)} |\n"


def format_table() -> str:
    """Return the table of docs/fitting.md."""
    header = f"| {' | '.join(COLUMNS)} |\n|{' --- |' * len(COLUMNS)}\n"
    return header + "".join(map(format_row, CASES))


if __name__ == "__main__":
    print(format_table(), end="")
