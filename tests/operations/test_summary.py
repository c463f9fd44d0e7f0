"""Fits in words."""

import re
from collections.abc import Mapping
from math import log
from typing import Any, get_args

import numpy as np
import pytest

from benchmarks.verdict_cases import oscillating
from scripts.example_series import EXAMPLES
from service.api.routes.explorer import FOLDER
from service.engine.fit import Level, count_needed, format_ranges, format_time, format_weight
from service.engine.types import Array
from service.formats.base import SeriesColumns
from service.formats.csv_series import read_series_csv
from service.operations.computations.fits import FIT
from service.operations.computations.submit import compute, name_task
from service.operations.shared.limits import Limits
from service.schemas.fit_results import FitSummary
from service.schemas.fits import FitRequest
from service.schemas.resolved_datasets import ResolvedSeries
from tests.fit_levels import COLUMNS, TABLES

SHOWN = {"trusted", "caution", "rejected"}  # levels with an estimate


def make_fit(
    table: str, columns: Mapping[str, Any] = COLUMNS, **options: Any
) -> tuple[FitSummary, dict[str, Any]]:
    """Return the summary of a fit, and its result."""
    series = read_series_csv(table.encode(), SeriesColumns(**columns), Limits())
    dataset = ResolvedSeries.from_series(series)
    assert FIT.complete is not None
    request = FIT.complete(FitRequest.model_validate(options), dataset)
    row, _ = compute(name_task(FIT, request), dataset)
    result = row.result or {}
    return FitSummary.model_validate(result["summary"]), result


def write(**columns: Array) -> str:
    """Return a table with steps from 0; the last column is the target."""
    rows = zip(*columns.values(), strict=True)
    lines = [",".join([str(k), *(f"{each:.4f}" for each in row)]) for k, row in enumerate(rows)]
    return "\n".join([",".join(["hour", *columns]), *lines, ""])


def respond(w_rec: float, inputs: Array, noise: float = 0.2, offset: float = 3.0) -> Array:
    """Return the response to an input, with independent noise."""
    rng = np.random.default_rng(7)
    state = 0.0
    states = []
    for x in inputs:
        state = w_rec * state + x
        states.append(state)
    return np.array(states) + offset + noise * rng.standard_normal(len(inputs))


def draw(n_steps: int = 80, seed: int = 3) -> Array:
    return np.random.default_rng(seed).gamma(1.0, 2.0, n_steps)


def pick(summary: FitSummary, topic: str) -> list[str]:
    """Return the sentences about a topic."""
    pairs = zip(summary.topics, summary.sentences, strict=True)
    return [sentence for each, sentence in pairs if each == topic]


@pytest.mark.parametrize("level", TABLES)
def test_every_level_has_a_table(level: str) -> None:
    summary, result = make_fit(TABLES[level])
    assert summary.level == level
    assert result["trust"]["interval"] or level not in {"trusted", "caution"}
    assert not (result["trust"]["interval"] and level == "rejected")
    assert summary.topics == sorted(
        summary.topics, key=["estimate", "quality", "verdict", "finding"].index
    )
    assert all(sentence.endswith(".") and "{" not in sentence for sentence in summary.sentences)
    assert (summary.interval.low is not None) == (level in SHOWN)
    assert ("Time constant" in summary.headline) == (level in SHOWN)


def test_too_few_targets_are_counted() -> None:
    summary, _ = make_fit(TABLES["too_few"])
    assert summary.headline == "Only 12 targets; about 50 are needed"


def test_all_levels_are_produced() -> None:
    assert {*TABLES} == {*get_args(Level)}


def test_the_sentences_are_the_numbers_of_the_fit() -> None:
    summary, result = make_fit(TABLES["trusted"])
    (time,) = result["time_constant"]["intervals"]
    value = result["time_constant"]["value"]
    (rain,) = result["inputs"]
    gain = rain["steady_state_gain"]
    assert summary.headline == f"Time constant {value:.3g} hours"
    assert (summary.interval.low, summary.interval.high) == (time["low"], time["high"])
    assert summary.interval.noise == "white"
    assert summary.sentences == [
        f"{time['low']:.3g} to {time['high']:.3g} hours with 95 % confidence.",
        f"Effects halve every {value * log(2):.3g} hours.",
        f"In the long run, 1 mm of rain changes flow by {gain['value']:.3g} "
        f"({gain['low']:.3g} to {gain['high']:.3g}).",
        f"Explains 99.1 % of the variance of flow; typical error {result['rmse']:.3g}; "
        f"w_rec {result['w_rec']['value']:.4g}; 80 targets.",
        f"Without any input, flow settles at {result['offset']['value']:.3g}.",
        "All checks passed.",
    ]


