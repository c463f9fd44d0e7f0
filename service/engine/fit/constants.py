"""The constants of fits: what was calibrated, with where it comes from, and what bounds rounding.

The tables are the three of docs/fitting.md, "What the verdict detects, and what it misses": false
rejections (1), violations (2) and effects (3). T is the number of targets. They are repeated by
``python -m benchmarks.verdict``. Results change with a constant, so that ``RESULT_VERSION`` rises.
"""

from typing import Final

import numpy as np

# The noise.

# The largest correlation at the usual gap. Near 1, the fit is one of differences: 2.8 % of correct
# models with drifting noise are rejected.
MAX_CORRELATION: Final = 0.998

# The grid of correlations of targets at the usual gap. Below -0.6, intervals are at most too
# wide.
CORRELATIONS: Final = np.array(
    [-0.6, -0.3, 0.0, 0.05, 0.2, 0.4, 0.6, 0.75, 0.87, 0.94, 0.975, 0.99, 0.996, MAX_CORRELATION]
)

# Distances of the points of parabolas, in Fisher's z, after the grid.
RHO_STEPS: Final = (0.1, 0.02, 0.001)

# A correlation this close to the largest one is at the limit.
RHO_LIMIT_ATOL: Final = 1e-6

# The search over w_rec.

# Where in the range of w_rec the rank of the columns is computed: at no special value.
GENERIC: Final = np.array([0.13, 0.29, 0.47, 0.61, 0.83])

# The gaps of a grid of w_rec from 0 to 1 that compares problems; that of a fit has 48.
COARSE_GAPS: Final = 13

# Where columns coincide at an end of the range, a point this far inside replaces it.
INSIDE: Final = 1e-8

# A smaller w_rec has no initial state: it would act on the first target only, which no other
# unknown would then fit.
LEAST_W_REC: Final = 0.05

# A minimum this close to an end of the range is at that end.
W_REC_LIMIT_ATOL: Final = 1e-7

# With a smaller product of 1 - w_rec over all states and of the steps, contributions have no level:
# it would exceed the targets by about the inverse, and the sum would lose as many of its digits.
LEAST_DECAY: Final = 1e-3

# The step of numerical slopes with respect to w_rec, relative to its distance from 1.
SLOPE_RTOL: Final = 1e-4

# The points of each interval of w_rec at which other quantities are evaluated. Their ends are then
# within 0.5 % of the length (docs/mathematics.md, accuracy).
SAMPLES: Final = 65

# The w_rec that the profile table adds to those of the search, for a smooth curve: evenly spaced
# ones in the range, and as many up to a distance from the interval, in widths of it. The page draws
# the width of the wider one that allows for autocorrelated noise on each side.
PROFILE_POINTS: Final = 64
PROFILE_MARGIN: Final = 4.0

# Several poles.

# The gaps of the grid of each of so many poles from 0 to 1.
SCAN_GAPS: Final = {2: 24, 3: 12, 4: 7}
# The most places of a grid of all poles. A range from -1 has fewer gaps if it would have more.
MAX_PLACES: Final = 7000

# The most targets on which grids of several poles are compared.
SCANNED_TARGETS: Final = 4000

# A column of which less is left, squared, is collinear with those before it. Products of columns
# keep no more digits.
SCAN_RTOL: Final = 1e-11

# The local minima of a grid that are polished. With 6, the grid alone misses the lowest minimum in
# 7 of 202 hard problems, and with the floors of all valleys in none.
POLISHED_MINIMA: Final = 4

# The decreases of the criterion, relative to its size, at which a polish of minima, one of the ends
# of a profile, one of its other points and one of minima to compare end, and the most steps.
POLISH_RTOL: Final = 1e-14
PROFILE_RTOL: Final = 1e-10
FLOOR_RTOL: Final = 1e-6
COARSE_RTOL: Final = 1e-4
MAX_POLISH: Final = 40
# The accuracy of the ends and the extrema of a profile of several poles. Where it jumps from one
# valley to another, they are bisected.
PROFILE_ATOL: Final = 1e-8
# The points at which the search of a profile ends, relative to those it begins with: a valley of
# rounding errors would have extrema everywhere. Usually it adds none. And how often points of a
# profile are polished again where the poles of a neighbor are better.
POINTS_OF_FLOOR: Final = 3
MAX_LOWERED: Final = 10

# Points of a profile whose poles differ by less are on one branch.
SAME_BRANCH: Final = 0.1
# Between points of a profile that are this many times as far apart in the other poles as in theirs,
# a polish may have ended in another valley.
STEEP: Final = 5.0

# The damping of the first step, relative to the curvature, its factors after a better and a worse
# step, and the damping at which a polish ends.
FIRST_DAMPING: Final = 1e-3
LESS_DAMPING: Final = 0.2
MORE_DAMPING: Final = 8.0
LAST_DAMPING: Final = 1e9

