"""The tolerances and float64 limits that several packages of the engine share."""

from typing import Final

import numpy as np

# The distance from 1 to the next float64, 2.2e-16.
EPSILON: Final = float(np.finfo(np.float64).eps)

# Smaller float64 results may have lost digits to underflow on the way.
UNDERFLOW: Final = 1e-280

# Larger float64 results may have overflowed on the way.
OVERFLOW: Final = 1e280

# The smallest float64, which stands for a gradient with a sign but no magnitude in float64.
TINIEST: Final = 5e-324
