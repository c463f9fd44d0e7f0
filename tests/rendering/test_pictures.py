"""Drawing: labels of runs, fits with their headlines, and approximations."""

import io
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy.stats import t

from service.engine.data import Dataset, Series, Step, name_unit
from service.engine.network import Network
from service.figures.style import Style
from service.operations.computations.fits import FIT
from service.operations.computations.submit import compute, name_task
from service.operations.shared.approximations import FEWER, MAX_STRIDE, SHARE, choose_approximations
from service.operations.shared.ids import canonical_request
from service.operations.shared.work_estimates import surface_seconds
from service.rendering.approximation import objective_of_part
from service.rendering.draw import count_contrasts, draw
from service.rendering.labels import run_labels
from service.rendering.requests import FitPictureRequest, PictureData, ProfilePictureRequest
from service.schemas.fits import FitRequest
from service.schemas.resolved_datasets import DatasetSize, ResolvedSeries
from service.schemas.training_runs import TrainingRunRequest

ADAM = {"name": "adam"}


def labels(*requests: dict[str, Any]) -> list[str]:
    return run_labels(
        [canonical_request(TrainingRunRequest.model_validate(each)) for each in requests]
    )


def test_runs_with_different_optimizers_are_labeled_by_optimizer() -> None:
    assert labels() == []
    assert labels({}) == ["Rprop"]
    assert labels({}, {"optimizer": ADAM, "n_iterations": 7}) == ["Rprop", "Adam"]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (
            {"optimizer": {**ADAM, "learning_rate": 1e-4}},
            {"optimizer": ADAM},
            ["Adam, learning rate 0.0001", "Adam, learning rate 0.01"],
        ),
        (
            {"initial_weights": {"w_in": -0.5, "w_rec": 1e9}},
            {},
            ["Rprop, from (−0.5, 10⁹)", "Rprop, from (−1.5, 2)"],
        ),
        (
            {"optimizer": ADAM, "clip": {"by": "value", "threshold": 2}},
            {"optimizer": ADAM},
            ["Adam, clip value 2", "Adam, no clip"],
        ),
        (
            {"network": {"activation": "tanh", "initial_state": 0.5}},
            {},
            ["Rprop, tanh, initial state 0.5", "Rprop, identity, initial state 0"],
        ),
        ({"dataset": {"seed": 2}}, {}, ["Rprop, seed 2", "Rprop, seed 1"]),
        (
            {"dataset": {"kind": "remember", "n_steps": 10}},
            {"dataset": {"noise": 0.0}},
            ["Rprop, remember", "Rprop, count ones, noise 0.0"],
        ),
        ({"n_iterations": 9}, {}, ["Rprop, 9 iterations", "Rprop, 500 iterations"]),
        ({"target_cost": 0.1}, {}, ["Rprop, target 0.1", "Rprop, no target"]),
        ({}, {}, ["Rprop", "Rprop"]),
    ],
)
def test_runs_with_the_same_optimizer_are_labeled_by_their_difference(
    first: dict[str, Any], second: dict[str, Any], expected: list[str]
) -> None:
    assert labels(first, second) == expected
    assert labels(second, {"optimizer": {"name": "rmsprop"}}, first) == [
        expected[1],
        "RMSprop",
        expected[0],
    ]


def test_a_label_has_at_most_three_differences() -> None:
    rates = ({"learning_rate": 0.1 * k, "beta_1": 0.1 * k, "beta_2": 0.1 * k} for k in (1, 2))
    requests = [{"optimizer": {**ADAM, **rate}, "n_iterations": 5 + len(rate)} for rate in rates]
    assert labels(*requests)[0].count(",") == 3


WEEK = Step(1.0, "week")


def make_series(n_samples: int = 1, n_steps: int = 80, noise: float = 1.0) -> Series:
    """Return sequences with w_rec 0.7, w_in 2 and an offset of 20."""
    draws = np.random.default_rng(7)
    inputs, targets = [], []
    for _ in range(n_samples):
        x = draws.random((n_steps, 1)) * 3
        state, outputs = 5.0, []
        for (value,) in x:
            state = 0.7 * state + 2 * value
            outputs.append(state + 20)
        inputs.append(x)
        targets.append(np.array(outputs) + noise * draws.normal(size=n_steps))
    return Series.from_sequences(tuple(inputs), tuple(targets), ("spend",), "sales", WEEK)


def make_fields(series: Series, suffix: str = "svg", **options: Any) -> dict[str, Any]:
    """Return the common part of both requests, from a fit."""
    assert FIT.complete is not None
    dataset = ResolvedSeries.from_series(series)
    request = FIT.complete(FitRequest.model_validate(options), dataset)
    row, arrays = compute(name_task(FIT, request), dataset)
    return {
        "result": row.result,
        "columns": arrays,
        "step": series.step,
        "confidence": 0.95,
        "style": Style(500, 400),
        "suffix": suffix,
        "http_request": '{"a":1}',
    }


