"""The arrays of a dataset are read when needed, and at most once."""

import pickle
from typing import Any

import numpy as np
import pytest

from service.engine.data import Dataset, Moments, Precomputed, count_ones
from service.engine.network import Network
from service.engine.objective import make_objective
from service.engine.training import OPTIMIZERS, TrainingSetup, train
from service.engine.types import Weights

NOISY = count_ones(200, 12, noise=0.5)


class StoredDataset:
    """A dataset that counts how often its arrays are read."""

    def __init__(self, arrays: Any, *, precomputed: bool) -> None:
        self.n_reads = 0
        self.arrays = arrays
        inputs, targets = arrays
        self.dataset = Dataset(len(inputs), inputs.shape[1], self.read)
        self.precomputed = (
            Precomputed(Moments.from_arrays(inputs, targets)) if precomputed else None
        )

    def read(self) -> Any:
        self.n_reads += 1
        return self.arrays


def train_on(
    dataset: Dataset, initial_state: float = 0.0, precomputed: Precomputed | None = None
) -> Any:
    objective = make_objective(dataset, Network(initial_state=initial_state), precomputed)
    run = train(TrainingSetup(objective, OPTIMIZERS["rprop"]()), Weights(-1.5, 2.0))
    w_in, w_rec = run.weights[-1].tolist()
    gap = objective.gap_to_optimum(w_in, w_rec, float(run.cost[-1]))
    return run, objective.optimum, gap


@pytest.mark.parametrize("precomputed", [True, False])
@pytest.mark.parametrize("initial_state", [0.0, 0.5])
def test_arrays_are_read_once(precomputed: bool, initial_state: float) -> None:
    exact = count_ones()  # near the perfect fit, the terms of a cost cancel
    stored = StoredDataset(exact, precomputed=precomputed)
    run, best, gap = train_on(stored.dataset, initial_state, stored.precomputed)
    assert stored.n_reads == 1
    expected, expected_best, expected_gap = train_on(Dataset.from_arrays(*exact), initial_state)
    np.testing.assert_array_equal(run.weights, expected.weights)
    np.testing.assert_array_equal(run.cost, expected.cost)
    assert (best, gap) == (expected_best, expected_gap)


def test_an_activation_needs_the_arrays() -> None:
    stored = StoredDataset(NOISY, precomputed=True)
    make_objective(stored.dataset, Network("tanh"), stored.precomputed).gradient(1.0, 0.5)
    assert stored.n_reads == 1


def test_the_size_is_known_without_reading() -> None:
    stored = StoredDataset(NOISY, precomputed=False)
    assert (stored.dataset.n_samples, stored.dataset.n_steps) == (200, 12)
    assert stored.n_reads == 0


def test_a_pickled_dataset_contains_its_arrays() -> None:
    stored = StoredDataset(NOISY, precomputed=True)
    unpickled: Dataset = pickle.loads(pickle.dumps(stored.dataset))  # noqa: S301 - our own
    assert stored.n_reads == 1
    assert (unpickled.n_samples, unpickled.n_steps) == (200, 12)
    np.testing.assert_array_equal(unpickled.inputs, NOISY[0])
    np.testing.assert_array_equal(unpickled.targets, NOISY[1])
