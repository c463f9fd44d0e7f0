"""The tolerances of the engine, and the limits of float64 from which they follow."""

from math import log
from typing import Final

import numpy as np

# The distance from 1 to the next float64, 2.2e-16.
EPSILON: Final = float(np.finfo(np.float64).eps)

# Smaller float64 results may have lost digits: their factors or terms may be subnormal.
UNDERFLOW: Final = 1e-280

# The smallest positive float64: a number with a sign, but no magnitude in float64.
MIN_SUBNORMAL: Final = 5e-324

# Smaller float64 results may have lost digits to underflow in the last operation.
SAFE_MIN: Final = 2.0**-1020

# More than the number of exponents of float64, including subnormal numbers.
EXPONENT_SPAN: Final = 2200

# Replaces the exponent -inf in differences, which would be nan.
EXPONENT_OF_ZERO: Final = -1.7e308

LN2: Final = log(2.0)
LOG10_2: Final = 0.30102999566398120

# The leading digits of ln 2: so few that the product with an exponent is exact.
LN2_HIGH: Final = 0.693147180369123816490

# The rest of ln 2.
LN2_LOW: Final = 1.90821492927058770002e-10

# Costs.

# The promised relative accuracy of a cost.
COST_RTOL: Final = 2e-6

# The promised absolute accuracy of a cost, relative to the mean squared target.
COST_ATOL: Final = 1e-23

# Costs that differ by less count as equal: three digits more than the promised accuracy.
EQUAL_COST_RTOL: Final = 1e-9

# Bounds the rounding error of a residual, relative to the root mean square of its terms.
RESIDUAL_RTOL: Final = 64.0 * EPSILON

# A gap above this multiple of the lowest cost is accurate as a difference of two costs.
LARGE_GAP: Final = 1e3

# Rounding changes a difference of two costs that is larger than this part of them by less than
# 1e-4 of itself: a gradient from such a difference has four digits.
RESOLVED_COST_RTOL: Final = 1e4 * EPSILON

# The optimum. An atol is relative to the mean squared target.

# A reduced cost with more noise, relative to the mean squared target, is unknown.
MAX_NOISE: Final = 0.1

# Reduced costs that differ by less than this part of the mean squared target are equal.
FLAT_ATOL: Final = 1e-12

# A root of a slope that is closer to a number of six digits is probably that number.
ROUND_ROOT_RTOL: Final = 1e-11

# Lower bounds of minima are rough: one may be the lowest if its bound exceeds the best cost by
# less than this part of the depth of that cost below the mean squared target.
DEPTH_RTOL: Final = 0.1

# Outputs whose mean square is smaller, relative to that of the targets, count as 0.
OUTPUT_ATOL: Final = 1e-26