def test_a_fit_is_drawn() -> None:
    picture = draw(FitPictureRequest(n_sequences=1, **make_fields(make_series()))).contents
    legend = ("target", "fit", "95 % band of the mean")
    for text in ("Fit of sales", "time (weeks)", "residual", *legend):
        assert f"<!-- {text} -->".encode() in picture
    fields = make_fields(make_series(3, 20))
    many = draw(FitPictureRequest(n_sequences=5, **fields)).contents
    assert b"<!-- sequence 2 -->" in many
    assert b"<!-- 2 more not drawn -->" in many
    fields["result"]["sequence_names"] = ["north", "south", "a region with a name that is long" * 3]
    named = draw(FitPictureRequest(n_sequences=3, **fields)).contents
    assert b"<!-- south -->" in named
    assert b"<!-- sequence" not in named
    assert b"<!-- a region with" in named
    assert b"long" not in named
    png = draw(FitPictureRequest(n_sequences=1, **make_fields(make_series(), "png")))
    assert Image.open(io.BytesIO(png.contents)).info == {"Request": '{"a":1}'}


def test_a_profile_is_drawn() -> None:
    fields = make_fields(make_series())
    picture = draw(ProfilePictureRequest(**fields)).contents
    legend = ("lowest minimum", "95 % level", "95 % interval", "the same with ar1 noise")
    for text in ("lowest cost", r"$\mathrm{w_{rec}}$", *legend):
        assert f"<!-- {text} -->".encode() in picture
    w_rec = fields["result"]["w_rec"]["value"]
    assert f"<!-- {w_rec:.3g} -->".encode() in picture


@pytest.mark.parametrize(
    "options", [{}, {"time_constants": 2}, {"w_rec": {"low": 0.7, "high": 0.7}}], ids=str
)
def test_the_level_of_a_relative_cost_is_that_of_student(options: dict[str, Any]) -> None:
    result = make_fields(make_series(), noise="ar1", **options)["result"]
    nu = result["degrees_of_freedom"]
    expected = 1.0 + t.ppf(0.975, nu) ** 2 / nu
    assert np.exp(result["level"] / count_contrasts(result)) == pytest.approx(expected)


def test_pictures_of_a_fit_have_its_headline_and_interval() -> None:
    fields = make_fields(make_series())
    summary = fields["result"]["summary"]

    def write() -> list[str]:
        requests = FitPictureRequest(n_sequences=1, **fields), ProfilePictureRequest(**fields)
        pictures = [draw(request).contents.decode() for request in requests]
        return [" ".join(re.findall("<!-- (.*?) -->", picture)) for picture in pictures]

    text = f"{summary['headline']}. {summary['sentences'][0]}"
    assert all(text in words for words in write())
    del fields["result"]["summary"]  # as in a fit that an older version stored
    assert not any(summary["headline"] in words for words in write())


@pytest.mark.parametrize(
    ("unit", "one", "many"),
    [
        ("week", "week", "weeks"),
        ("days", "days", "days"),
        ("h", "h", "h"),
        ("min", "min", "min"),
        ("Time", "unit of time", "units of time"),
        ("age", "unit of age", "units of age"),
        ("pressure", "unit of pressure", "units of pressure"),
        ("time (min)", "min", "min"),
    ],
)
def test_units_have_a_plural(unit: str, one: str, many: str) -> None:
    assert name_unit(unit, plural=False) == one
    assert name_unit(unit) == many


@given(
    st.sampled_from(["identity", "tanh"]),
    st.integers(1, 10**6),
    st.integers(1, 10**4),
    st.floats(1e-3, 100),
)
def test_an_approximation_is_the_finest_of_its_estimated_seconds(
    activation: str, n_samples: int, n_steps: int, limit: float
) -> None:
    size = DatasetSize(n_samples, n_steps)
    common = {"style": Style(1000, 400), "seconds": limit}

    def seconds(stride: int, n_used: int) -> float:
        return surface_seconds(activation, size._replace(n_samples=n_used), 400_000 / stride**2)

    allowed = min(SHARE * limit, seconds(1, n_samples))
    for stride, n_used in choose_approximations(activation, size, common):
        assert n_used is not None
        assert seconds(stride, n_used) <= allowed or (n_used == 1 and stride**2 >= 400_000)
        assert stride == 1 or seconds(stride - 1, n_used) > allowed
        assert n_used == n_samples or seconds(MAX_STRIDE, 2 * n_used + 1) > allowed
        allowed /= FEWER


@pytest.mark.parametrize(("n_samples", "rows"), [(1, [0]), (2, [0, 9]), (4, [0, 3, 6, 9])])
def test_a_part_is_spread_over_the_dataset(n_samples: int, rows: list[int]) -> None:
    inputs, targets = np.arange(20.0).reshape(10, 2), np.arange(10.0) ** 2
    data = PictureData(Dataset.from_arrays(inputs, targets))
    objective = objective_of_part(data, Network(), n_samples)
    outputs = 0.5 * (0.3 * inputs[rows, 0] + inputs[rows, 1])
    cost = np.mean((outputs - targets[rows]) ** 2)
    found = objective.log10_costs(np.array([[0.5]]), np.array([[0.3]]))
    assert found[0, 0] == pytest.approx(np.log10(cost))
