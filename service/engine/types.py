"""Types shared by all packages of the engine."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# The numbers of one array that are processed together: 2 MB, which bounds memory and pauses.
BLOCK: Final = 1 << 18


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
