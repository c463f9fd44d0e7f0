"""The numbers in the result of a fit: estimates, their intervals, and tests."""

from typing import Annotated

from pydantic import Field

from service.schemas.base import Nullable, ResponseModel

LowEnd = Annotated[Nullable, Field(description="The lower end; null if there is none.")]
HighEnd = Annotated[Nullable, Field(description="The upper end; null if there is none.")]
Value = Annotated[Nullable, Field(description="The number; null if it is undefined.")]
Criterion = Annotated[
    Nullable,
    Field(
        description="-2 ln of the restricted likelihood, above its minimum, with `ar1` noise or "
        "`proportional` variance. Null otherwise, where the cost is minimized."
    ),
]


class Span(ResponseModel):
    """A range of numbers."""

    low: LowEnd
    high: HighEnd


class Interval(Span):
    """One piece of a confidence interval."""

    low_open: bool
    """True if this end is the search limit rather than a bound from the data."""
    high_open: bool
    """The same for the upper end."""


class Estimate(ResponseModel):
    """A number and its confidence interval."""

    value: Value
    low: LowEnd
    high: HighEnd


class SequenceEstimate(Estimate):
    """A number of one sequence."""

    sequence: str
    """The name of the sequence, or its index from 0."""


class GroupGains(ResponseModel):
    """The steady-state gains of an input in sequences with gains of their own."""

    median: Nullable
    """That of the sequence in the middle."""
    lowest: Nullable
    """The smallest one."""
    highest: Nullable
    """The largest one."""
    sd: Nullable
    """Their standard deviation, without that of their errors."""
    mean: Estimate
    """The mean for other sequences of the kind."""
    p: Nullable
    """The p-value of the F test of the gains of all inputs against the same for all sequences."""


class GroupReport(ResponseModel):
    """The differences between sequences with an offset each."""

    level_sd: Nullable
    """The standard deviation of the offsets, without that of their errors."""
    level_p: Nullable
    """The p-value of the F test against one offset for all."""
    gains: dict[str, GroupGains]
    """The gains, by input; empty unless each sequence has its own."""


class PiecewiseEstimate(ResponseModel):
    """A number, its standard error, and its confidence interval, which may have several pieces."""

    value: Value
    standard_error: Nullable
    """Its standard error, from the curvature at the optimum."""
    intervals: list[Interval]
    """The pieces, in order of w_rec; none if w_rec was given."""


class EffectReport(ResponseModel):
    """The test for an effect on the target."""

    visible: bool
    """True if an effect is detected."""
    p: float
    """The p-value: how often noise alone gives at least this much."""


class InputEffectReport(EffectReport):
    """The test for an effect of a single input, with the interval of its weight.

    The fit is the one that is tested: with `ar1` noise if successive residuals are correlated, or
    below 50 targets.
    """

    low: LowEnd = None
    high: HighEnd = None


class Peak(ResponseModel):
    """The highest point of a response that exceeds its steady state."""

    value: Value
    time: Value


class InputResponse(ResponseModel):
    """The response of the target to one unit of an input that lasts.

    Times are in units of the step, and begin after the delay.
    """

    time_to_63_percent: Nullable
    """The time to 63 % (1 - 1/e) of the steady-state gain; null if it is not approached from one
    side, or without a steady state."""
    time_to_95_percent: Nullable
    """The same for 95 %."""
    peak: Peak | None
    """The peak of a response that exceeds its steady state."""


class InputEstimate(ResponseModel):
    """The effect of one input."""

    name: str
    """The name of the input."""
    w_in: Estimate
    """Its weight: the effect within one step."""
    steady_state_gain: Estimate
    """w_in / (1 - w_rec), the long-run effect of a permanent change; null bounds if given."""
    effects: InputEffectReport | None
    """The test for its effect, given all other inputs; null if its gain was given, or if the
    effects of all inputs are null."""
    gains: list[SequenceEstimate] | None = None
    """The steady-state gains of single sequences; null unless each has its own. The other numbers
    are then those of their mean."""
    response: InputResponse | None = None
    """The response of the target to it; null for a fit that an older version stored."""


class StateEstimate(ResponseModel):
    """One state of the model, with a w_rec of its own."""

    inputs: list[str]
    """The inputs that act on it."""
    w_rec: PiecewiseEstimate
    """The recurrent weight. Its interval is a profile interval over all other unknowns."""
    time_constant: PiecewiseEstimate
    """-1 / log w_rec, in units of the step; undefined unless 0 < w_rec < 1."""
    half_life: PiecewiseEstimate
    """The time constant times log 2."""
    weights: dict[str, Estimate]
    """The weight of each input; without ends where the intervals of states with the same inputs
    overlap."""


class DelayCost(ResponseModel):
    """The lowest cost with one delay."""

    delay: int
    """The delay in steps."""
    cost: float
    """The mean squared error."""
    criterion: Criterion


class DelayEstimate(ResponseModel):
    """The delay with the lowest cost."""

    value: int
    """The delay in steps."""
    costs: list[DelayCost]
    """The cost of every delay."""


class Minimum(ResponseModel):
    """A local minimum of the cost as a function of w_rec."""

    w_rec: float
    """The w_rec of the minimum."""
    cost: float
    """The mean squared error."""
    criterion: Criterion


class ResidualTests(ResponseModel):
    """Classical tests of the residuals.

    They are whitened if the noise is `ar1`, and divided by the predicted values with `proportional`
    variance.
    """

    autocorrelation: Nullable
    """At lag 1; null if there are no consecutive residuals."""
    ljung_box_p: Nullable
    """The p-value of the Ljung-Box test for up to 10 lags, with one degree of freedom less for a
    fitted `rho`; null if the mean number of targets per sequence is below ten times the number
    of sequences."""
    durbin_watson: Nullable
    """Near 2 if consecutive residuals are independent."""
