"""The tolerances and float64 limits that several packages of the engine share."""

from typing import Final

import numpy as np

EPSILON: Final = float(np.finfo(np.float64).eps)
"""The distance from 1 to the next float64, 2.2e-16."""

CANCELLATION: Final = 1e-7
"""A sum above this part of its terms' magnitude keeps seven digits in float64.

The rounding error of polynomials with up to 20,000 terms was measured to stay below 1e-14 of the
terms' magnitude.
"""

ROUNDING: Final = 1e-10
"""Bounds the rounding error of a float64 sum, relative to its terms' magnitude.

20,000 terms, each with a power from 20,000 rounded products, err by at most 2e4 * EPSILON twice.
"""

UNDERFLOW: Final = 1e-280
"""Smaller float64 results may have lost digits to underflow on the way."""

OVERFLOW: Final = 1e280
"""Larger float64 results may have overflowed on the way."""

TINIEST: Final = 5e-324
"""The smallest float64, which stands for a gradient with a sign but no magnitude in float64."""
