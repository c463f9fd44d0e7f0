"""The limits of one request, and what work is estimated to take."""

from collections.abc import Callable
from typing import Any

import pytest

from service.engine.data.dataset import DatasetSize
from service.errors import LimitExceeded
from service.operations import work_estimates
from service.operations.limits import Limits

NOTE = DatasetSize(20, 10)
TIGHT = Limits(
    max_cells=100,
    max_steps=20,
    max_json_numbers=50,
    max_work_seconds=0.5,
    max_iterations=10,
    max_grid=4,
)


@pytest.mark.parametrize(
    ("check", "within", "beyond", "pointer"),
    [
        (TIGHT.check_cells, (10, 10), (101, 1), "/dataset"),
        (TIGHT.check_cells, (5, 20), (1, 21), "/dataset"),
        (TIGHT.check_inputs, (100,), (101,), "/inputs"),
        (TIGHT.check_json, (50, "/a", "less"), (51, "/a", "less"), "/a"),
        (TIGHT.check_iterations, (10,), (11,), "/n_iterations"),
        (TIGHT.check_grid, (4, "/b"), (5, "/b"), "/b"),
        (TIGHT.check_work, (0.5, "/c"), (0.51, "/c"), "/c"),
    ],
)
def test_a_limit_is_allowed_and_one_more_is_not(
    check: Callable[..., None], within: Any, beyond: Any, pointer: str
) -> None:
    check(*within)
    with pytest.raises(LimitExceeded) as caught:
        check(*beyond)
    (field,) = caught.value.errors
    assert field.pointer == pointer
    assert "limit" in field.detail


@pytest.mark.parametrize("activation", ["identity", "tanh", "relu", "sigmoid"])
def test_more_is_more_work(activation: str) -> None:
    works: list[Callable[[int], float]] = [
        lambda n: work_estimates.evaluation_seconds(activation, DatasetSize(n, 10), 100),
        lambda n: work_estimates.evaluation_seconds(activation, DatasetSize(10, n), 100),
        lambda n: work_estimates.evaluation_seconds(activation, DatasetSize(10, 10), n),
        lambda n: work_estimates.backpropagation_seconds(activation, DatasetSize(n, 10)),
        lambda n: work_estimates.training_seconds(activation, DatasetSize(n, 10), 100),
        lambda n: work_estimates.training_seconds(activation, DatasetSize(10, n), 100),
        lambda n: work_estimates.training_seconds(activation, DatasetSize(10, 10), n),
        lambda n: work_estimates.training_seconds(
            activation, DatasetSize(10, 10), n, has_target=True
        ),
        lambda n: work_estimates.training_seconds(activation, DatasetSize(10, 10), 100, n_starts=n),
        lambda n: work_estimates.training_seconds(
            activation, DatasetSize(10, 10), n, tries_steps=True
        ),
        lambda n: work_estimates.training_seconds(
            activation, DatasetSize(10, n), 100, n_starts=4, tries_steps=True
        ),
        lambda n: work_estimates.trace_seconds(DatasetSize(n, 10), 6),
        lambda n: work_estimates.trace_seconds(DatasetSize(10, 10), n),
        lambda n: work_estimates.prediction_seconds(activation, [10] * n),
        lambda n: work_estimates.prediction_seconds(activation, range(1, n)),
    ]
    for work in works:
        assert 0 < work(10) < work(1000) < work(100_000)


def test_sequences_of_one_length_are_cheaper_together() -> None:
    together = work_estimates.prediction_seconds("identity", [1000] * 100)
    apart = work_estimates.prediction_seconds("identity", range(950, 1050))
    assert together < apart / 10


def test_known_moments_save_the_pass_but_not_the_activations_work() -> None:
    large, known = DatasetSize(200_000, 100), DatasetSize(200_000, 100, has_moments=True)
    assert (
        work_estimates.training_seconds("identity", known, 500)
        < work_estimates.training_seconds("identity", large, 500) / 4
    )
    assert work_estimates.training_seconds("tanh", known, 500) == work_estimates.training_seconds(
        "tanh", large, 500
    )
    assert work_estimates.trace_seconds(known, 6) == work_estimates.trace_seconds(large, 6)


def test_an_iteration_has_a_price_of_its_own() -> None:
    """To compare each cost with a target, or to train few runs together, takes its time."""
    assert work_estimates.training_seconds("identity", NOTE, 100_000) < 1.0
    assert work_estimates.training_seconds("identity", NOTE, 100_000, has_target=True) > 2.0
    assert work_estimates.training_seconds("identity", NOTE, 100_000, n_starts=4) > 5.0


def test_the_notes_questions_are_small_work() -> None:
    assert work_estimates.training_seconds("identity", NOTE, 500) < 0.05
    assert work_estimates.evaluation_seconds("identity", NOTE, 20_000) < 0.05
    assert work_estimates.trace_seconds(NOTE, 6) < 0.05
