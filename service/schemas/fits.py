"""Fits of first-order recurrences."""

from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from pydantic import Field, PlainValidator, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from service.engine.fit import FitOptions
from service.schemas.arrays import (
    LARGEST,
    NUMBERS,
    IntegerVector,
    Vector,
    error_at,
    in_range,
    magnitude_error,
)
from service.schemas.base import NUMBER, Nullable, RequestModel, ResponseModel
from service.schemas.computations import (
    ComputationLifecycle,
    ComputationRequest,
    ComputationSummary,
)
from service.schemas.series import StepSchema

MAX_DELAY = 10_000
MAX_DELAYS = 50
STARTS = ("shared", "each")


def _initial_state(value: Any) -> float | str:
    if type(value) is str and value in STARTS:
        return value
    if type(value) not in NUMBERS:
        message = "Input should be a number, 'shared' or 'each'"
        raise PydanticCustomError("initial_state", message)
    if not in_range(np.array([value], np.float64)).all():
        raise magnitude_error()
    return float(value)


def _delay(value: Any) -> int | dict[str, int]:
    """Validate a number of steps, or a range of them; a range of one number is that number."""
    ends = {"low": value, "high": value}
    if isinstance(value, dict):
        if value.keys() != ends.keys():
            raise PydanticCustomError("delay", "Input should have the fields low and high")
        ends = value
    for name, steps in ends.items():
        at = [name] if isinstance(value, dict) else []
        if type(steps) not in NUMBERS or not float(steps).is_integer():
            message = "Input should be a whole number of steps"
            raise PydanticCustomError("delay", message, {"at": at})
        if not 0 <= steps <= MAX_DELAY:
            message = f"Input should be from 0 to {MAX_DELAY}"
            raise PydanticCustomError("delay", message, {"at": at})
    low, high = int(ends["low"]), int(ends["high"])
    if low > high:
        raise PydanticCustomError("range_order", "low must not be above high")
    if high - low >= MAX_DELAYS:
        raise error_at("delays", f"there are {high - low + 1} delays; the limit is {MAX_DELAYS}")
    return low if low == high else {"low": low, "high": high}


_STEPS: Any = {"type": "integer", "minimum": 0, "maximum": MAX_DELAY}
Delay: TypeAlias = Annotated[
    int | dict[str, int],
    PlainValidator(_delay),
    WithJsonSchema(
        {
            "anyOf": [
                _STEPS,
                {
                    "type": "object",
                    "properties": {"low": _STEPS, "high": _STEPS},
                    "required": ["low", "high"],
                    "additionalProperties": False,
                },
            ]
        }
    ),
]
InitialState: TypeAlias = Annotated[
    float | Literal["shared", "each"],
    PlainValidator(_initial_state),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": -LARGEST, "maximum": LARGEST},
                {"type": "string", "enum": list(STARTS)},
            ]
        }
    ),
]


class FitRange(RequestModel):
    """The range in which w_rec is searched."""

    low: Annotated[float, Field(ge=-LARGEST, le=LARGEST, description="The lower end."), NUMBER] = (
        0.0
    )
    high: Annotated[
        float,
        Field(ge=-LARGEST, le=LARGEST, description="The upper end; must be above the lower end."),
        NUMBER,
    ] = 1.0

    @model_validator(mode="after")
    def _in_order(self) -> "FitRange":
        if not self.low + 1e-6 * max(1.0, abs(self.low)) < self.high:
            raise PydanticCustomError("range_order", "low must be below high by at least 1e-6")
        return self


class FitRequest(ComputationRequest):
    """What is fitted, and to which data."""

    initial_state: Annotated[
        InitialState | None,
        Field(
            description="S_0, the state before the first step that is used: a number, `shared` "
            "(unknown, one for all sequences) or `each` (unknown, one per sequence). Null is each "
            "for a series, and 0 for one target per sequence."
        ),
    ] = None
    offset: Annotated[
        bool | None,
        Field(
            strict=True,
            description="Whether a constant is added to the states. Null is true for a series, and "
            "false for one target per sequence.",
        ),
    ] = None
    delay: Annotated[
        Delay,
        Field(
            description="The number of steps by which all inputs act later (the dead time), 0 by "
            f"default, or a range of at most {MAX_DELAYS} numbers from which the best is chosen. "
            "Every sequence begins after as many steps as the highest delay."
        ),
    ] = 0
    w_rec: Annotated[FitRange, Field(description="The range of w_rec.")] = FitRange()
    noise: Annotated[
        Literal["white", "ar1"],
        Field(
            description="`ar1` for noise that follows a first-order autoregression, for one "
            "sequence without gaps."
        ),
    ] = "white"
    step: Annotated[
        StepSchema | None,
        Field(description="The time from one step to the next; by default that of the dataset."),
    ] = None
    confidence: Annotated[
        float, Field(gt=0, lt=1, description="The confidence of the intervals."), NUMBER
    ] = 0.95

    @property
    def delays(self) -> tuple[int, int]:
        """The lowest and the highest delay."""
        if isinstance(self.delay, dict):
            return self.delay["low"], self.delay["high"]
        return self.delay, self.delay

    @property
    def progress_total(self) -> int:
        """The number of delays."""
        low, high = self.delays
        return high - low + 1

    def to_options(self) -> FitOptions:
        """Return the engine's options, once the initial state and the offset are known."""
        return FitOptions(
            0.0 if self.initial_state is None else self.initial_state,
            bool(self.offset),
            self.delays,
            (self.w_rec.low, self.w_rec.high),
            self.noise,
            self.confidence,
        )


