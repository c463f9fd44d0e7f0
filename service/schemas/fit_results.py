"""Fits of first-order recurrences: their verdicts, their results and the resource."""

from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from service.engine.fit import RULES, Level, Topic
from service.schemas.arrays import IntegerVector, Vector
from service.schemas.base import Nullable, Page, ResponseModel
from service.schemas.computations import ComputationLifecycle, ComputationSummary
from service.schemas.fit_estimates import (
    DelayEstimate,
    EffectReport,
    Estimate,
    GroupReport,
    InputEstimate,
    Minimum,
    PiecewiseEstimate,
    ResidualTests,
    SequenceEstimate,
    Span,
    StateEstimate,
)
from service.schemas.problems import Assumption


class Alternative(ResponseModel):
    """The changes to the request for a clearly better fit, and that fit."""

    reason: str
    """Why this fit was rejected."""
    options: Annotated[dict[str, Any], Field(title="Changed request", examples=[{"delay": 2}])]
    """The fields to change."""
    w_rec: Nullable
    """Its recurrent weight; null if it has several."""
    time_constant: Nullable
    """Its time constant, in units of the step; null if it has several."""
    time_constants: list[Nullable]
    """The time constants of all its states, the longest first, in units of the step."""
    r_squared: Nullable
    """The fraction of the variance that it explains."""


class Finding(ResponseModel):
    """A finding, with the recommended action."""

    slug: str
    """The reason or the caution."""
    sentence: str
    """The finding, in a sentence."""
    advice: str
    """The recommended action."""
    input: str | None
    """The input that it concerns."""
    lag: int | None
    """A distance in time, in steps."""
    value: Nullable
    """The size of the deviation."""
    p: Nullable
    """The p-value: how often noise alone gives at least this much."""
    part: str | None
    """The part that changes over the record (`w_rec`, `gain`, `level`, or `w_rec or the gain`), or
    the extreme (`largest`, `smallest`) that targets equal."""


REASONS = [rule.slug for rule in RULES.values() if "reason" in rule.kinds]
CAUTIONS = [rule.slug for rule in RULES.values() if "caution" in rule.kinds]
Reason = Annotated[str, WithJsonSchema({"type": "string", "enum": REASONS})]
Caution = Annotated[str, WithJsonSchema({"type": "string", "enum": CAUTIONS})]


class TrustReport(ResponseModel):
    """The verdict on the interval of w_rec."""

    interval: bool
    """True if `reasons` is empty. Below 50 targets, the interval judged is the cautious one."""
    reasons: list[Reason]
    """Reasons not to trust it."""
    cautions: list[Caution]
    """Caveats that do not invalidate the interval."""
    findings: list[Finding]
    """Reasons, then cautions, each in a sentence."""
    cautious: list[Span] | None
    """The pieces of the interval of w_rec with `ar1` noise, which is valid for both white and
    autocorrelated noise; null without degrees of freedom, and empty if w_rec was given or for
    several time constants."""


class ShownInterval(Span):
    """The interval to show: of the time constant in units of `step`, or of w_rec without one.

    Open ends are null, and both ends are null without an estimate. For several pieces, the ends are
    the lowest and the highest.
    """

    noise: Literal["white", "ar1"]
    """The noise model of all that is described: below 50 targets `ar1` for `white`."""


class FitSummary(ResponseModel):
    """The fit in words, for the command line, the client, the pictures and the page."""

    level: Level
    """The confidence in the fit. `trusted` and `caution` only if `trust.interval` is true;
    `rejected` if it is false. `no_effect` if no effect of the inputs is detected, `too_few` and
    `not_identified` if the interval excludes nothing."""
    headline: str
    """The result in one line."""
    sentences: list[str]
    """Notes on the table first, then the interval, the half-life, the delay, the
    effects, the quality, the verdict and the findings."""
    topics: list[Topic]
    """The topic of each sentence."""
    interval: ShownInterval
    """The interval in the first sentence."""
    w_rec: Nullable = None
    """The recurrent weight that is described, with the noise model of `interval`; null with several
    time constants."""
    time_constant: Nullable = None
    """Its time constant, in units of the step; null if it is undefined."""
    gains: list[Estimate] | None = None
    """The steady-state gains of the inputs that are described, with the same noise model."""


