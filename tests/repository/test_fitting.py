"""docs/fitting.md and the example series: commands, numbers and words agree with the service."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from scripts import example_series
from scripts.example_series import EXAMPLES, FOLDER, ExampleSeries
from service.engine.data import Series
from service.engine.fit import FitOptions, Result, fit
from service.formats import CSV, SeriesColumns
from service.formats.queries import DatasetQuery
from service.operations.shared.limits import Limits
from service.schemas.fit_results import FitResult
from service.schemas.fits import FitRequest
from tests.repository.test_readme import BLOCK, ROOT, WrittenNumber, contains, curl, run_example

FITTING = (ROOT / "docs" / "fitting.md").read_text(encoding="utf-8")
ROW = re.compile(
    r"^\| `(\w+\.csv)` \| `([^`]*)` \| (.*?) \| ([\d.]+) (\w+)s "
    r"\| ([\d.]+) \(([\d.]+) to ([\d.]+)\) \|$",
    re.MULTILINE,
)


def table(heading: str, section: str) -> list[list[str]]:
    """Return the rows of the table of a section whose header begins with a word."""
    text = FITTING.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    rows = text.partition(f"| {heading} |")[2].partition("\n\n")[0].splitlines()[2:]
    assert rows
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_the_commands_work(address: str, tmp_path: Path) -> None:
    (commands,) = (text for language, text in BLOCK.findall(FITTING) if language == "sh")
    lines = commands.replace("\\\n", " ").splitlines()
    responses = [curl(line, address, tmp_path) for line in lines]
    # 200 if the commands of the README have stored the same before.
    assert all(response.status_code in (200, 201) for response in responses)
    shown, *_ = (text for language, text in BLOCK.findall(FITTING) if language == "json")
    body: Any = responses[1].json()
    assert contains(body, json.loads(shown, parse_float=WrittenNumber))
    assert httpx.get(f"http://{address}{body['links']['profile_csv']}").status_code == 200


def test_the_python_example_prints_the_shown_output(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINEAR_RNN_URL", f"http://{address}")
    monkeypatch.chdir(ROOT)
    (code,) = (text for language, text in BLOCK.findall(FITTING) if language == "python")
    (expected,) = (text for language, text in BLOCK.findall(FITTING) if language == "text")
    assert run_example(code) == expected


def test_the_examples_have_the_shown_numbers() -> None:
    rows = ROW.findall(FITTING)
    assert [row[0] for row in rows] == [name for name, each in EXAMPLES.items() if not each.trap]
    for name, columns, options, true, unit, *fitted in rows:
        example = EXAMPLES[name]
        assert columns == ", ".join(f"{key}={value}" for key, value in example.query.items())
        shown = "{" + ", ".join(re.findall("`(.*?)`", options)) + "}"
        assert json.loads(shown) == example.options
        assert unit == example.step.unit
        series = read(name, example)
        assert series.step == example.step
        result = fit_example(series, **example.options)
        ((low, high),) = result.solution.intervals
        numbers = [example.w_rec, result.solution.w_rec, low, high]
        times = [-example.step.length / np.log(w_rec) for w_rec in numbers]
        for text, time in zip([true, *fitted], times, strict=True):
            assert WrittenNumber(text).matches(float(f"{time:.3g}")), name
        assert times[2] <= times[0] <= times[3]
        assert result.solution.is_identifiable
        assert result.solution.is_unique
        if result.verdict.trust.interval:
            truth = [example.weights[name] for name in series.input_names]
            _, low, high = np.asarray(result.parameters.w_in).T
            assert (low <= truth).all()
            assert (truth <= high).all()


def test_the_words_are_those_of_the_service() -> None:
    parameters = [row[0].strip("`") for row in table("parameter", "The table")]
    assert set(parameters) == DatasetQuery.model_fields.keys() - {"name", "kind"}
    known = FitResult.model_fields | FitRequest.model_fields
    named = re.findall(
        r"`([a-z_]+)[:`]", " ".join(row[0] for row in table("here", "Terms in other fields"))
    )
    assert len(named) > 10
    assert set(named) - {"w_in", "steady_state_gain", "intervals"} <= known.keys()


def read(name: str, example: ExampleSeries) -> Series:
    query: dict[str, Any] = dict(example.query)
    query["inputs"] = tuple(query["inputs"].split(","))
    return CSV.read_series((FOLDER / name).read_bytes(), SeriesColumns(**query), Limits())


def fit_example(series: Series, **options: Any) -> Result:
    if "delay" in options:
        options["delay"] = options["delay"]["low"], options["delay"]["high"]
    return fit(series, FitOptions(**options))


def test_the_script_writes_the_files() -> None:
    assert {*EXAMPLES, "index.json"} == {path.name for path in FOLDER.iterdir()}
    assert (FOLDER / "index.json").read_text("ascii") == example_series.write_index()
    for name, example in EXAMPLES.items():
        assert (FOLDER / name).read_text("ascii") == example_series.write_table(example.make())


def test_what_the_examples_show() -> None:
    reasons = {
        name: fit_example(read(name, example), **example.options).verdict.trust.reasons
        for name, example in EXAMPLES.items()
    }
    assert {name for name, found in reasons.items() if found} == {
        "room.csv",
        "river.csv",
        "moon.csv",
    }
    assert reasons["room.csv"] == ["neighbors"]
    assert reasons["moon.csv"] == [EXAMPLES["moon.csv"].trap]
    assert reasons["river.csv"][0] == EXAMPLES["river.csv"].trap
    delay = EXAMPLES["step_tests.csv"]
    assert fit_example(read("step_tests.csv", delay), **delay.options).problem.delay == 3


def test_the_way_out_of_the_trap_leads_to_the_truth() -> None:
    river = EXAMPLES["river.csv"]
    series = read("river.csv", river)
    first, *_ = fit_example(series).verdict.alternatives
    assert first.options == {"delay": (2, 2)}
    result = fit_example(series, delay={"low": 2, "high": 2})
    assert result.verdict.trust.interval
    assert any(low <= river.w_rec <= high for low, high in result.solution.intervals)
