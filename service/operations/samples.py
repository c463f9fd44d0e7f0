"""The samples of a question as arrays, and objectives over them."""

from typing import NamedTuple

from service.engine.objective import Objective, make_objective
from service.engine.sequences import count_ones
from service.engine.types import Array
from service.schemas.common import NetworkSchema
from service.schemas.datasets import CountOnes


class Samples(NamedTuple):
    """Inputs (N, T) and targets (N,)."""

    inputs: Array
    targets: Array

    @property
    def size(self) -> tuple[int, int]:
        """The number of samples, and the steps of each."""
        n_samples, n_steps = self.inputs.shape
        return n_samples, n_steps

    def objective(self, network: NetworkSchema) -> Objective:
        """Return the cost over these samples as a function of the weights."""
        return make_objective(self.inputs, self.targets, network.to_engine())


def drawn(dataset: CountOnes) -> Samples:
    """Draw count-ones samples."""
    return Samples(*count_ones(dataset.n_samples, dataset.n_steps, dataset.seed, dataset.noise))
