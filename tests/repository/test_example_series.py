"""The example series: written by their script, and fitted to what is true of them."""

from typing import Any

import numpy as np
import pytest

from scripts import example_series
from scripts.example_series import EXAMPLES, FOLDER, ExampleSeries
from service.engine.data import Series
from service.engine.fit import FitOptions, Result, fit
from service.formats import CSV, SeriesColumns
from service.operations.limits import Limits


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


@pytest.mark.parametrize("name", [name for name, each in EXAMPLES.items() if not each.trap])
def test_the_fit_finds_the_truth(name: str) -> None:
    example = EXAMPLES[name]
    series = read(name, example)
    assert series.step == example.step
    result = fit_example(series, **example.options)
    assert result.is_identifiable
    assert result.is_unique
    assert any(low <= example.w_rec <= high for low, high in result.intervals)
    if result.trust.interval:
        truth = [example.weights[name] for name in series.input_names]
        _, low, high = np.asarray(result.parameters.w_in).T
        assert (low <= truth).all()
        assert (truth <= high).all()


def test_what_the_examples_show() -> None:
    reasons = {
        name: fit_example(read(name, example), **example.options).trust.reasons
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
    first, *_ = fit_example(series).alternatives
    assert first.options == {"delay": 2}
    result = fit_example(series, delay={"low": 2, "high": 2})
    assert result.trust.interval
    assert any(low <= river.w_rec <= high for low, high in result.intervals)


def test_weekly_sales_need_an_offset() -> None:
    series = read("advertising.csv", EXAMPLES["advertising.csv"])
    assert round(fit_example(series).w_rec, 2) == 0.6
    without = fit_example(series, offset=False)
    assert "offset_advised" in without.trust.reasons
    assert not without.trust.interval