def test_with_few_targets_the_cautious_interval_is_shown() -> None:
    summary, result = make_fit(TABLES["caution"])
    (cautious,) = result["trust"]["cautious"]
    ends = [-1.0 / log(cautious[end]) for end in ("low", "high")]
    assert [summary.interval.low, summary.interval.high] == pytest.approx(ends)
    assert summary.interval.noise == "ar1"
    assert "which fewer than 50 targets cannot rule out" in summary.sentences[1]
    assert pick(summary, "verdict") == [
        "No problems found, but there are too few data for most checks."
    ]


@pytest.mark.parametrize(
    "options", [{}, {"time_constants": "per_input"}, {"w_rec": {"low": 0.7, "high": 0.7}}], ids=str
)
def test_with_few_targets_all_that_is_described_is_the_fit_of_one_noise(
    options: Mapping[str, Any],
) -> None:
    """With a slow drift, the gains and the memory of white noise are others."""
    rain, sun = draw(40), draw(40, seed=4)
    drift = np.sin(np.arange(40) / 6.0)
    table = write(rain=rain, sun=sun, flow=respond(0.7, rain + 0.5 * sun) + drift)
    columns = COLUMNS | {"inputs": ("rain", "sun")}
    summary, white = make_fit(table, columns, **options)
    described, colored = make_fit(table, columns, noise="ar1", **options)
    note = "All estimates allow for autocorrelated noise, which fewer than 50 targets cannot rule"
    assert any(each.startswith(note) for each in summary.sentences)
    shared = [
        each
        for topic in ("estimate", "quality")
        for each in pick(described, topic)
        if not each.startswith("The interval allows")
    ]
    assert {*shared} < {*summary.sentences}
    assert summary.headline == described.headline
    numbers = {"interval", "w_rec", "time_constant", "gains"}
    assert summary.model_dump(include=numbers) == described.model_dump(include=numbers)
    assert [each.value for each in summary.gains or ()] == [
        each["steady_state_gain"]["value"] for each in colored["inputs"]
    ]
    assert white["rho"] is None
    assert white["rmse"] < colored["rmse"]  # least squares, as other tools fit


def test_with_enough_targets_the_fit_itself_is_described() -> None:
    summary, result = make_fit(TABLES["trusted"])
    assert summary.w_rec == result["w_rec"]["value"]
    assert summary.time_constant == result["time_constant"]["value"]
    (rain,) = result["inputs"]
    assert [each.model_dump() for each in summary.gains or ()] == [rain["steady_state_gain"]]


def test_autocorrelated_noise_of_the_fit_is_described() -> None:
    summary, result = make_fit(TABLES["trusted"], noise="ar1")
    assert summary.interval.noise == "ar1"
    correlation = f"a correlation of {result['rho']:.3g} from step to step".replace("-", "−")
    assert correlation in summary.sentences[1]


def test_a_clearly_better_fit_is_the_verdict() -> None:
    summary, result = make_fit(TABLES["rejected"])
    better = result["alternatives"][0]["time_constant"]
    assert summary.headline.endswith(" hours (not reliable)")
    assert pick(summary, "verdict") == [
        "Do not rely on these estimates. The inputs appear to take effect 2 hours later than "
        f"assumed. Fit with a delay of 2 steps. With this, the time constant is {better:.3g} hours."
    ]
    assert pick(summary, "finding") == []  # it is judged on its own
    found, _ = make_fit(TABLES["rejected"], delay=2)
    assert found.headline == f"Time constant {better:.3g} hours"
    assert "Inputs take effect after 2 hours." in found.sentences


