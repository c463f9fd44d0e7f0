"""Arrays that are stored with a dataset."""

import numpy as np
import pytest

from service.engine.data import Dataset, count_ones
from service.engine.network import Network
from service.engine.objective import make_objective
from service.operations.datasets import FACTOR, MOMENTS, arrays_to_store, from_stored_arrays
from service.operations.shared.limits import Limits

MANY = Dataset.from_arrays(*count_ones(5000, 10, noise=0.5))


@pytest.mark.parametrize("initial_state", [0.0, 0.5])
def test_stored_arrays_stand_for_the_data(initial_state: float) -> None:
    def unreadable() -> tuple[np.ndarray, np.ndarray]:
        raise AssertionError

    stored = arrays_to_store(MANY, None, Limits())
    assert stored[FACTOR].shape == (12, 12)
    precomputed = from_stored_arrays(stored, 5000)
    network = Network(initial_state=initial_state)
    read = make_objective(MANY, network)
    unread = make_objective(Dataset(5000, 10, unreadable), network, precomputed)
    weights = np.array([0.7, 1.0]), np.array([0.9, 1.0])
    assert unread.optimum == read.optimum
    np.testing.assert_array_equal(unread.costs(*weights), read.costs(*weights))
    np.testing.assert_array_equal(unread.gradients(*weights), read.gradients(*weights))


def test_a_factor_as_large_as_the_data_is_not_stored() -> None:
    few = Dataset.from_arrays(*count_ones(20, 10))
    assert arrays_to_store(few, None, Limits()).keys() == {MOMENTS}


def test_what_takes_too_long_is_not_stored() -> None:
    assert arrays_to_store(MANY, None, Limits(max_work_seconds=1e-9)) == {}


def test_arrays_of_other_versions_are_ignored() -> None:
    stored = arrays_to_store(MANY, None, Limits())
    others = {f"{name}0": array for name, array in stored.items()}
    assert from_stored_arrays(others, 5000) is None
    assert from_stored_arrays({FACTOR: stored[FACTOR]}, 5000) is None
