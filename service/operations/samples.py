"""The samples of a question as arrays, and objectives over them."""

from typing import NamedTuple

import numpy as np

from service.engine.moments import Moments
from service.engine.objective import Objective, make_objective
from service.engine.sequences import count_ones
from service.engine.types import Array
from service.operations import limits
from service.operations.identity import RESULT_VERSION
from service.operations.limits import Limits
from service.schemas.common import NetworkSchema
from service.schemas.datasets import CountOnes

# Under this name a dataset's moments are kept beside it. Those of another version are not read.
MOMENTS = f"moments_{RESULT_VERSION}"


class Samples(NamedTuple):
    """Inputs (N, T) and targets (N,), with their moments where these are known already."""

    inputs: Array
    targets: Array
    moments: Moments | None = None

    @property
    def size(self) -> tuple[int, int]:
        """The number of samples, and the steps of each."""
        n_samples, n_steps = self.inputs.shape
        return n_samples, n_steps

    def objective(self, network: NetworkSchema) -> Objective:
        """Return the cost over these samples as a function of the weights."""
        return make_objective(self.inputs, self.targets, network.to_engine(), self.moments)


def drawn(dataset: CountOnes) -> Samples:
    """Draw count-ones samples."""
    return Samples(*count_ones(dataset.n_samples, dataset.n_steps, dataset.seed, dataset.noise))


def moments_to_keep(samples: Samples, allowed: Limits) -> dict[str, Array]:
    """Return what to keep beside stored samples, so that no one passes over them again.

    It is nothing where the pass would take longer than a request may.
    """
    if limits.data_pass(*samples.size) > allowed.max_work_seconds:
        return {}
    return {MOMENTS: packed(Moments.of(samples.inputs, samples.targets))}


def packed(moments: Moments) -> Array:
    """Return moments as one array (4 T + 1,), the sums one after the other."""
    last = [moments.target_square_sum, moments.target_sum]
    parts = moments.input_square_sum, moments.input_target_sum, moments.input_sum, last
    return np.concatenate(parts)


def unpacked(array: Array, n_samples: int, n_steps: int) -> Moments:
    """Return the moments that ``packed`` made an array of."""
    ends = np.cumsum([2 * n_steps - 1, n_steps, n_steps])
    square, product, total, (target_square, target) = np.split(array, ends)
    return Moments(n_samples, n_steps, square, product, total, float(target_square), float(target))
