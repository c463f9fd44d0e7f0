"""Samples drawn, given, or stored with what is known of them."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import numpy as np

from service.engine.data import Dataset, DatasetSize, Moments, count_ones
from service.engine.network import Network
from service.engine.objective import (
    MomentObjective,
    Objective,
    Precomputed,
    SumsAbout,
    make_objective,
)
from service.engine.optimum import Optimum
from service.engine.types import Array, Weights
from service.operations import work_estimates
from service.operations.ids import RESULT_VERSION
from service.operations.limits import Limits
from service.schemas.datasets import CountOnesDataset

# Under these names a dataset's moments are kept beside it and, for the initial state 0, the
# optimum and the sums about it. Those of another version are not read.
MOMENTS: Final = f"moments_{RESULT_VERSION}"
OPTIMUM: Final = f"optimum_{RESULT_VERSION}"
SUMS: Final = f"sums_{RESULT_VERSION}"
BESIDE: Final = (MOMENTS, OPTIMUM, SUMS)


class ResolvedDataset(NamedTuple):
    """A dataset, and what is known about it besides its arrays."""

    dataset: Dataset
    precomputed: Precomputed | None = None

    @property
    def size(self) -> DatasetSize:
        """N and T, and whether the moments are known."""
        known = self.precomputed is not None
        return DatasetSize(self.dataset.n_samples, self.dataset.n_steps, has_moments=known)

    def objective(self, network: Network) -> Objective:
        """Return the cost of a network over the dataset."""
        return make_objective(self.dataset, network, self.precomputed)


def from_count_ones(dataset: CountOnesDataset) -> ResolvedDataset:
    """Draw count-ones samples, once they are needed: a question may be refused before."""
    size = dataset.n_samples, dataset.n_steps
    read = lambda: count_ones(*size, dataset.seed, dataset.noise)  # noqa: E731
    return ResolvedDataset(Dataset(*size, read))


def from_arrays(inputs: Array, targets: Array) -> ResolvedDataset:
    """Take samples that a caller gives away; -0.0 becomes 0.0 in them: the two have one id."""
    for array in (inputs, targets):
        np.add(array, 0.0, out=array)  # these may be most of the memory that there is
    return ResolvedDataset(Dataset.from_arrays(inputs, targets))


def from_store(
    n_samples: int,
    n_steps: int,
    read: Callable[[], tuple[Array, Array]],
    beside: Mapping[str, Array],
) -> ResolvedDataset:
    """Return samples that are read when they are needed, with what was kept beside them."""
    dataset = Dataset(n_samples, n_steps, read)
    moments, optimum, sums = map(beside.get, BESIDE)
    if moments is None:
        return ResolvedDataset(dataset)
    best = None if optimum is None else _unpack_optimum(optimum)
    about = {}
    if best is not None and sums is not None:
        about[0.0, best.weights] = _unpack_sums(sums)
    known = Precomputed(unpack_moments(moments, n_samples, n_steps), best, about)
    return ResolvedDataset(dataset, known)


def arrays_to_store(samples: ResolvedDataset, allowed: Limits) -> dict[str, Array]:
    """Return what to keep beside stored samples, so that training need not read them again.

    It is nothing where finding it would take longer than a request may.
    """
    if work_estimates.data_pass_seconds(samples.size) > allowed.max_work_seconds:
        return {}
    objective = MomentObjective(samples.dataset, 0.0, samples.precomputed)
    sums = objective.sums_about_optimum()
    return {
        MOMENTS: pack_moments(objective.moments),
        OPTIMUM: _pack_optimum(objective.optimum),
        **({} if sums is None else {SUMS: np.concatenate([each.ravel() for each in sums])}),
    }


def pack_moments(moments: Moments) -> Array:
    """Return moments as one array (4 T + 1,), the sums one after the other."""
    last = [moments.target_square_sum, moments.target_sum]
    parts = moments.input_square_sum, moments.input_target_sum, moments.input_sum, last
    return np.concatenate(parts)


def unpack_moments(array: Array, n_samples: int, n_steps: int) -> Moments:
    """Return the moments that ``pack_moments`` made an array of."""
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


def _unpack_sums(array: Array) -> SumsAbout:
    products, sums, squares = np.split(array, [-4, -2])
    return SumsAbout(products.reshape(2, -1), sums, squares)