def test_more_time_constants_are_named_beside_the_single_one() -> None:
    rng = np.random.default_rng(5)
    rain, sun = rng.standard_normal((2, 150))
    slow, fast = respond(0.95, rain), respond(0.5, sun)
    columns = COLUMNS | {"target": "level"}
    table = write(rain=rain, sun=sun, level=slow + 2.0 * fast)
    _, result = make_fit(table, columns)
    options = result["alternatives"][0]["options"]
    assert options == {"time_constants": "per_input"}
    _, followed = make_fit(table, columns, **options)
    named = [
        f"{format_time(state['time_constant']['value'], 'hour')} for {name}"
        for state, name in zip(followed["states"], ("rain", "sun"), strict=True)
    ]
    single = format_time(result["time_constant"]["value"], "hour")
    assert result["summary"]["sentences"][-1].endswith(
        f"A time constant for each input fits clearly better: {' and '.join(named)} "
        f"instead of {single}. Fit a time constant for each input, unless one only acts later than "
        "the others: then shift its column by its delay."
    )
    table = write(rain=rain, level=slow + respond(0.5, rain))
    _, result = make_fit(table, columns)
    (other,) = result["alternatives"]
    assert other["options"] == {"time_constants": 2}
    assert other["w_rec"] is None
    assert other["time_constant"] is None
    times = " and ".join(format_time(time, "hour") for time in other["time_constants"])
    assert f"Two time constants fit clearly better: {times} instead of" in " ".join(
        result["summary"]["sentences"]
    )


def test_a_change_below_five_percent_is_no_warning() -> None:
    """The disturbances of the room are autocorrelated, which hardly changes the estimate."""
    table = (FOLDER / "fit_examples" / "room.csv").read_text()
    example = EXAMPLES["room.csv"]
    columns = {"target": "indoor", "inputs": ("outdoor", "heating"), "time": "time"}
    summary, result = make_fit(table, columns)
    assert summary.level == "rejected"
    change = result["alternatives"][0]["time_constant"] / result["time_constant"]["value"]
    assert 1.0 < change < 1.05
    assert summary.headline.endswith(" (interval not reliable)")
    assert pick(summary, "verdict") == []
    (finding,) = pick(summary, "finding")
    assert finding.startswith("Successive residuals are correlated (correlation +0.")
    (cautious,) = result["trust"]["cautious"]
    low, high = (-1.0 / log(cautious[end]) for end in ("low", "high"))
    assert finding.endswith(f"({low:.3g} to {high:.3g} hours).")
    assert low < -example.step.length / log(example.w_rec) < high


def test_no_time_constant_while_another_range_is_advised() -> None:
    rain = draw()
    summary, result = make_fit(write(rain=rain, flow=respond(-0.8, rain)))
    assert result["trust"]["reasons"][0] == "range_advised"
    assert summary.level == "rejected"
    assert "w_rec outside the search range" in summary.headline
    assert (summary.interval.low, summary.interval.high) == (None, None)
    assert not any("confidence" in each or "halve" in each for each in summary.sentences)
    (verdict,) = pick(summary, "verdict")
    advised = f"{-result['alternatives'][0]['w_rec']:.4g}"
    assert verdict.endswith(f"With this, w_rec is −{advised}.")
    found, result = make_fit(
        write(rain=rain, flow=respond(-0.8, rain)), w_rec={"low": -1.0, "high": 1.0}
    )
    (piece,) = result["w_rec"]["intervals"]
    assert found.headline == f"Effects alternate: w_rec −{-result['w_rec']['value']:.4g}"
    assert (found.interval.low, found.interval.high) == (piece["low"], piece["high"])


def test_a_limit_of_the_search_is_no_limit_of_the_time_constant() -> None:
    rain = draw()
    slow, _ = make_fit(write(rain=rain, flow=respond(1.0, rain)))
    assert slow.headline == "Effects do not decay: w_rec 1"
    assert slow.sentences[0].startswith("Time constant at least ")
    assert slow.interval.high is None
    assert any(each.startswith("Within a step, one unit of rain") for each in slow.sentences)
    rain = draw(seed=5)
    fast, result = make_fit(write(rain=rain, flow=respond(0.0, rain)))
    assert fast.sentences[0].startswith("At most ")
    assert fast.interval.low is None
    assert fast.interval.high == result["time_constant"]["intervals"][0]["high"]