LowEnd = Annotated[Nullable, Field(description="The lower end; null if there is none.")]
HighEnd = Annotated[Nullable, Field(description="The upper end; null if there is none.")]
Value = Annotated[Nullable, Field(description="The number; null if it is undefined.")]


class Span(ResponseModel):
    """A range of numbers."""

    low: LowEnd
    high: HighEnd


class Interval(Span):
    """One piece of a confidence interval."""

    low_open: Annotated[
        bool, Field(description="Whether the range of w_rec ends it, rather than the data.")
    ]
    high_open: Annotated[bool, Field(description="The same of the upper end.")]


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


class InputEstimate(ResponseModel):
    """The effect of one input."""

    name: Annotated[str, Field(description="The name of the input.")]
    w_in: Annotated[Estimate, Field(description="Its weight: the effect within one step.")]
    steady_state_gain: Annotated[
        Estimate,
        Field(description="w_in / (1 - w_rec): the effect of a lasting change in the long run."),
    ]


class DelayCost(ResponseModel):
    """The lowest cost with one delay."""

    delay: Annotated[int, Field(description="The delay in steps.")]
    cost: Annotated[float, Field(description="The mean squared error.")]


class DelayEstimate(ResponseModel):
    """The delay with the lowest cost."""

    value: Annotated[int, Field(description="The delay in steps.")]
    costs: Annotated[list[DelayCost], Field(description="The cost of every delay.")]


class Minimum(ResponseModel):
    """A local minimum of the cost as a function of w_rec."""

    w_rec: Annotated[float, Field(description="Where it is.")]
    cost: Annotated[float, Field(description="The mean squared error.")]


class ResidualTests(ResponseModel):
    """Whether the residuals look like independent noise."""

    autocorrelation: Annotated[
        Nullable, Field(description="At lag 1; null if no two residuals follow each other.")
    ]
    ljung_box_p: Annotated[
        Nullable,
        Field(description="The p-value of no autocorrelation up to lag 10 (Ljung and Box)."),
    ]
    durbin_watson: Annotated[
        Nullable, Field(description="Near 2 if successive residuals are independent.")
    ]


Reason: TypeAlias = Literal[
    "residuals_autocorrelated",
    "nearly_collinear",
    "not_identifiable",
    "no_degrees_of_freedom",
    "offset_advised",
    "too_few_to_tell",
    "interval_open",
    "several_pieces",
]


class TrustReport(ResponseModel):
    """Whether the interval of w_rec can be trusted."""

    interval: Annotated[bool, Field(description="Whether it can.")]
    reasons: Annotated[
        list[Reason],
        Field(
            description="Doubts, with which it cannot: `residuals_autocorrelated`, "
            "`nearly_collinear`, `not_identifiable`, `no_degrees_of_freedom`, `offset_advised`. "
            "Cautions: `too_few_to_tell` (under 30 targets), `interval_open`, `several_pieces`."
        ),
    ]
    widened: Annotated[
        list[Span] | None,
        Field(description="The pieces of a wider interval; null if the interval can be trusted."),
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
    offset: Annotated[
        Estimate | None, Field(description="The constant; null if it is not fitted.")
    ] = None
    initial_states: Annotated[
        list[Estimate] | None,
        Field(description="S_0 of every sequence, or of all; null if it is not fitted."),
    ] = None
    delay: Annotated[DelayEstimate | None, Field(description="The delay of the inputs.")] = None
    rho: Annotated[
        Nullable, Field(description="The autocorrelation of the noise, with `ar1` only.")
    ] = None
    cost: Annotated[Nullable, Field(description="The mean squared error.")] = None
    log10_cost: Annotated[
        Nullable, Field(description="Its decimal logarithm; null where the cost is 0.")
    ] = None
    level: Annotated[
        Nullable,
        Field(description="The cost up to which a w_rec is in the interval; null if all are."),
    ] = None
    rmse: Annotated[Nullable, Field(description="The square root of the cost.")] = None
    r_squared: Annotated[
        Nullable, Field(description="The part of the variance of the targets that is explained.")
    ] = None
    aic: Annotated[Nullable, Field(description="Akaike's information criterion.")] = None
    bic: Annotated[Nullable, Field(description="The Bayesian information criterion.")] = None
    n_targets: Annotated[int | None, Field(description="The number of fitted targets.")] = None
    degrees_of_freedom: Annotated[
        int | None, Field(description="Targets minus unknowns; collinear ones count once.")
    ] = None
    minima: Annotated[
        list[Minimum] | None, Field(description="All local minima, the lowest first.")
    ] = None
    unique: Annotated[
        bool | None, Field(description="Whether one w_rec alone has the lowest cost.")
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
    trust: Annotated[
        TrustReport | None, Field(description="Whether the interval of w_rec can be trusted.")
    ] = None


class FitArrays(ResponseModel):
    """The fit at every step from the first target of each sequence on, and the profile."""

    sequence: Annotated[IntegerVector, Field(description="The index of the sequence, from 0.")]
    step: Annotated[IntegerVector, Field(description="The step, from 1.")]
    target: Annotated[Vector, Field(description="The target; null where it is missing.")]
    prediction: Annotated[Vector, Field(description="The fit.")]
    low: Annotated[Vector, Field(description="The lower end of the band of the fit.")]
    high: Annotated[Vector, Field(description="The upper end of the band.")]
    residual: Annotated[Vector, Field(description="Target minus prediction.")]
    profile_w_rec: Annotated[Vector, Field(description="Values of w_rec, in order.")]
    profile_cost: Annotated[Vector, Field(description="The lowest cost with each of them.")]


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
