"""Estimates of work."""

from collections.abc import Callable

import pytest

from service.engine.network import ACTIVATIONS
from service.operations import work_estimates
from service.schemas.datasets import DatasetSize

TUTORIAL = DatasetSize(20, 10)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_estimates_are_monotonic(activation: str) -> None:
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
            activation, DatasetSize(10, 10), n, is_damped_least_squares=True
        ),
        lambda n: work_estimates.training_seconds(
            activation, DatasetSize(10, n), 100, n_starts=4, is_damped_least_squares=True
        ),
        lambda n: work_estimates.trace_seconds(DatasetSize(n, 10), 6),
        lambda n: work_estimates.trace_seconds(DatasetSize(10, 10), n),
        lambda n: work_estimates.prediction_seconds(activation, 10 * n, 10),
        lambda n: work_estimates.prediction_seconds(activation, n * (n - 1) // 2, n),
    ]
    for work in works:
        assert 0 < work(10) < work(1000) < work(100_000)


def test_sequences_of_one_length_are_cheaper_together() -> None:
    together = work_estimates.prediction_seconds("identity", 100_000, 1000)
    apart = work_estimates.prediction_seconds("identity", 100_000, 100_000)
    assert together < apart / 10


def test_known_moments_save_the_data_pass_only() -> None:
    large, known = DatasetSize(200_000, 100), DatasetSize(200_000, 100, has_moments=True)
    assert (
        work_estimates.training_seconds("identity", known, 500)
        < work_estimates.training_seconds("identity", large, 500) / 4
    )
    assert work_estimates.training_seconds("tanh", known, 500) == work_estimates.training_seconds(
        "tanh", large, 500
    )
    assert work_estimates.trace_seconds(known, 6) == work_estimates.trace_seconds(large, 6)


def test_an_iteration_has_a_constant_overhead() -> None:
    """A target, or a few runs trained together, add a constant time per iteration."""
    assert work_estimates.training_seconds("identity", TUTORIAL, 100_000) < 1.0
    assert work_estimates.training_seconds("identity", TUTORIAL, 100_000, has_target=True) > 2.0
    assert work_estimates.training_seconds("identity", TUTORIAL, 100_000, n_starts=4) > 5.0


def test_the_requests_of_the_tutorial_are_small_work() -> None:
    assert work_estimates.training_seconds("identity", TUTORIAL, 500) < 0.05
    assert work_estimates.evaluation_seconds("identity", TUTORIAL, 20_000) < 0.05
    assert work_estimates.trace_seconds(TUTORIAL, 6) < 0.05