def test_inputs_without_an_effect_and_inputs_that_cannot_be_separated() -> None:
    rain, sun = draw(120), draw(120, seed=4)
    flow = respond(0.7, rain)
    useless, _ = make_fit(write(rain=rain, sun=sun, flow=flow))
    assert "No effect detected, given the other inputs: sun." in useless.sentences
    twin = rain + 1e-3 * sun
    both, _ = make_fit(write(rain=rain, twin=twin, flow=flow))
    assert any("rain, twin cannot be separated" in each for each in both.sentences)


def test_at_a_w_rec_of_minus_one_there_is_no_gain() -> None:
    rain = draw()
    table = write(rain=rain, flow=respond(-1.001, rain, offset=0.0))
    known: dict[str, Any] = {
        "w_rec": {"low": -1.0, "high": 1.0},
        "offset": False,
        "initial_state": 0.0,
    }
    summary, result = make_fit(table, **known)
    (gain,) = (each["steady_state_gain"] for each in result["inputs"])
    assert result["w_rec"]["value"] == -1.0
    assert gain["value"] is None or np.isnan(gain["value"])
    assert any(each.startswith("Within a step, one unit of rain") for each in summary.sentences)


def test_without_a_known_level_the_target_settles_nowhere() -> None:
    rain = draw(60)
    growing = write(rain=rain, flow=respond(1.05, rain))
    summary, result = make_fit(growing, w_rec={"low": 0.0, "high": 1.3})
    assert summary.headline == "Effects grow: w_rec 1.05"
    assert result["offset"]["low"] is not None
    assert not any("settles" in each for each in summary.sentences)
    rain = draw(104)
    drift = np.cumsum(np.random.default_rng(5).standard_normal(104))
    drifting, result = make_fit(write(rain=rain, flow=respond(0.6, rain) + drift), noise="ar1")
    assert "rho_at_limit" in result["trust"]["cautions"]
    assert not any("settles" in each for each in drifting.sentences)
    found, _ = make_fit(TABLES["trusted"], offset=5.0)
    assert "Without any input, flow settles at 5." in found.sentences


def test_a_w_rec_other_than_1_is_not_rounded_to_1() -> None:
    weights = [1.05, 1.00002, 1.0, 0.99999, -1.00002]
    texts = ["1.05", "1.00002", "1", "0.99999", "−1.00002"]
    assert [*map(format_weight, weights)] == texts


def test_without_inputs_the_estimate_is_the_decay_from_the_start() -> None:
    decay = 5.0 * 0.9 ** np.arange(60.0)
    alone, _ = make_fit(write(level=respond(0.0, decay)), {"target": "level", "time": "hour"})
    assert any("no inputs" in each for each in pick(alone, "estimate"))
    driven, _ = make_fit(TABLES["trusted"])
    assert not any("no inputs" in each for each in pick(driven, "estimate"))


def test_cautions_besides_those_of_few_data_are_announced() -> None:
    heat = np.array([2.5, 0.0, 0.0, 0.0])
    summary, result = make_fit(write(heat=heat, flow=np.array([10.195, 8.222, 7.174, 6.806])))
    assert {"not_tested", "confounded_with_start"} <= {*result["trust"]["cautions"]}
    assert result["offset"]["low"] is None
    assert not any("settles" in each for each in summary.sentences)
    assert pick(summary, "verdict") == ["No check rejected this fit, but note the cautions."]
    assert pick(summary, "finding")[-1] == (
        "There are too few successive targets to test their correlation. "
        "Rely on the interval only if the errors of the targets are independent."
    )


def test_an_interval_with_all_time_constants_is_one_of_w_rec() -> None:
    rain = draw(8, seed=1)
    table = write(rain=rain, flow=respond(0.5, rain, noise=2.0))
    summary, result = make_fit(table, w_rec={"low": -1.0, "high": 1.2})
    (cautious,) = result["trust"]["cautious"]
    assert cautious["low"] < 0.0
    assert cautious["high"] > 1.0
    assert summary.w_rec is not None
    assert summary.headline == f"w_rec {summary.w_rec:.4g}"
    assert summary.sentences[0].endswith(" to 1.2 with 95 % confidence.")
    assert (summary.interval.low, summary.interval.high) == (cautious["low"], cautious["high"])
    assert format_ranges([(None, None)], "hour") == "anything"