# Minima whose poles differ by less are one.
EQUAL_POLES: Final = 1e-5

# Poles of states with the same inputs whose distance is smaller are called equal, and those of a
# coarse search may be. So are slopes if what they do not share is a smaller part of them.
COINCIDENT: Final = 1e-4
CLOSE: Final = 0.02

# With fewer targets, equal poles are no model; with fewer targets per unknown, neither are several
# states. The time constant of a slow state is less than the record divided by the last number. They
# are from public data, in which a drift of the level was fitted as a state; the detection of second
# time constants is the same without them.
TARGETS_OF_EQUAL_POLES: Final = 100
TARGETS_PER_UNKNOWN: Final = 3
RECORD_PER_TIME: Final = 6

# The points of each interval of a pole at which other quantities are evaluated, and the distances
# of further points from them, relative to the half-width of the region there. Bands of responses
# are then at most 2.4 % narrower than those of a dense grid of the region (18 problems).
SLICES: Final = 13
SLICE_PARTS: Final = (-0.9, -0.45, 0.45, 0.9)

# Responses of the target.

# Their length in time constants of the slowest state, and the most steps.
RESPONSE_TIMES: Final = 12.0
MAX_RESPONSE: Final = 100_000

# The length of the table of a response in time constants, after which 99 % have arrived, the fewest
# steps, and about the most rows of each.
SHOWN_TIMES: Final = 5.0
LEAST_STEPS: Final = 8
RESPONSE_ROWS: Final = 400

# Errors proportional to the fitted values.

# Smaller fitted values count as this fraction of the largest one.
LEAST_SIZE: Final = 0.02

# The most refits with the sizes of the fit before, and the largest relative change of a size at
# which they end.
MAX_REFITS: Final = 40
SIZE_RTOL: Final = 1e-8

# After so many refits, the sizes do not settle if one changes by more.
FEW_REFITS: Final = 15
LARGE_CHANGE: Final = 0.1

# The change of a size below which the poles are polished to the last digits.
SMALL_CHANGE: Final = 1e-4

# The most searches over all poles, each with the sizes of the one before, and the distance of poles
# below which it is the same minimum.
MAX_SEARCHES: Final = 4
SAME_MINIMUM: Final = 1e-3

# Linear problems.

# The step of derivatives: its square is a rounding error, and products with powers are none.
IMAGINARY_STEP: Final = 1e-100

# A column with a smaller norm counts as 0: its weight, divided by the least singular value, would
# overflow.
LEAST_COLUMN: Final = 1e-290
# A smaller sum of squares may have lost the squares of some numbers.
LEAST_SQUARE: Final = 1e-250

# Smaller singular values are rounding errors; the columns have a norm of at most 1.
RANK_RTOL: Final = 1e-13

# A slope of which less is left is explained by the columns.
UNEXPLAINED_RTOL: Final = 1e-9

# Separates collinear columns: far above rounding errors, and its square far below.
RIDGE: Final = 1e-9

# A smaller part of the square of a column of a single sequence is a rounding error.
OWN_RTOL: Final = 1e-20

# A first target of which less is undetermined, as its start is fitted, is left out of robust
# variances: HC3 divides its residual by this part.
LEAST_FIRST_REST: Final = 0.5

# The cosines of robust variances under correlated errors, and the least number of targets for them.
# Coverage is in docs/fitting.md; of 30 targets, eight cosines are a quarter.
COSINES: Final = 8
MIN_CORRELATED: Final = 30

# A smaller part of a target that no unknown determines is replaced by this one.
LEAST_REST: Final = 1e-6

# A difference of sums of squares keeps no more digits.
DIFFERENCE_RTOL: Final = 1e-14

# Replaces 0 in products with infinite errors, and as a divisor.
TINY: Final = 1e-300

# A quantity is not identified if more of it is in directions that the targets do not determine.
HIDDEN_RTOL: Final = 1e-7

# Structures: delays, the range of w_rec, the offset.

# The gain in twice the restricted log-likelihood above which a structure is recommended. The best
# wrong structure exceeds it in 2 of 8,000 correct models (table 1: 1.5 to 4.4 % rejections, all
# checks included).
MIN_GAIN: Final = 10.0

# The gain that a delay needs if it changes the sign of a detected effect. A missing season looks
# like such a delay: with a gain of 10, one is recommended in 27 % of problems with 60 targets, and
# in 3 % if no sign may change. True delays after a single dose gain more than 100. 25 is a choice
# between these; it was not calibrated.
TURNED_GAIN: Final = 25.0

