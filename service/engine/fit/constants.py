"""The constants of fits: what was calibrated, with where it comes from, and what bounds rounding.

The tables are those of docs/fitting.md, "What the verdict detects, and what it misses"; T is the
number of targets. ``python -m benchmarks.verdict`` repeats them. A constant that changes there
changes results, so that ``RESULT_VERSION`` rises.
"""

from typing import Final

import numpy as np

# The noise.

MAX_CORRELATION: Final = 0.998
"""The largest correlation at the usual gap. Near 1, the fit is one of differences: 2.8 % of correct
models with drifting noise are rejected."""

CORRELATIONS: Final = np.array(
    [-0.6, -0.3, 0.0, 0.05, 0.2, 0.4, 0.6, 0.75, 0.87, 0.94, 0.975, 0.99, 0.996, MAX_CORRELATION]
)
"""The grid of correlations of targets at the usual gap. Below -0.6, intervals are at most too
wide."""

RHO_STEPS: Final = (0.1, 0.02, 0.001)
"""Distances of the points of parabolas, in Fisher's z, after the grid."""

RHO_LIMIT_ATOL: Final = 1e-6
"""A correlation this close to the largest one is at the limit."""

# The search over w_rec.

GENERIC: Final = np.array([0.13, 0.29, 0.47, 0.61, 0.83])
"""Where in the range of w_rec the rank of the columns is computed: at no special value."""

COARSE_GAPS: Final = 13
"""The gaps of a grid of w_rec from 0 to 1 that compares problems; that of a fit has 48."""

INSIDE: Final = 1e-8
"""Where columns coincide at an end of the range, a point this far inside replaces it."""

W_REC_LIMIT_ATOL: Final = 1e-7
"""A minimum this close to an end of the range is at that end."""

SAMPLES: Final = 65
"""The points of each interval of w_rec at which other quantities are evaluated. Their ends are then
within 0.5 % of the length (docs/mathematics.md, accuracy)."""

PROFILE_POINTS: Final = 64
"""Evenly spaced w_rec that the profile table adds to those of the search, for a smooth curve."""

# Linear problems.

IMAGINARY_STEP: Final = 1e-100
"""The step of derivatives: its square is a rounding error, and products with powers are none."""

RANK_RTOL: Final = 1e-13
"""Smaller singular values are rounding errors; the columns have a norm of at most 1."""

UNEXPLAINED_RTOL: Final = 1e-9
"""A slope of which less is left is explained by the columns."""

RIDGE: Final = 1e-9
"""Separates collinear columns: far above rounding errors, and its square far below."""

DIFFERENCE_RTOL: Final = 1e-14
"""A difference of sums of squares keeps no more digits."""

TINY: Final = 1e-300
"""Replaces 0 in products with infinite errors, and as a divisor."""

HIDDEN_RTOL: Final = 1e-7
"""A quantity is not identified if more of it is in directions that the targets do not determine."""

# Structures: delays, the range of w_rec, the offset.

MIN_GAIN: Final = 10.0
"""The gain in twice the restricted log-likelihood above which a structure is recommended. The best
wrong structure exceeds it in 2 of 8,000 correct models (table 1: 1.5 to 4.4 % rejections, all
checks included)."""

TURNED_GAIN: Final = 25.0
"""The gain that a delay needs if it changes the sign of a detected effect. A missing season looks
like such a delay: with 10, one is recommended in 27 % of 60 targets with it, with 25 in 3 %. True
delays after a single dose gain more than 100."""

FEW_TARGETS: Final = 50
"""With fewer targets the checks have little power (table 2: autocorrelated noise is detected in 24
and 58 % with T = 15 and 30, and in 92 and 100 % with T = 50 and 100), and a delay must also pass an
F test."""

DELAY_ALPHA: Final = 0.01
"""The level of that F test with one unknown, divided by the number of delays tried (table 2: 88 to
95 % of dead times are detected with T = 30)."""

MAX_DELAY: Final = 10
"""The longest delay that is tried."""

STEPS_PER_DELAY: Final = 6
"""The steps of the longest sequence for one more delay to try: at most a sixth of the targets is
lost."""

MAX_ALTERNATIVES: Final = 3
"""The most structures that a verdict lists."""

ENOUGH_TARGETS: Final = 2000
"""The targets that suffice for a first judgment of structures and effects."""

LEAST_R_SQUARED: Final = -1e-9
"""That of a constant is 0, except for rounding; a structure that fits worse is not recommended."""

# Effects of the inputs.

EFFECT_ALPHA: Final = 0.04
"""The level at which effects are detected (table 3: 5 % of 600 problems without an effect)."""

CLEAR_ALPHA: Final = EFFECT_ALPHA / 5
"""The level that the first targets must reach where there are many."""

EFFECT_SIMULATIONS: Final = 199
"""The most target vectors without an effect that are simulated: p-values are multiples of 1/200."""

CONFOUNDED_GAIN: Final = 1e-6
"""A smaller gain of all inputs is a rounding error: the start explains the same."""

# Checks of the residuals.

SEED: Final = 1
"""The seed of simulated vectors, so that a fit always has the same verdict."""

CHECK_SIMULATIONS: Final = 399
"""The most residual vectors that are simulated: p-values are multiples of 1/400."""

MIN_SIMULATIONS: Final = 39
"""The fewest simulated vectors."""

MANY_TARGETS: Final = 2500
"""With more targets, fewer vectors are simulated."""

CHECK_ALPHA: Final = 0.03
"""The level of all checks together. Correct models are rejected in 1.5 to 4.4 % (table 1); with
0.04, 4.9 % of those with T = 15 would be."""

CAUTION_ALPHA: Final = 0.01
"""The level of each check that is only a caution."""

NEIGHBORS_WEIGHT: Final = 3.0
"""The share of the level that the correlation of successive residuals has, as a multiple of that of
other checks. It is the most frequent violation."""

CAUTIONS: Final = ("feedback", "outliers", "alternate")
"""Checks that do not invalidate the interval."""

NOISE_CHECKS: Final = ("neighbors", "alternate")
"""Checks that do not count once the noise of the fit is ar1."""

EXPLAINED_RTOL: Final = 1e-3
"""Columns, input lags and means of which less is left are explained by the fit."""

MAX_INPUT_LAG: Final = 10
"""The longest lag of inputs with which residuals are correlated."""

RESPONSE_POLES: Final = (0.5, 0.8, 0.95, 0.99)
"""Poles of responses to inputs with which residuals are correlated: with them, two time constants
are detected in 100 % (table 2)."""

MAX_SEASON: Final = 60
"""The longest season that is tested, in usual gaps."""

MIN_PAIRS: Final = 10
"""The fewest pairs of successive targets for checks that compare them."""

MAX_CONDITION: Final = 1e3
"""With a larger condition number, effects of single inputs are hard to separate."""

MAX_LAGS: Final = 10
"""The most lags of the Ljung-Box test; there are at most a fifth as many as targets."""

TARGETS_PER_SEQUENCE: Final = 10
"""The targets per squared number of sequences above which the Ljung-Box test has its level."""
