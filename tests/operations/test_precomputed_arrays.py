"""Arrays that are stored with a dataset."""

from dataclasses import astuple

import numpy as np
import pytest

from service.engine.data import Dataset, count_ones
from service.engine.objective import MomentObjective
from service.operations.limits import Limits
from service.operations.precomputed_arrays import (
    EXACT_MOMENTS,
    MOMENTS,
    NAMES,
    OPTIMUM,
    arrays_to_store,
    from_stored_arrays,
)

TUTORIAL = Dataset.from_arrays(*count_ones())


@pytest.mark.parametrize(
    ("inputs", "targets"),
    [
        ([[1, 0, 1], [0, 1, 1], [1, 1, 0]], [1, 1, 2]),
        ([[1, 0, 1], [0, 1, 1], [1, 1, 0]], [1, 0, 1]),  # the first input: not attained
        ([[0, 0], [0, 0]], [1, 3]),  # not unique
        ([[1e90, 1], [1, 1e-90]], [1e-80, 1e80]),
    ],
)
def test_every_kind_of_optimum_survives_storing(
    inputs: list[list[float]], targets: list[float]
) -> None:
    dataset = Dataset.from_arrays(np.array(inputs, float), np.array(targets, float))
    stored = arrays_to_store(dataset, None, Limits())
    assert all(array.dtype == np.float64 for array in stored.values())
    found = from_stored_arrays(stored, len(targets))
    objective = MomentObjective(dataset, 0.0)
    assert found is not None
    assert found.optimum is not None
    assert found.exact_moments is not None
    np.testing.assert_equal(astuple(found.optimum), astuple(objective.optimum))
    assert found.moments.to_array().tobytes() == objective.moments.to_array().tobytes()
    assert found.exact_moments.tobytes() == objective.exact_moments.tobytes()


def test_what_takes_too_long_is_not_stored() -> None:
    assert arrays_to_store(TUTORIAL, None, Limits(max_work_seconds=1e-9)) == {}


def test_arrays_of_other_versions_are_ignored() -> None:
    stored = arrays_to_store(TUTORIAL, None, Limits())
    assert stored.keys() == {*NAMES}
    others = {f"{name}0": array for name, array in stored.items()}
    assert from_stored_arrays(others, 20) is None
    found = from_stored_arrays({MOMENTS: stored[MOMENTS]}, 20)
    assert found is not None
    assert (found.exact_moments, found.optimum) == (None, None)
    for name in (EXACT_MOMENTS, OPTIMUM):
        assert from_stored_arrays({name: stored[name]}, 20) is None
