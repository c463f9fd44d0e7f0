"""Values computed once per stored dataset, as arrays that are stored with it.

The moments serve every initial state. The optimum is that of the initial state 0. The names carry
the version of the results: arrays of another version are ignored.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from service.engine.data import Dataset, DatasetSize, ExactMoments, Moments
from service.engine.objective import MomentObjective, Precomputed
from service.engine.optimum import Optimum
from service.engine.types import Array, Weights
from service.operations.ids import RESULT_VERSION
from service.operations.limits import Limits
from service.operations.work_estimates import data_pass_seconds

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
        MOMENTS: pack_moments(objective.moments),
        EXACT_MOMENTS: objective.exact_moments.to_array(),
        OPTIMUM: _pack_optimum(objective.optimum),
    }


def from_stored_arrays(
    arrays: Mapping[str, Array], n_samples: int, n_steps: int
) -> Precomputed | None:
    """Return the precomputed values from stored arrays; None if the moments are missing."""
    moments, exact_moments, optimum = map(arrays.get, NAMES)
    if moments is None:
        return None
    return Precomputed(
        unpack_moments(moments, n_samples, n_steps),
        None if exact_moments is None else ExactMoments.from_array(exact_moments, n_samples),
        None if optimum is None else _unpack_optimum(optimum),
    )


def pack_moments(moments: Moments) -> Array:
    """Return moments as one array (4 T + 1,), one sum after the other."""
    last = [moments.target_square_sum, moments.target_sum]
    parts = moments.input_square_sum, moments.input_target_sum, moments.input_sum, last
    return np.concatenate(parts)


def unpack_moments(array: Array, n_samples: int, n_steps: int) -> Moments:
    """Return the moments that `pack_moments` packed."""
    ends = np.cumsum([2 * n_steps - 1, n_steps, n_steps])
    square, product, total, (target_square, target) = np.split(array, ends)
    return Moments(n_samples, n_steps, square, product, total, float(target_square), float(target))


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
