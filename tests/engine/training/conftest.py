"""The tutorial's objective, two starts, and clipping of both kinds."""

import pytest

from service.engine.data import Dataset, count_ones
from service.engine.network import Network
from service.engine.objective import Objective, make_objective
from service.engine.training import Clip
from service.engine.types import Weights

TUTORIAL_START = Weights(-1.5, 2.0)
NEAR_START = Weights(0.5, 0.5)
NORM = Clip("norm", 1.0)
VALUE = Clip("value", 1.0)


@pytest.fixture(scope="session")
def objective() -> Objective:
    """Return the objective of the tutorial."""
    return make_objective(Dataset.from_arrays(*count_ones()), Network())
