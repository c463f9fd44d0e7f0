"""The tolerances and float64 limits that several packages of the engine share."""

from typing import Final

import numpy as np

# The distance from 1 to the next float64, 2.2e-16.
EPSILON: Final = float(np.finfo(np.float64).eps)

# Smaller float64 results may have lost digits to underflow on the way.
UNDERFLOW: Final = 1e-280
