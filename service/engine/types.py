"""The two types that every room of the engine shares."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Weights(NamedTuple):
    """The two weights of the network, always in this order."""

    w_in: float
    w_rec: float
