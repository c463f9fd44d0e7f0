"""The result of a fit. Its fields have the names of the HTTP responses.

A number that does not exist is nan, and an unbounded one is infinite.
"""

from dataclasses import dataclass

from service.engine.types import Array


@dataclass(frozen=True)
class Span:
    """A range of numbers."""

    low: float
    high: float


@dataclass(frozen=True)
class Interval(Span):
    """One piece of a confidence interval; open where the range of the search ends it."""

    low_open: bool
    high_open: bool


@dataclass(frozen=True)
class Estimate(Span):
    """A number, and the ends of its confidence interval."""

    value: float


@dataclass(frozen=True)
class PiecewiseEstimate:
    """A number, its standard error, and the pieces of its confidence interval in order."""

    value: float
    standard_error: float
    intervals: tuple[Interval, ...]


@dataclass(frozen=True)
class InputEstimate:
    """The weight w_in of an input, and the change of the target per unit of it in the long run."""

    name: str
    w_in: Estimate
    steady_state_gain: Estimate


@dataclass(frozen=True)
class DelayCost:
    """The lowest cost with a given delay."""

    delay: int
    cost: float


@dataclass(frozen=True)
class DelayEstimate:
    """The delay with the lowest cost, and the cost of every delay."""

    value: int
    costs: tuple[DelayCost, ...]


@dataclass(frozen=True)
class Minimum:
    """A local minimum of the cost as a function of w_rec."""

    w_rec: float
    cost: float


@dataclass(frozen=True)
class ResidualTests:
    """Whether the residuals look like independent noise.

    Attributes
    ----------
    autocorrelation
        At lag 1; nan without two targets in a row.
    ljung_box_p
        The p-value of the test that all autocorrelations up to lag 10 are 0.
    durbin_watson
        Near 2 for independent residuals.
    """

    autocorrelation: float
    ljung_box_p: float
    durbin_watson: float


@dataclass(frozen=True)
class Trust:
    """Whether the interval of w_rec can be trusted.

    Attributes
    ----------
    interval
        False if one of the reasons makes the interval too narrow or meaningless.
    reasons
        All doubts and cautions, such as ``residuals_autocorrelated``.
    widened
        The pieces of a wider interval, where the interval cannot be trusted.
    """

    interval: bool
    reasons: tuple[str, ...]
    widened: tuple[Span, ...] | None


@dataclass(frozen=True)
class FitTable:
    """The fit at every step from the first target of each sequence on, in columns (R,).

    Attributes
    ----------
    sequence, step
        The index of the sequence, from 0, and the step, from 1.
    target
        nan where it is missing.
    prediction, low, high
        The fit, and the confidence band of its mean.
    residual
        Target minus prediction.
    """

    sequence: Array
    step: Array
    target: Array
    prediction: Array
    low: Array
    high: Array
    residual: Array


@dataclass(frozen=True)
class Profile:
    """The lowest cost with each w_rec: columns (P,) in the order of w_rec."""

    w_rec: Array
    cost: Array


@dataclass(frozen=True)
class Fit:
    """A fitted recurrence. Costs are mean squared errors.

    Attributes
    ----------
    time_constant, half_life
        In units of the series' step; nan unless 0 < w_rec < 1.
    offset, initial_states
        None where they are not fitted. There is one state per sequence, or one for all.
    level
        The cost up to which a w_rec belongs to its interval; infinite if all do.
    degrees_of_freedom
        Targets minus unknowns, where collinear unknowns count once.
    unique, identifiable
        Whether one w_rec has the lowest cost, and whether the interval excludes any.
    at_limit
        Whether w_rec is at an end of the range of the search.
    """

    w_rec: PiecewiseEstimate
    time_constant: PiecewiseEstimate
    half_life: PiecewiseEstimate
    inputs: tuple[InputEstimate, ...]
    offset: Estimate | None
    initial_states: tuple[Estimate, ...] | None
    delay: DelayEstimate
    rho: float | None
    cost: float
    log10_cost: float
    level: float
    rmse: float
    r_squared: float
    aic: float
    bic: float
    n_targets: int
    degrees_of_freedom: int
    minima: tuple[Minimum, ...]
    unique: bool
    identifiable: bool
    at_limit: bool
    residuals: ResidualTests
    trust: Trust
    table: FitTable
    profile: Profile
