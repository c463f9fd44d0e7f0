"""Values computed once per stored dataset, as arrays that are stored with it.

The moments serve every initial state. The optimum is that of the initial state 0. The names carry
the version of the results: arrays of another version are ignored.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from service.engine.data import Dataset, Moments
from service.engine.objective import MomentObjective, Precomputed
from service.engine.optimum import Optimum
from service.engine.types import Array, Weights
from service.operations.ids import RESULT_VERSION
from service.operations.limits import Limits
from service.operations.work_estimates import data_pass_seconds
from service.schemas.datasets import DatasetSize

MOMENTS: Final = f"moments_{RESULT_VERSION}"
EXACT_MOMENTS: Final = f"exact_moments_{RESULT_VERSION}"
OPTIMUM: Final = f"optimum_{RESULT_VERSION}"
NAMES: Final = (MOMENTS, EXACT_MOMENTS, OPTIMUM)


def arrays_to_store(
    dataset: Dataset, precomputed: Precomputed | None, limits: Limits
) -> dict[str, Array]:
    """Return the arrays to store with a dataset, so that training does not read its sequences.

    Returns
    -------
    arrays
        By name; empty if computing them takes longer than one request may.
    """
    size = DatasetSize(dataset.n_samples, dataset.n_steps, precomputed is not None)
    if data_pass_seconds(size) > limits.max_work_seconds:
        return {}
    objective = MomentObjective(dataset, 0.0, precomputed)
    return {
        MOMENTS: objective.moments.to_array(),
        EXACT_MOMENTS: objective.exact_moments,
        OPTIMUM: _pack_optimum(objective.optimum),
    }


def from_stored_arrays(arrays: Mapping[str, Array], n_samples: int) -> Precomputed | None:
    """Return the precomputed values from stored arrays; None if the moments are missing."""
    moments, exact_moments, optimum = map(arrays.get, NAMES)
    if moments is None:
        return None
    return Precomputed(
        Moments.from_array(moments, n_samples),
        exact_moments,
        None if optimum is None else _unpack_optimum(optimum),
    )


def _pack_optimum(best: Optimum) -> Array:
    sizes = best.cost, best.log10_cost, best.log10_abs_w_in
    return np.array([*best.weights, *sizes, best.attained, best.unique, best.w_in_sign], np.float64)


def _unpack_optimum(array: Array) -> Optimum:
    w_in, w_rec, cost, log10_cost, log10_abs_w_in, attained, unique, sign = array.tolist()
    return Optimum(
        Weights(w_in, w_rec),
        cost,
        log10_cost,
        bool(attained),
        bool(unique),
        int(sign),
        log10_abs_w_in,
    )