# With fewer targets the checks have little power (table 2: autocorrelated noise is detected in 24
# and 58 % with T = 15 and 30, and in 92 and 100 % with T = 50 and 100), and a delay must also pass
# an F test.
FEW_TARGETS: Final = 50

# The level of that F test with one unknown, divided by the number of delays tried (table 2: 88 to
# 95 % of dead times are detected with T = 30).
DELAY_ALPHA: Final = 0.01

# The level of the F test that frees a known offset or gain, divided by the number of them.
KNOWN_ALPHA: Final = 0.01

# The level of the F test of a more complex model. Any season is recommended in 0.2 % of 1,540
# correct models.
COMPLEX_ALPHA: Final = 0.001

# A trend is recommended if the targets of the longest sequence, times 1 minus the correlation of
# its successive errors, exceed this. The Dickey-Fuller statistic of a random walk with a
# trend does in 7 %.
UNIT_ROOT: Final = 20.0

# The parameters of moving averages, divided by the autocorrelation, with which more time constants
# are compared. Without them, these are recommended in 10 to 25 % of problems with one time constant
# whose errors are a drift plus white noise, and with them in 0 to 5 %.
MOVING_AVERAGES: Final = (0.0, 0.25, 0.5, 0.7, 0.85, 0.95)

# The level of the F test of an offset per sequence for at least so many sequences with at most so
# many targets each. In 20 simulated panels of 50 x 10 with equal levels and autocorrelated noise,
# COMPLEX_ALPHA recommends them in 25 %, and this level in 10 %.
WIDE_ALPHA: Final = 1e-4
MANY_SEQUENCES: Final = 50
FEW_PER_SEQUENCE: Final = 10

# The least targets of the median sequence with which an offset per sequence is tested: with an
# initial state, two have no degree of freedom left.
LEVELS_TARGETS: Final = 3

# The largest share of unknowns among the targets with gains per sequence: a choice.
GAINS_SHARE: Final = 0.5

# The correlation of errors a median sequence apart, 1 / e, above which noise lasts longer than a
# sequence.
LASTING_CORRELATION: Final = 0.37

# An offset per sequence is the default from so many sequences on whose median has so many targets:
# at 20 each, a needless one makes intervals 1.3 to 1.5 times as wide, and a missing one costs 15 to
# 60 points of their coverage.
PANEL_SEQUENCES: Final = 3
PANEL_TARGETS: Final = 20

# The p-value of their differences above which one offset for all sequences is offered instead.
EQUAL_LEVELS: Final = 0.2

# The usual periods of a season, by the unit of the step; those of "step" without one.
PERIODS: Final = {
    "second": (86400.0,),
    "minute": (1440.0,),
    "hour": (24.0, 168.0),
    "day": (7.0,),
    "business day": (5.0,),
    "week": (52.0,),
    "month": (12.0,),
    "quarter": (4.0,),
    "year": (),
    "step": (4.0, 7.0, 12.0, 24.0, 52.0),
}

# The fewest periods of a season that is recommended, in the longest sequence and in each one, which
# also needs so many targets per unknown of the season; and the most pairs of its harmonics.
LEAST_PERIODS: Final = 3
LEAST_PERIODS_OF_EACH: Final = 2
MAX_HARMONICS: Final = 3

# The largest w_rec that is compared if the best one is 1, and its excess over 1 times the number of
# steps: a response is at most 1e100 at the last one.
MAX_W_REC: Final = 2.0
MAX_GROWTH: Final = 230.0

# The longest delay that is tried.
MAX_DELAY: Final = 10

# The steps of the longest sequence for one more delay to try: at most a sixth of the targets is
# lost.
STEPS_PER_DELAY: Final = 6

# The most structures that a verdict lists.
MAX_ALTERNATIVES: Final = 3

# The targets that suffice for a first judgment of structures and effects.
ENOUGH_TARGETS: Final = 2000

# That of a constant is 0, except for rounding; a structure that fits worse is not recommended.
LEAST_R_SQUARED: Final = -1e-9

# Effects of the inputs.

# The level at which effects are detected (table 3: 5 % of 600 problems without an effect).
EFFECT_ALPHA: Final = 0.04

# The level that the first targets must reach where there are many.
CLEAR_ALPHA: Final = EFFECT_ALPHA / 5

# The most target vectors without an effect that are simulated: p-values are multiples of 1/200.
EFFECT_SIMULATIONS: Final = 199

# The logarithm of a ratio of sums of squares above which p-values are 0.
MAX_LOG_RATIO: Final = 50.0

# A smaller gain of all inputs is a rounding error: the start explains the same.
CONFOUNDED_GAIN: Final = 1e-6

# Checks of the residuals.

# The seed of simulated vectors, so that a fit always has the same verdict.
SEED: Final = 1

