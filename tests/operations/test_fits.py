"""Findings of fits, and their estimates."""

from typing import Any

import numpy as np
import pytest

from benchmarks.verdict_cases import respond
from service.engine.data import Series, Step
from service.engine.fit import RULES, TEXTS, Finding, FitOptions, describe_finding, fit
from service.operations.computations.fits import FIT
from service.operations.computations.submit import compute, name_task
from service.operations.shared.limits import Limits
from service.schemas.datasets import DatasetRequest
from service.schemas.fits import FitRequest
from service.schemas.resolved_datasets import AnyDataset, ResolvedSeries
from tests.engine.fit.test_verdict import draw


def test_every_finding_has_words() -> None:
    rng = np.random.default_rng(1)
    inputs, targets = rng.standard_normal((9, 2)), rng.standard_normal(9)
    result = fit(Series(inputs, targets, np.array([9]), ("rain", "sun"), "flow"), FitOptions())
    for rule in RULES.values():
        for kind in rule.kinds:
            assert {"sentence", "advice", "meaning"} <= TEXTS[f"{kind}s"][rule.slug].keys()
    assert {*TEXTS["reasons"], *TEXTS["cautions"]} == RULES.keys()
    for slug in RULES:
        finding = describe_finding(Finding(slug, "rain", 3, 0.5, 0.01), result, Step())
        for text in (finding.sentence, finding.advice):
            assert text.endswith(".")
            assert not {"{", "}"} & {*text}
    finding = describe_finding(Finding("no_visible_effect"), result, Step())
    assert finding.sentence == "No effect of rain or sun on flow was detected."
    finding = describe_finding(Finding("follow_inputs", "rain", 0, 0.5, 0.01), result, Step())
    assert finding.sentence == "The residuals correlate with rain in the same step."
    assert finding.advice == "There is probably more than one time constant."
    finding = describe_finding(Finding("delay_advised", lag=2), result, Step(0.5, "hour"))
    assert finding.sentence == "The inputs appear to take effect 1 hour later than assumed."
    assert finding.advice.endswith("the fit with this change is not recommended.")


def test_no_fit_is_advised_to_do_what_it_does() -> None:
    rng = np.random.default_rng(1)
    inputs, targets = rng.standard_normal((60, 1)), rng.standard_normal(60)
    series = Series(inputs, targets, np.array([60]), ("rain",))
    white, colored = (
        describe_finding(Finding("neighbors", value=0.5), fit(series, options), Step())
        for options in (FitOptions(), FitOptions(noise="ar1"))
    )
    assert white.advice == "Allow for autocorrelated noise."
    assert "Allow for" not in colored.advice


def make_dataset(n_sequences: int = 2, n_steps: int = 30) -> AnyDataset:
    rng = np.random.default_rng(3)
    sequences = []
    for _ in range(n_sequences):
        x = rng.standard_normal((n_steps, 1))
        targets = np.cumsum(x[:, 0]) + rng.standard_normal(n_steps)
        sequences.append({"inputs": x.tolist(), "targets": targets.tolist()})
    source = {"kind": "series", "inputs": ["x"], "sequences": sequences}
    return DatasetRequest.model_validate(source).root.resolve()


def make_request(dataset: AnyDataset, **body: Any) -> FitRequest:
    assert FIT.complete is not None
    return FIT.complete(FitRequest.model_validate(body), dataset)


def test_the_arrays_are_no_larger_than_announced() -> None:
    dataset = make_dataset()
    request = make_request(dataset)
    _, arrays = compute(name_task(FIT, request), dataset)
    bounded = ("profile", "response")  # whatever the number of steps
    per_step = [array for name, array in arrays.items() if not name.startswith(bounded)]
    n_bytes = sum(array.nbytes for array in per_step)
    assert n_bytes <= FIT.result_bytes(request, dataset.size)


def test_estimates_grow_with_the_data_and_the_question() -> None:
    small, large = make_dataset(1, 30), make_dataset(4, 300)
    limits = Limits()

    def seconds(dataset: AnyDataset, **body: Any) -> float:
        return FIT.estimate(make_request(dataset, **body), dataset.size, limits)

    assert seconds(small) < limits.max_sync_seconds
    assert seconds(small) < seconds(large)
    assert seconds(small) < seconds(small, delay={"low": 0, "high": 3})
    assert seconds(small) < seconds(small, noise="ar1")


def test_alternatives_are_fields_of_a_request() -> None:
    for series, expected in (
        (draw(1, dead=2), {"delay": 2}),
        (draw(2, w_rec=-0.8), {"w_rec": {"low": -1.0, "high": 1.0}}),
    ):
        sequence = {"inputs": series.inputs.tolist(), "targets": series.targets.tolist()}
        source = {"kind": "series", "inputs": ["x"], "sequences": [sequence]}
        step = {"step": {"length": 0.5, "unit": "hour"}}
        dataset = DatasetRequest.model_validate(source | step).root.resolve()
        results = []
        for changes in ({}, expected):
            task = name_task(FIT, make_request(dataset, **changes))
            results.append(compute(task, dataset)[0].result or {})
        (alternative, *_), other = results[0]["alternatives"], results[1]
        assert alternative["options"] == expected
        assert alternative["w_rec"] == pytest.approx(other["w_rec"]["value"], rel=1e-9)
        assert alternative["r_squared"] == pytest.approx(other["r_squared"], rel=1e-9)
        assert alternative["time_constant"] == pytest.approx(other["time_constant"]["value"])


def test_a_recommended_season_keeps_its_harmonics() -> None:
    draws = np.random.default_rng(12)
    hours = np.arange(840)
    x = draws.normal(size=840)
    pattern = (hours // 24 % 7 >= 5) + np.sin(2.0 * np.pi * hours / 24.0)
    y = respond(0.8, x) + pattern + 0.3 * draws.normal(size=840)
    series = Series.from_sequences([x[:, None]], [y], ("x",), "y", Step(1.0, "hour"))
    answer = compute_fit(series, noise="independent")
    (alternative,) = answer["alternatives"]
    assert alternative["options"] == {"season": {"period": 168, "harmonics": 21}}


def compute_fit(series: Series, **body: Any) -> dict[str, Any]:
    dataset = ResolvedSeries.from_series(series)
    return compute(name_task(FIT, make_request(dataset, **body)), dataset)[0].result or {}


def test_what_the_service_refuses_is_not_advised() -> None:
    draws = np.random.default_rng(11)
    x = draws.exponential(size=100)
    y = respond(0.8, x**2) + draws.normal(size=100)
    advice = []
    for name in ("x²", "z"):
        inputs = np.column_stack([x, draws.normal(size=100)])
        series = Series.from_sequences([inputs], [y], ("x", name))
        result = compute_fit(series)
        assert "curved" in result["trust"]["reasons"]
        (finding,) = (each for each in result["trust"]["findings"] if each["slug"] == "curved")
        advice.append(([each["options"] for each in result["alternatives"]], finding["advice"]))
    (refused, instead), (accepted, first) = advice
    assert (refused, accepted) == ([], [{"curves": ["x"]}])
    assert first == "Let the square of x act as well."
    assert instead.startswith("Transform x")


def test_no_search_of_a_delay_is_advised_that_the_service_refuses() -> None:
    result = fit(draw(1), FitOptions())
    accepting = (lambda _: True, lambda options: options != {"delay": (2, 2)})
    finding = Finding("follow_inputs", "rain", 2, 0.5, 0.01)
    advice = [describe_finding(finding, result, Step(), accepts).advice for accepts in accepting]
    assert ["Search a delay" in each for each in advice] == [True, False]
