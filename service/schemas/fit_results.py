"""Fits of first-order recurrences: their results and the resource."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from service.schemas.arrays import IntegerVector, Vector
from service.schemas.base import Nullable, ResponseModel
from service.schemas.computations import ComputationLifecycle, ComputationSummary

LowEnd = Annotated[Nullable, Field(description="The lower end; null if there is none.")]
HighEnd = Annotated[Nullable, Field(description="The upper end; null if there is none.")]
Value = Annotated[Nullable, Field(description="The number; null if it is undefined.")]
Criterion = Annotated[
    Nullable,
    Field(
        description="With `ar1` noise, what is minimized: -2 ln of the restricted likelihood, "
        "above its minimum. Null with white noise."
    ),
]


class Span(ResponseModel):
    """A range of numbers."""

    low: LowEnd
    high: HighEnd


class Interval(Span):
    """One piece of a confidence interval."""

    low_open: Annotated[
        bool, Field(description="Whether the range of w_rec ends it, rather than the data.")
    ]
    high_open: Annotated[bool, Field(description="The same for the upper end.")]


class Estimate(ResponseModel):
    """A number and its confidence interval."""

    value: Value
    low: LowEnd
    high: HighEnd


class PiecewiseEstimate(ResponseModel):
    """A number, its standard error, and its confidence interval, which may have several pieces."""

    value: Value
    standard_error: Annotated[
        Nullable, Field(description="Its standard error, by the curvature at the optimum.")
    ]
    intervals: Annotated[list[Interval], Field(description="The pieces, in order of w_rec.")]


class EffectReport(ResponseModel):
    """Whether an effect on the target is visible in the data."""

    visible: Annotated[bool, Field(description="Whether it is.")]
    p: Annotated[float, Field(description="How often noise alone gives as large an effect.")]


class InputEstimate(ResponseModel):
    """The effect of one input."""

    name: Annotated[str, Field(description="The name of the input.")]
    w_in: Annotated[Estimate, Field(description="Its weight: the effect within one step.")]
    steady_state_gain: Annotated[
        Estimate,
        Field(
            description="w_in / (1 - w_rec): the long-run effect of a lasting change. Without ends "
            "if it was given."
        ),
    ]
    effects: Annotated[
        EffectReport | None,
        Field(
            description="Whether its effect is visible, given all other inputs; null if its gain "
            "was given, or if the effects of all inputs are null."
        ),
    ]


class DelayCost(ResponseModel):
    """The lowest cost with one delay."""

    delay: Annotated[int, Field(description="The delay in steps.")]
    cost: Annotated[float, Field(description="The mean squared error.")]
    criterion: Criterion


class DelayEstimate(ResponseModel):
    """The delay with the lowest cost."""

    value: Annotated[int, Field(description="The delay in steps.")]
    costs: Annotated[list[DelayCost], Field(description="The cost of every delay.")]


class Minimum(ResponseModel):
    """A local minimum of the cost as a function of w_rec."""

    w_rec: Annotated[float, Field(description="The w_rec of the minimum.")]
    cost: Annotated[float, Field(description="The mean squared error.")]
    criterion: Criterion


class ResidualTests(ResponseModel):
    """Classical tests of the residuals, whitened if the noise is `ar1`."""

    autocorrelation: Annotated[
        Nullable, Field(description="At lag 1; null if there are no consecutive residuals.")
    ]
    ljung_box_p: Annotated[
        Nullable,
        Field(
            description="The p-value of the Ljung-Box test for up to 10 lags, with a degree of "
            "freedom less for a fitted `rho`."
        ),
    ]
    durbin_watson: Annotated[
        Nullable, Field(description="Near 2 if consecutive residuals are independent.")
    ]


class Alternative(ResponseModel):
    """What to change in the request to get a clearly better fit, and that fit."""

    reason: Annotated[str, Field(description="The reason against the present fit.")]
    options: Annotated[
        dict[str, Any],
        Field(
            title="Changed request",
            description="The fields to change.",
            examples=[{"delay": 2}],
        ),
    ]
    w_rec: Annotated[float, Field(description="Its recurrent weight.")]
    time_constant: Annotated[
        Nullable, Field(description="Its time constant, in units of the step.")
    ]
    r_squared: Annotated[
        Nullable, Field(description="The fraction of the variance that it explains.")
    ]


class Finding(ResponseModel):
    """What was found, and what to do about it."""

    slug: Annotated[str, Field(description="The reason or the caution.")]
    sentence: Annotated[str, Field(description="What was found, in a sentence.")]
    advice: Annotated[str, Field(description="What to do about it.")]
    input: Annotated[str | None, Field(description="The input that it concerns.")]
    lag: Annotated[int | None, Field(description="A distance in time, in steps.")]
    value: Annotated[Nullable, Field(description="The size of what was found.")]
    p: Annotated[Nullable, Field(description="How often noise alone gives as much.")]


Reason: TypeAlias = Literal[
    "no_degrees_of_freedom",
    "delay_advised",
    "range_advised",
    "offset_advised",
    "no_visible_effect",
    "not_identifiable",
    "follow_inputs",
    "same_shape",
    "season",
    "noise_model_matters",
    "spread",
    "neighbors",
]
Caution: TypeAlias = Literal[
    "too_few_to_tell",
    "interval_open",
    "several_pieces",
    "rho_at_limit",
    "confounded_with_start",
    "nearly_collinear",
    "negative_offset",
    "feedback",
    "outliers",
    "alternate",
    "not_tested",
]


class TrustReport(ResponseModel):
    """Whether the interval of w_rec can be trusted."""

    interval: Annotated[
        bool, Field(description="Whether it can be trusted: there are no reasons not to.")
    ]
    reasons: Annotated[list[Reason], Field(description="Reasons not to trust it.")]
    cautions: Annotated[
        list[Caution], Field(description="What to consider, although it is no reason.")
    ]
    findings: Annotated[
        list[Finding], Field(description="Reasons, then cautions, each in a sentence.")
    ]
    cautious: Annotated[
        list[Span] | None,
        Field(
            description="The pieces of the interval of w_rec with `ar1` noise, which holds whether "
            "the noise is autocorrelated or not; null without degrees of freedom."
        ),
    ]


class FitResult(ResponseModel):
    """The result of a fit. Every field is null until the fit has succeeded."""

    w_rec: Annotated[PiecewiseEstimate | None, Field(description="The recurrent weight.")] = None
    time_constant: Annotated[
        PiecewiseEstimate | None,
        Field(description="-1 / log w_rec, in units of the step; undefined unless 0 < w_rec < 1."),
    ] = None
    half_life: Annotated[
        PiecewiseEstimate | None, Field(description="The time constant times log 2.")
    ] = None
    inputs: Annotated[
        list[InputEstimate] | None, Field(description="The inputs, in their order.")
    ] = None
    target: Annotated[str | None, Field(description="The name of the target.")] = None
    sequence_names: Annotated[
        list[str] | None, Field(description="The names of the sequences, if they have some.")
    ] = None
    offset: Annotated[
        Estimate | None,
        Field(description="The constant; null if there is none, without ends if it was given."),
    ] = None
    initial_states: Annotated[
        list[Estimate] | None,
        Field(description="S_0 of each sequence, or the shared one; null if it is not fitted."),
    ] = None
    delay: Annotated[DelayEstimate | None, Field(description="The delay of the inputs.")] = None
    rho: Annotated[
        Nullable,
        Field(description="The autocorrelation of the noise over one step, with `ar1` only."),
    ] = None
    cost: Annotated[Nullable, Field(description="The mean squared residual, before whitening.")] = (
        None
    )
    log10_cost: Annotated[
        Nullable, Field(description="Its decimal logarithm; null where the cost is 0.")
    ] = None
    level: Annotated[
        Nullable,
        Field(
            description="The cost (with `ar1` noise, the criterion) up to which w_rec is in the "
            "interval; null if all w_rec are."
        ),
    ] = None
    rmse: Annotated[Nullable, Field(description="The square root of the cost.")] = None
    innovation_sd: Annotated[
        Nullable,
        Field(
            description="The standard deviation of the whitened residuals, by the degrees of "
            "freedom; null if there are none."
        ),
    ] = None
    r_squared: Annotated[
        Nullable,
        Field(description="The fraction of the variance of the targets that is explained."),
    ] = None
    aic: Annotated[
        Nullable,
        Field(
            description="Akaike's information criterion, -2 ln of the full likelihood + 2 k. The "
            "variance of the noise and `rho` are among the k parameters, so that both kinds of "
            "noise compare. Null where the cost is 0."
        ),
    ] = None
    bic: Annotated[
        Nullable,
        Field(description="The Bayesian information criterion, with the penalty ln(n) k."),
    ] = None
    n_targets: Annotated[int | None, Field(description="The number of fitted targets.")] = None
    degrees_of_freedom: Annotated[
        int | None, Field(description="Targets minus unknowns; collinear ones count once.")
    ] = None
    minima: Annotated[
        list[Minimum] | None, Field(description="All local minima, the lowest first.")
    ] = None
    unique: Annotated[
        bool | None, Field(description="Whether a single w_rec has the lowest cost.")
    ] = None
    identifiable: Annotated[
        bool | None, Field(description="Whether the interval excludes any w_rec of the range.")
    ] = None
    at_limit: Annotated[
        bool | None, Field(description="Whether w_rec is at an end of the range.")
    ] = None
    residuals: Annotated[
        ResidualTests | None, Field(description="Whether the residuals look independent.")
    ] = None
    effects: Annotated[
        EffectReport | None,
        Field(
            description="Whether any effect of the inputs is visible; null without inputs, where "
            "they are confounded with the start, and where the fit leaves nothing to judge."
        ),
    ] = None
    alternatives: Annotated[
        list[Alternative] | None,
        Field(description="What to change to get a clearly better fit, the best first."),
    ] = None
    trust: Annotated[
        TrustReport | None, Field(description="Whether the interval of w_rec can be trusted.")
    ] = None


class FitArrays(ResponseModel):
    """The fit at every step, starting with the first target of each sequence, and the profile."""

    sequence: Annotated[IntegerVector, Field(description="The index of the sequence, from 0.")]
    step: Annotated[IntegerVector, Field(description="The step, from 1.")]
    target: Annotated[Vector, Field(description="The target; null where it is missing.")]
    prediction: Annotated[Vector, Field(description="The fit.")]
    low: Annotated[Vector, Field(description="The lower end of the band of the fit.")]
    high: Annotated[Vector, Field(description="The upper end of the band.")]
    residual: Annotated[Vector, Field(description="Target minus prediction.")]
    profile_w_rec: Annotated[Vector, Field(description="Values of w_rec, in order.")]
    profile_cost: Annotated[Vector, Field(description="The lowest cost with each of them.")]
    profile_criterion: Annotated[
        Vector, Field(description="The criterion with each of them; null with white noise.")
    ]


class FitResource(ComputationLifecycle, FitResult, ComputationSummary):
    """A fit."""

    arrays: Annotated[
        FitArrays | None,
        Field(description="With keep: false only. The arrays of a stored fit are in .csv."),
    ] = None


class FitPage(ResponseModel):
    """One page of fits, newest first."""

    items: Annotated[list[FitResource], Field(description="Up to limit fits.")]
    next_cursor: Annotated[str | None, Field(description="Null on the last page.")]