class FitResult(ResponseModel):
    """The result of a fit. Every field is null until the fit has succeeded."""

    w_rec: PiecewiseEstimate | None = None
    """The recurrent weight; null with several time constants."""
    time_constant: PiecewiseEstimate | None = None
    """-1 / log w_rec, in units of the step; undefined unless 0 < w_rec < 1, and null with several
    time constants."""
    half_life: PiecewiseEstimate | None = None
    """The time constant times log 2."""
    states: list[StateEstimate] | None = None
    """The states of the model, the slowest first."""
    inputs: list[InputEstimate] | None = None
    """The inputs, in their order."""
    target: str | None = None
    """The name of the target."""
    sequence_names: list[str] | None = None
    """The names of the sequences, if given."""
    repairs: list[str] | None = None
    """The repairs of the table of the series; null without any."""
    assumptions: list[Assumption] | None = None
    """Observations and assumptions about the table of the series; null without anything."""
    offset: Estimate | None = None
    """The constant; null without an offset; null bounds if it was given. With an offset per
    sequence, their mean, without bounds."""
    offsets: list[SequenceEstimate] | None = None
    """The constants of single sequences; null unless each has its own."""
    groups: GroupReport | None = None
    """The differences between the sequences; null unless each has its own offset."""
    trend: Estimate | None = None
    """The change by the trend, from the first step in use to the last; null without a trend."""
    initial_states: list[Estimate] | None = None
    """S_0 of each sequence, or the shared one; null if it is not fitted, if w_rec is below 0.05,
    and with several time constants."""
    delay: DelayEstimate | None = None
    """The delay of the inputs."""
    rho: Nullable = None
    """The autocorrelation of the noise over one step, with `ar1` only."""
    cost: Nullable = None
    """The mean squared residual, before whitening and without weights."""
    log10_cost: Nullable = None
    """Its decimal logarithm; null where the cost is 0."""
    level: Nullable = None
    """The cost (where there is one, the criterion) up to which w_rec is in the interval; null if
    all w_rec are."""
    rmse: Nullable = None
    """The square root of the cost."""
    innovation_sd: Nullable = None
    """The standard deviation of the whitened residuals, with the degrees of freedom as the divisor;
    null if there are none. With `proportional` variance, that of the residuals divided by the
    predicted values."""
    r_squared: Nullable = None
    """The explained fraction of the variance of the targets, from the residuals before whitening;
    below 0 if the mean of the targets would fit better."""
    aic: Nullable = None
    """Akaike's information criterion, -2 ln of the full likelihood + 2 k. The variance of the
    noise and `rho` are among the k parameters, so both kinds of noise can be compared. Null if
    the cost is 0."""
    bic: Nullable = None
    """The Bayesian information criterion, with the penalty ln(n) k."""
    n_targets: int | None = None
    """The number of fitted targets."""
    degrees_of_freedom: int | None = None
    """Targets minus unknowns; collinear ones count once."""
    minima: list[Minimum] | None = None
    """All local minima, the lowest first."""
    unique: bool | None = None
    """True if a single w_rec has the lowest cost."""
    identifiable: bool | None = None
    """True if the interval excludes any w_rec of the range."""
    at_limit: bool | None = None
    """True if w_rec is at an end of the range."""
    residuals: ResidualTests | None = None
    """Tests for autocorrelation of the residuals."""
    effects: EffectReport | None = None
    """The test for an effect of any input; null without inputs, if they are confounded with the
    start, and if the residuals are too small to test."""
    alternatives: list[Alternative] | None = None
    """Clearly better fits, the best first."""
    trust: TrustReport | None = None
    """The verdict on the interval of w_rec."""
    summary: FitSummary | None = None
    """The fit in words; null also for a fit that an older version of the service stored."""


class FitArrays(ResponseModel):
    """The fit at every step, starting with the first target of each sequence, and the profile."""

    sequence: IntegerVector
    """The index of the sequence, from 0."""
    step: IntegerVector
    """The step, from 1."""
    target: Vector
    """The target; null if it is missing."""
    prediction: Vector
    """The fit."""
    low: Vector
    """The lower end of the band of the fit."""
    high: Vector
    """The upper end of the band."""
    residual: Vector
    """Target minus prediction."""
    innovation: Vector
    """The residual without the autocorrelation of the noise; equal to it for white noise."""
    profile_w_rec: Vector
    """Values of w_rec, in order."""
    profile_cost: Vector
    """The lowest cost with each of them."""
    profile_criterion: Vector
    """The criterion with each of them; null where the cost is minimized."""


class FitResource(ComputationLifecycle, FitResult, ComputationSummary):
    """A fit."""

    arrays: FitArrays | None = None
    """With keep: false only. The arrays of a stored fit are in .csv."""


class FitPage(Page[FitResource]):
    """One page of fits, newest first."""
