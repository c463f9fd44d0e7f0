"""Types shared by all packages of the engine."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Weights(NamedTuple):
    """The two weights of the network, always in this order.

    Attributes
    ----------
    w_in
        Weight of the input x_k.
    w_rec
        Weight of the previous state S_{k-1}.
    """

    w_in: float
    w_rec: float
