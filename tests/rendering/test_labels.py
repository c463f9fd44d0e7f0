"""Labels distinguish the runs of one picture."""

from typing import Any

import pytest

from service.operations.ids import canonical_request
from service.rendering.labels import run_labels
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
            {"optimizer": {"name": "momentum", "nesterov": True}},
            {"optimizer": {"name": "momentum"}},
            ["Momentum, nesterov true", "Momentum, nesterov false"],
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
        (
            {"dataset": {"kind": "stored", "id": "ds_" + "1" * 32}},
            {"dataset": {"kind": "stored", "id": "ds_" + "2" * 32}},
            ["Rprop, ds_111111…", "Rprop, ds_222222…"],
        ),
        ({"n_iterations": 9}, {}, ["Rprop, 9 iterations", "Rprop, 500 iterations"]),
        ({"target_cost": 0.1}, {}, ["Rprop, target 0.1", "Rprop, no target"]),
        ({"record_every": 5}, {}, ["Rprop, every 5", "Rprop, every 1"]),
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
