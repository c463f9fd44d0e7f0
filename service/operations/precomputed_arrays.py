"""Values computed once per stored dataset, as arrays that are stored with it.

They are valid for every initial state. The names contain the version of the results: arrays of
another version are ignored.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from service.engine.data import Dataset, Factor, Moments, Precomputed
from service.engine.types import Array
from service.operations.ids import RESULT_VERSION
from service.operations.limits import Limits
from service.operations.work_estimates import data_pass_seconds
from service.schemas.resolved_datasets import DatasetSize

MOMENTS: Final = f"moments_{RESULT_VERSION}"
FACTOR: Final = f"factor_{RESULT_VERSION}"
NAMES: Final = (MOMENTS, FACTOR)


def arrays_to_store(
    dataset: Dataset, precomputed: Precomputed | None, limits: Limits
) -> dict[str, Array]:
    """Return the arrays to store with a dataset, so that training does not read its sequences.

    The factor is left out where it is not small beside the data, and both where computing them
    takes longer than one request may.
    """
    size = DatasetSize(dataset.n_samples, dataset.n_steps, precomputed is not None)
    if data_pass_seconds(size) > limits.max_work_seconds:
        return {}
    inputs, targets = dataset.inputs, dataset.targets
    moments = precomputed.moments if precomputed else Moments.from_arrays(inputs, targets)
    arrays = {MOMENTS: np.concatenate(moments)}
    if Factor.is_small(*inputs.shape):
        arrays[FACTOR] = Factor.from_arrays(inputs, targets).rows
    return arrays


def from_stored_arrays(arrays: Mapping[str, Array], n_samples: int) -> Precomputed | None:
    """Return the precomputed values from stored arrays; None if the moments are missing."""
    moments, rows = map(arrays.get, NAMES)
    if moments is None:
        return None
    factor = None if rows is None else Factor(rows, n_samples)
    return Precomputed(Moments.from_array(moments), factor)