def test_only_four_effects_are_described() -> None:
    inputs = {f"x{k}": draw(300, seed=k) for k in range(6)}
    summary, _ = make_fit(write(**inputs, flow=respond(0.7, sum(inputs.values(), np.zeros(300)))))
    (effects,) = (each for each in summary.sentences if each.startswith("In the long run"))
    assert effects.count("one unit of") == 4
    assert effects.endswith("; and 2 more inputs.")


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (60.0, "hour", "2.5 days"),
        (47.0, "hours", "47 hours"),
        (0.4, "h", "24 minutes"),
        (1.0, "week", "1 week"),
        (150.0, "min", "2.5 hours"),
        (90.0, "min", "90 min"),
        (1096.0, "days", "3 years"),
        (12345.0, "Time", "12300 units of time"),
        (30.1, "age", "30.1 units of age"),
        (1, "pressures", "1 unit of pressures"),
        (90, "time (min)", "90 min"),
        (254, "time [min]", "4.23 hours"),
        (0.0005, "second", "0.0005 seconds"),
        (2.5e9, "step", "2.5×10⁹ steps"),
    ],
)
def test_times_are_readable(value: float, unit: str, expected: str) -> None:
    assert format_time(value, unit) == expected


def test_ten_targets_are_needed_per_unknown_and_fifty_at_least() -> None:
    assert [count_needed(n) for n in (1, 5, 6, 12)] == [50, 50, 60, 120]


def test_an_oscillation_is_the_only_finding_that_is_shown() -> None:
    series = oscillating(120, 0.88, 13.0)(np.random.default_rng([1, 0]))
    summary, result = make_fit(write(rain=series.inputs[:, 0], flow=series.targets))
    assert len(result["trust"]["reasons"]) > 1
    assert summary.level == "rejected"
    (verdict,) = pick(summary, "verdict")
    assert "A response that oscillates, with a period of about" in verdict
    assert pick(summary, "finding") == []


def test_means_of_rows_are_said_to_lengthen_time_constants() -> None:
    """They do: 2 steps of means, from a response without noise."""
    x = draw(800)
    table = write(x=x, y=respond(0.5 ** (1 / 4), x, noise=0.0))
    columns = {**COLUMNS, "inputs": ["x"], "target": "y", "time": "hour", "every": 4}
    summary, result = make_fit(table, columns)
    assert result["repairs"] == ["means of 4 rows"]
    true = -1.0 / log(0.5)
    assert 1.2 * true < result["time_constant"]["value"] / 4.0 < true + 1.0
    (sentence,) = (each for each in summary.sentences if each.startswith("Means of rows"))
    assert sentence == "Means of rows make time constants appear longer, by about a step."


def test_a_change_states_both_fits() -> None:
    rain = draw(200)
    gain = np.where(np.arange(200) < 100, 1.0, 3.0)
    flow = respond(0.8, gain * rain) + 0.5 * np.random.default_rng(5).normal(size=200)
    _, result = make_fit(write(rain=rain, flow=flow))
    (change,) = (each for each in result["trust"]["findings"] if each["slug"] == "changes")
    pattern = (
        r"Before it: time constant ([\d.]+) hours, gain of rain ([\d.]+) \(.*\); "
        r"from it on: time constant ([\d.]+) hours, gain of rain ([\d.]+) \(.*\)\. Fit both"
    )
    numbers = re.match(pattern, change["advice"])
    assert numbers is not None
    memory = -1.0 / log(0.8)
    assert [*map(float, numbers.groups())] == pytest.approx([memory, 5.0, memory, 15.0], rel=0.1)


def test_levels_are_offered_without_an_effect() -> None:
    draws = np.random.default_rng(8)
    lines = ["state,year,tax,deaths"]
    for state in range(48):
        level = 5.0 * draws.normal()
        rows = draws.normal(size=(7, 2)) + np.array([0.0, level])
        lines += [f"s{state},{year},{x:.4f},{y:.4f}" for year, (x, y) in enumerate(rows)]
    columns = {"inputs": ("tax",), "target": "deaths", "sequence": "state", "time": "year"}
    summary, result = make_fit("\n".join([*lines, ""]), columns, direct=["tax"])
    (other,) = result["alternatives"]
    assert other["options"] == {"offset": "each"}
    assert summary.headline == "No effect of tax on deaths was detected"
    assert pick(summary, "verdict") == [
        "Do not use these estimates. Try other inputs, or collect more data. "
        "The sequences have different levels. Fit an offset for each sequence."
    ]