# The most residual vectors that are simulated: p-values are multiples of 1/400.
CHECK_SIMULATIONS: Final = 399

# The fewest simulated vectors.
MIN_SIMULATIONS: Final = 39

# With more targets, fewer vectors are simulated.
MANY_TARGETS: Final = 2500

# The level of all checks together. Correct models are rejected in 1.5 to 4.4 % (table 1); with
# 0.04, 4.9 % of those with T = 15 would be.
CHECK_ALPHA: Final = 0.03

# The level of each check that is only a caution.
CAUTION_ALPHA: Final = 0.01

# How much more often than other checks that of successive residuals may reject: autocorrelated
# noise is the most frequent violation.
NEIGHBORS_WEIGHT: Final = 3.0

# Of fewer vectors than ``CHECK_SIMULATIONS``, how many standard deviations above their mean the
# statistic of a test with p <= 1/400 must be. It was not calibrated.
RARE_SIZE: Final = 5.0

# The most places at which a change of w_rec, of the gain or of the level is tested, of which half
# with many targets, and the share of the targets before the first one and after the last one.
CHANGE_PLACES: Final = 20
FIRST_CHANGE: Final = 0.15

# The gain in twice the log-likelihood of a change that the autocorrelation of an ar1 fit hides: at
# most 1 of 1,000 largest of 60 such gains without a change is above 18.5.
HIDDEN_GAIN: Final = 20.0

# The score of a change of w_rec, relative to that of a change of the gain or the reverse, above
# which the smaller one may be the cause as well.
SIMILAR_CHANGE: Final = 0.7

# The largest autocorrelation that is assumed when sequences are compared, and the least share of
# it that regressions of single sequences leave.
MAX_OWN_CORRELATION: Final = 0.95
LEAST_SHARE: Final = 0.3

# The poles of responses that act later than the delays tried.
LATE_POLES: Final = (0.0, 0.5, 0.8, 0.95)

# The steps of the longest sequence for one more lag to scan for late effects, and the longest lag.
LATE_STEPS_PER_LAG: Final = 3
MAX_LATE_LAG: Final = 400

# How far from the lag of the largest score the best delay is searched.
LATE_MARGIN: Final = 2

# The sizes of feedback and the share of clipped targets that invalidate the interval. Of an input
# that follows earlier targets and has an effect, the later values weigh at most half as much as the
# effect, and coverage is 75 to 100 % with ar1 noise; of one that has no effect, 0.9 to 2 times as
# much, and coverage is 0 to 50 % (17 cases of 8 or 12 problems). A gain is too small by 8 % if 10 %
# of the targets are clipped, by 2 % if 3 % are (12 cases of 40 problems).
LARGE_FEEDBACK: Final = 1.0
LARGE_CLIPPED: Final = 0.1

# The change of w_rec in standard errors, if an input that correlates with residuals of its own step
# also acts without memory, that invalidates the interval. Of 195 such ar1 fits to 1,000 targets, 21
# of 25 below it contain the true w_rec (84 %, as of 161 fits without the finding), and 21 of 170
# above it (12 %): inputs that arrive half a step later, direct effects, weak second states, noise
# that is related to the input, and inputs that follow the target (60 problems each).
LARGE_CHANGE_AT_ONCE: Final = 1.0

# The least number and share of targets at an extreme that are called clipped, and how many times as
# many there are as at each of the next values.
CLIPPED_TARGETS: Final = 5
CLIPPED_SHARE: Final = 0.03
CLIPPED_RATIO: Final = 3
NEXT_VALUES: Final = 5

# The least standard deviation of their fitted values, relative to that of all targets. With less,
# the targets are at rest or have settled.
CLIPPED_SPREAD: Final = 0.1

# Columns, input lags and means of which less is left are explained by the fit.
EXPLAINED_RTOL: Final = 1e-3

# The longest lag of inputs with which residuals are correlated.
MAX_INPUT_LAG: Final = 10

# Poles of responses to inputs with which residuals are correlated: with them, two time constants
# are detected in 100 % (table 2).
RESPONSE_POLES: Final = (0.5, 0.8, 0.95, 0.99)

# The longest season that is tested, in usual gaps.
MAX_SEASON: Final = 60

# The fewest pairs of successive targets for checks that compare them.
MIN_PAIRS: Final = 10

# With a larger condition number, effects of single inputs are hard to separate.
MAX_CONDITION: Final = 1e3

# The most lags of the Ljung-Box test; there are at most a fifth as many as targets.
MAX_LAGS: Final = 10

# With a smaller p-value of that test, dependence is always a finding.
LJUNG_BOX_ALPHA: Final = 1e-3

# The targets per squared number of sequences above which the Ljung-Box test has its level.
TARGETS_PER_SEQUENCE: Final = 10
