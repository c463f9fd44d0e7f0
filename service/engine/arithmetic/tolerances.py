"""The limits and tolerances of float64 that several packages of the engine share."""

from math import log
from typing import Final

import numpy as np

EPSILON: Final = float(np.finfo(np.float64).eps)
"""The distance from 1 to the next float64, 2.2e-16."""

UNDERFLOW: Final = 1e-280
"""Smaller float64 results may have lost digits: their factors or terms may be subnormal."""

MIN_SUBNORMAL: Final = 5e-324
"""The smallest positive float64: a number with a sign, but no magnitude in float64."""

SAFE_MIN: Final = 2.0**-1020
"""Smaller float64 results may have lost digits to underflow in the last operation."""

EXPONENT_SPAN: Final = 2200
"""More than the number of exponents of float64, including subnormal numbers."""

EXPONENT_OF_ZERO: Final = -1.7e308
"""Replaces the exponent -inf in differences, which would be nan."""

LN2: Final = log(2.0)
LOG10_2: Final = 0.30102999566398120

LN2_HIGH: Final = 0.693147180369123816490
"""The leading digits of ln 2: so few that the product with an exponent is exact."""

LN2_LOW: Final = 1.90821492927058770002e-10
"""The rest of ln 2."""

COST_RTOL: Final = 2e-6
"""The promised relative accuracy of a cost."""

COST_ATOL: Final = 1e-23
"""The promised absolute accuracy of a cost, relative to the mean squared target."""

EQUAL_COST_RTOL: Final = 1e-9
"""Costs that differ by less count as equal: three digits more than what is promised."""

RESIDUAL_RTOL: Final = 64.0 * EPSILON
"""Bounds the rounding error of a residual, relative to the root mean square of its terms."""
