"""The models of the API. Generated from its schema by `make openapi`: do not edit."""

from dataclasses import dataclass
from typing import Any, Literal, NotRequired, TypedDict

from linear_rnn._arrays import Array, IntArray
from linear_rnn._estimates import IntervalEnds, Trust
from linear_rnn._finished import finished
from linear_rnn._names import suggest_keywords

Activation = Literal["identity", "tanh", "relu", "sigmoid"]

Aggregation = Literal["sum", "tutorial"]

Mark = Literal["optimum", "valley"]

Outcome = Literal["target_reached", "iterations_exhausted", "diverged"]

Regime = Literal["zero", "vanishing", "steady", "exploding"]

Scale = Literal["linear", "log"]

Theme = Literal["light", "dark"]


@suggest_keywords
@dataclass(kw_only=True)
class Adam:
    """Adam: m ← β₁ m + (1 - β₁) g; v ← β₂ v + (1 - β₂) g²; w ← w - η (m / (1 - β₁ᵏ)) / (√(v / (1 -
    β₂ᵏ)) + ε) at iteration k = 1, 2, …"""

    name: Literal["adam"] = "adam"
    """The name of the optimizer."""
    learning_rate: float = 0.01
    """Factor of every step."""
    beta_1: float = 0.9
    """Fraction of the mean that remains after an iteration."""
    beta_2: float = 0.999
    """Fraction of the mean square that remains after an iteration."""
    epsilon: float = 1e-08
    """Term that makes the denominator positive."""


@suggest_keywords
@dataclass(kw_only=True)
class GradientDescent:
    """Gradient descent: w ← w - η g"""

    name: Literal["gradient_descent"] = "gradient_descent"
    """The name of the optimizer."""
    learning_rate: float = 0.01
    """Factor of every step."""


@suggest_keywords
@dataclass(kw_only=True)
class IrpropMinus:
    """iRprop⁻: s = sign g; Δ ← clamp(Δ · (η⁺ if s s₋₁ > 0, η⁻ if s s₋₁ < 0, else 1), Δmin, Δmax); s
    ← 0 if s s₋₁ < 0; w ← w - s Δ"""

    name: Literal["irprop_minus"] = "irprop_minus"
    """The name of the optimizer."""
    eta_plus: float = 1.2
    """Factor of Δ while the gradient keeps its sign."""
    eta_minus: float = 0.5
    """Factor of Δ when the gradient changes its sign."""
    initial_step: float = 0.001
    """Step size Δ before the first iteration."""
    minimum_step: float = 1e-06
    """Lower bound of Δ."""
    maximum_step: float = 50.0
    """Upper bound of Δ; overrides the minimum."""


@suggest_keywords
@dataclass(kw_only=True)
class LevenbergMarquardt:
    """Levenberg-Marquardt: solve (JᵀJ + λ diag(JᵀJ)) d = -Jᵀr; if the cost decreases, w ← w + d and
    λ ← λ · damping_down, else λ ← λ · damping_up"""

    name: Literal["levenberg_marquardt"] = "levenberg_marquardt"
    """The name of the optimizer."""
    damping: float = 0.001
    """Initial λ."""
    damping_up: float = 3.0
    """Factor of λ after a rejected step."""
    damping_down: float = 0.3
    """Factor of λ after an accepted step."""


@suggest_keywords
@dataclass(kw_only=True)
class Momentum:
    """Momentum: v ← μ v + g; w ← w - η v, or w ← w - η (g + μ v) with Nesterov"""

    name: Literal["momentum"] = "momentum"
    """The name of the optimizer."""
    learning_rate: float = 0.003
    """Factor of every step."""
    momentum: float = 0.9
    """Fraction of the velocity that remains after an iteration."""
    nesterov: bool = False
    """Step along g + μ v instead of v."""


@suggest_keywords
@dataclass(kw_only=True)
class Rmsprop:
    """RMSprop: v ← alpha v + (1 - alpha) g²; w ← w - η g / (√v + ε)"""

    name: Literal["rmsprop"] = "rmsprop"
    """The name of the optimizer."""
    learning_rate: float = 0.01
    """Factor of every step."""
    alpha: float = 0.9
    """Fraction of the mean square that remains after an iteration."""
    epsilon: float = 1e-08
    """Term that makes the denominator positive."""


@suggest_keywords
@dataclass(kw_only=True)
class Rprop:
    """Rprop: s = sign g; Δ ← Δ · (η⁺ if s = s₋₁ else η⁻); w ← w - s Δ"""

    name: Literal["rprop"] = "rprop"
    """The name of the optimizer."""
    eta_plus: float = 1.2
    """Factor of Δ while the gradient keeps its sign."""
    eta_minus: float = 0.5
    """Factor of Δ when the gradient changes its sign."""
    initial_step: float = 0.001
    """Step size Δ before the first iteration."""


Optimizer = Adam | GradientDescent | IrpropMinus | LevenbergMarquardt | Momentum | Rmsprop | Rprop

OptimizerName = Literal[
    "adam",
    "gradient_descent",
    "irprop_minus",
    "levenberg_marquardt",
    "momentum",
    "rmsprop",
    "rprop",
]


@dataclass(kw_only=True)
class Alternative:
    """The changes to the request for a clearly better fit, and that fit."""

    reason: str
    """Why this fit was rejected."""
    options: dict[str, Any]
    """The fields to change."""
    w_rec: float | None = None
    """Its recurrent weight; null if it has several."""
    time_constant: float | None = None
    """Its time constant, in units of the step; null if it has several."""
    time_constants: Array
    """The time constants of all its states, the longest first, in units of the step."""
    r_squared: float | None = None
    """The fraction of the variance that it explains."""


@dataclass(kw_only=True)
class Repair:
    """Query parameters of an upload that make a table readable."""

    label: str
    """The label of a button or an option."""
    query: dict[str, str | int]
    """The parameters of POST /v1/datasets."""


@dataclass(kw_only=True)
class OutcomeShares:
    """The share of initial weights with each outcome, from 0 to 1."""

    target_reached: float
    """The cost reached the target."""
    iterations_exhausted: float
    """The iterations ended before the cost reached the target."""
    diverged: float
    """A weight became infinite or NaN."""


@dataclass(kw_only=True)
class Progress:
    """The progress of a computation."""

    done: int
    """Iterations done, or steps of a fit."""
    total: int
    """Iterations requested, or steps of a fit: searches over delays, and stages of the verdict."""


class Clip(TypedDict):
    """Clipping of the gradient before the optimizer uses it."""

    by: NotRequired[Literal["norm", "value"]]
    """norm scales the whole gradient; value bounds each component."""
    threshold: NotRequired[float]
    """The bound."""


class CountOnesDataset(TypedDict):
    """Random bit sequences and the number of ones in each, generated as in the tutorial."""

    kind: Literal["count_ones"]
    """The source of the dataset."""
    n_samples: NotRequired[int]
    """The number of sequences."""
    n_steps: NotRequired[int]
    """The length of each sequence."""
    seed: NotRequired[int]
    """The seed; equal seeds give equal datasets."""
    noise: NotRequired[float]
    """The standard deviation of normal noise added to the targets."""


class ExplicitDataset(TypedDict):
    """A dataset in the request itself."""

    kind: Literal["explicit"]
    """The source of the dataset."""
    inputs: list[list[float]]
    """Sequences of equal length; at most 20,000 steps by default."""
    targets: list[float]
    """The target of each sequence: the desired last state."""


class RememberDataset(TypedDict):
    """Sequences whose first input is the target, a standard normal number, followed by zeros."""

    kind: Literal["remember"]
    """The source of the dataset."""
    n_samples: NotRequired[int]
    """The number of sequences."""
    n_steps: NotRequired[int]
    """The length of each sequence."""
    seed: NotRequired[int]
    """The seed; equal seeds give equal datasets."""


class StoredDataset(TypedDict):
    """A stored dataset."""

    kind: Literal["stored"]
    """The source of the dataset."""
    id: str
    """The id of the dataset."""


class ContinuedSequence(TypedDict):
    """The sequence of a fit to continue."""

    sequence: NotRequired[int]
    """Its index in the dataset of the fit."""


class WeightsFields(TypedDict):
    """The two weights of the network."""

    w_in: NotRequired[float]
    """The input weight."""
    w_rec: NotRequired[float]
    """The recurrent weight."""


@dataclass(kw_only=True)
class Curvature:
    """The eigenvalues of the Hessian of the cost with respect to both weights."""

    largest: float
    """Near a minimum, gradient descent diverges if the learning rate exceeds 2 divided by this
    value."""
    smallest: float
    """Negative where the cost is concave in some direction."""


@dataclass(kw_only=True)
class NumberRange:
    """The range of the numbers of an array."""

    low: float
    """The minimum."""
    high: float
    """The maximum."""


@dataclass(kw_only=True)
class Step:
    """The time from one step to the next."""

    length: float = 1.0
    """Its length in units."""
    unit: str = "step"
    """Its unit."""


class StepFields(TypedDict):
    """The time from one step to the next."""

    length: NotRequired[float]
    """Its length in units."""
    unit: NotRequired[str]
    """Its unit."""


@dataclass(kw_only=True)
class DelayCost:
    """The lowest cost with one delay."""

    delay: int
    """The delay in steps."""
    cost: float
    """The mean squared error."""
    criterion: float | None = None
    """-2 ln of the restricted likelihood, above its minimum, with `ar1` noise or `proportional`
    variance. Null otherwise, where the cost is minimized."""


class DelayRange(TypedDict):
    """The delays to search, in steps."""

    low: int
    """The lowest."""
    high: int
    """The highest."""


@dataclass(kw_only=True)
class Estimate:
    """A number and its confidence interval."""

    value: float | None = None
    """The number; null if it is undefined."""
    low: float | None = None
    """The lower end; null if there is none."""
    high: float | None = None
    """The upper end; null if there is none."""


@dataclass(kw_only=True)
class EffectReport:
    """The test for an effect on the target."""

    visible: bool
    """True if an effect is detected."""
    p: float
    """The p-value: how often noise alone gives at least this much."""


@dataclass(kw_only=True)
class Weights:
    """Two numbers, one per weight; null where a number is not finite."""

    w_in: float
    """For the input weight."""
    w_rec: float
    """For the recurrent weight."""


@dataclass(kw_only=True)
class Finding:
    """A finding, with the recommended action."""

    slug: str
    """The reason or the caution."""
    sentence: str
    """The finding, in a sentence."""
    advice: str
    """The recommended action."""
    input: str | None = None
    """The input that it concerns."""
    lag: int | None = None
    """A distance in time, in steps."""
    value: float | None = None
    """The size of the deviation."""
    p: float | None = None
    """The p-value: how often noise alone gives at least this much."""
    part: str | None = None
    """The part that changes over the record (`w_rec`, `gain`, `level`, or `w_rec or the gain`), or
    the extreme (`largest`, `smallest`) that targets equal."""


@dataclass(kw_only=True)
class FitArrays:
    """The fit at every step, starting with the first target of each sequence, and the profile."""

    sequence: IntArray
    """The index of the sequence, from 0."""
    step: IntArray
    """The step, from 1."""
    target: Array
    """The target; null if it is missing."""
    prediction: Array
    """The fit."""
    low: Array
    """The lower end of the band of the fit."""
    high: Array
    """The upper end of the band."""
    residual: Array
    """Target minus prediction."""
    innovation: Array
    """The residual without the autocorrelation of the noise; equal to it for white noise."""
    profile_w_rec: Array
    """Values of w_rec, in order."""
    profile_cost: Array
    """The lowest cost with each of them."""
    profile_criterion: Array
    """The criterion with each of them; null where the cost is minimized."""


class FitModel(TypedDict):
    """A stored fit, with its own inputs."""

    kind: Literal["fit"]
    """The source of the weights."""
    id: str
    """The id of the fit."""
    initial_state: NotRequired[float | None]
    """The initial state of new sequences; null selects that of the fit."""


@dataclass(kw_only=True)
class FitPredictModel:
    """The fit of the prediction."""

    id: str
    """The id of the fit."""
    w_rec: float | None = None
    """The recurrent weight; null with several time constants."""
    w_in: Array
    """The weights of the inputs."""
    offset: float | None = None
    """The constant; null if there is none."""
    delay: int
    """The delay of the inputs in steps."""


@dataclass(kw_only=True)
class PredictionSummary:
    """Notes on predictions, in words."""

    level: (
        Literal["trusted", "caution", "rejected", "no_effect", "too_few", "not_identified"] | None
    ) = None
    """The confidence in the fit; null without a verdict."""
    sentences: list[str]
    """The verdict on the fit, inputs beyond those of the data, the end of each plan, their
    differences, and the goal."""


class FitRange(TypedDict):
    """The range in which w_rec is searched, or a given w_rec if both ends are equal."""

    low: NotRequired[float]
    """The lower end."""
    high: NotRequired[float]
    """The upper end."""


class SeasonFields(TypedDict):
    """A season that repeats after a number of steps."""

    period: int
    """The period in steps."""
    harmonics: NotRequired[int]
    """The number of harmonics, at most half of the period; 3 by default, or fewer for short
    periods. More follow sharper patterns."""


class StoredSequences(TypedDict):
    """A stored dataset, or one sequence of a stored series."""

    kind: Literal["stored"]
    """The source of the dataset."""
    id: str
    """The id of the dataset."""
    sequence: NotRequired[str | None]
    """The name of the only sequence to use, or its position from 0 if the sequences have no names;
    by default all are used."""


@dataclass(kw_only=True)
class Minimum:
    """A local minimum of the cost as a function of w_rec."""

    w_rec: float
    """The w_rec of the minimum."""
    cost: float
    """The mean squared error."""
    criterion: float | None = None
    """-2 ln of the restricted likelihood, above its minimum, with `ar1` noise or `proportional`
    variance. Null otherwise, where the cost is minimized."""


@dataclass(kw_only=True)
class ResidualTests:
    """Classical tests of the residuals. They are whitened if the noise is `ar1`, and divided by the
    predicted values with `proportional` variance."""

    autocorrelation: float | None = None
    """At lag 1; null if there are no consecutive residuals."""
    ljung_box_p: float | None = None
    """The p-value of the Ljung-Box test for up to 10 lags, with one degree of freedom less for a
    fitted `rho`; null if the mean number of targets per sequence is below ten times the number of
    sequences."""
    durbin_watson: float | None = None
    """Near 2 if consecutive residuals are independent."""


@dataclass(kw_only=True)
class SequenceEstimate:
    """A number of one sequence."""

    value: float | None = None
    """The number; null if it is undefined."""
    low: float | None = None
    """The lower end; null if there is none."""
    high: float | None = None
    """The upper end; null if there is none."""
    sequence: str
    """The name of the sequence, or its index from 0."""


@dataclass(kw_only=True)
class ShownInterval:
    """The interval to show: of the time constant in units of `step`, or of w_rec without one. Open
    ends are null, and both ends are null without an estimate. For several pieces, the ends are the
    lowest and the highest."""

    low: float | None = None
    """The lower end; null if there is none."""
    high: float | None = None
    """The upper end; null if there is none."""
    noise: Literal["white", "ar1"]
    """The noise model of all that is described: below 50 targets `ar1` for `white`."""


@dataclass(kw_only=True)
class Span:
    """A range of numbers."""

    low: float | None = None
    """The lower end; null if there is none."""
    high: float | None = None
    """The upper end; null if there is none."""


class Goal(TypedDict):
    """An output to reach by the choice of one input; the others are those of the first plan."""

    output: float
    """The output to reach."""
    input: NotRequired[str | None]
    """The input to choose, which may be null if there is only one."""
    at: NotRequired[int | None]
    """The step of the plan, from 1, at which the output is reached; null for the long run."""
    kind: NotRequired[Literal["lasting", "once"]]
    """`lasting` for the same input in every step, `once` for that of the first step only."""


@dataclass(kw_only=True)
class Health:
    """The process or the database responds."""

    status: Literal["ok"] = "ok"
    """Always ok."""
    version: str = "0.1.0"
    """The version of the service."""


@dataclass(kw_only=True)
class InputEffectReport:
    """The test for an effect of a single input, with the interval of its weight. The fit is the one
    that is tested: with `ar1` noise if successive residuals are correlated, or below 50 targets."""

    visible: bool
    """True if an effect is detected."""
    p: float
    """The p-value: how often noise alone gives at least this much."""
    low: float | None = None
    """The lower end; null if there is none."""
    high: float | None = None
    """The upper end; null if there is none."""


@dataclass(kw_only=True)
class Peak:
    """The highest point of a response that exceeds its steady state."""

    value: float | None = None
    """The number; null if it is undefined."""
    time: float | None = None
    """The number; null if it is undefined."""


@dataclass(kw_only=True)
class Interval:
    """One piece of a confidence interval."""

    low: float | None = None
    """The lower end; null if there is none."""
    high: float | None = None
    """The upper end; null if there is none."""
    low_open: bool
    """True if this end is the search limit rather than a bound from the data."""
    high_open: bool
    """The same for the upper end."""


class Range(TypedDict):
    """A range of one weight."""

    low: NotRequired[float]
    """The lower end."""
    high: NotRequired[float]
    """The upper end; must be above the lower end."""


@dataclass(kw_only=True)
class OptimizerParameter:
    """A parameter of an optimizer; a missing bound is null."""

    name: str
    """The name of the field in the request."""
    type: Literal["number", "boolean"]
    """The type of the value."""
    default: float | bool
    """The default."""
    minimum: float | None = None
    """The minimum."""
    maximum: float | None = None
    """The maximum."""
    exclusive_minimum: float | None = None
    """The value must be above this."""
    exclusive_maximum: float | None = None
    """The value must be below this."""
    description: str
    """The effect of the parameter."""


class Plan(TypedDict):
    """The inputs of future steps."""

    name: str
    """The name of the plan."""
    inputs: list[float | list[float]]
    """A list with one number per input for every step, or a number if there is one input."""


class RunModel(TypedDict):
    """The final weights of a stored training run."""

    kind: Literal["run"]
    """The source of the weights."""
    id: str
    """The id of the run."""


class Sequence(TypedDict):
    """One sequence of a series."""

    name: NotRequired[str | None]
    """Its name, if all sequences have one; above 1000 sequences, names are not stored."""
    times: NotRequired[list[str | float] | None]
    """The times of its steps, if all sequences have them: dates or numbers, as in a table. They
    must be equally spaced, by the step of the series."""
    inputs: NotRequired[list[list[float]] | None]
    """The numbers of all inputs at each step, (T, q). Null is allowed if the series has no
    inputs."""
    targets: list[float | None]
    """The target at each step, (T,); null is a gap."""


@dataclass(kw_only=True)
class TableColumn:
    """A column of a table."""

    name: str
    """Its name in the header."""
    unit: str
    """Its unit, from a line of units or from a sign in all its numbers; empty without one."""
    kind: Literal["time", "number", "text", "index", "empty"]
    """The contents of its fields; an index numbers the rows."""
    first: list[str]
    """Its first fields."""
    role: Literal["time", "clock", "input", "target", "sequence", "left_out"]
    """Its role in a series: as in the query, otherwise proposed."""
    because: str
    """The reason for its role."""


@dataclass(kw_only=True)
class TrajectoryResponse:
    """The recorded iterations of a run, as columns of equal length."""

    iteration: IntArray
    """The recorded iterations."""
    w_in: Array
    """The input weight after each iteration."""
    w_rec: Array
    """The recurrent weight after each iteration."""
    cost: Array
    """The cost; null where it overflows float64."""
    log10_cost: Array
    """Its decimal logarithm; null only where the cost is 0."""


class Network(TypedDict):
    """The parts of the network that are not trained."""

    activation: NotRequired[Activation]
    """The activation function f in S_k = f(w_rec S_{k-1} + w_in x_k)."""
    initial_state: NotRequired[float]
    """The state S_0 before the first input: 0, or a magnitude from 1e-100 to 1e+100."""


@dataclass(kw_only=True)
class ResolvedModel:
    """The weights and the network of the prediction."""

    w_in: float | None = None
    """The input weight."""
    w_rec: float | None = None
    """The recurrent weight."""
    initial_state: float
    """The state before the first input."""
    activation: Activation
    """The activation function f."""


class WeightsModel(TypedDict):
    """Weights and network in the request itself."""

    w_in: NotRequired[float]
    """The input weight."""
    w_rec: NotRequired[float]
    """The recurrent weight."""
    activation: NotRequired[Activation]
    """The activation function f in S_k = f(w_rec S_{k-1} + w_in x_k)."""
    initial_state: NotRequired[float]
    """The state S_0 before the first input: 0, or a magnitude from 1e-100 to 1e+100."""
    kind: Literal["weights"]
    """The source of the weights."""


@dataclass(kw_only=True)
class Assumption:
    """An observation or an assumption about a table that was read."""

    slug: str
    """Its kind."""
    sentence: str
    """Its description."""
    is_open: bool = False
    """True if answers from the table can be wrong because of it, unless it is repaired or
    confirmed."""
    line: int | None = None
    """The line of the table, from 1."""
    repairs: list[Repair]
    """The repairs of the table, as alternatives, and the confirmation."""


@dataclass(kw_only=True)
class ProblemField:
    """One invalid field or query parameter, with the members of its detail."""

    limit: float | None = None
    """The limit that is exceeded."""
    needed: float | None = None
    """The amount that the request requires, in the unit of the limit."""
    spent: float | None = None
    """The CPU seconds after which the work was stopped."""
    known: list[str] | None = None
    """The valid names, if a name is unknown."""
    line: int | None = None
    """The line of a table, from 1."""
    column: int | None = None
    """The column of a table, from 1."""
    n_targets: int | None = None
    """The number of targets to fit."""
    n_unknowns: int | None = None
    """The number of unknowns of a fit."""
    n_gaps: int | None = None
    """The number of gaps in the times of a table, where gaps=sequences would help."""
    are_regular: bool | None = None
    """True if as many rows precede each of these gaps, as in a working week."""
    repairs: list[Repair] | None = None
    """For a table: the query parameters that would repair it, as alternatives."""
    pointer: str | None = None
    """For a field: an RFC 6901 pointer into the JSON body."""
    parameter: str | None = None
    """For a query parameter: its name, as in the URL."""
    detail: str
    """The reason why it is invalid."""


@dataclass(kw_only=True)
class TableProblem:
    """A property of a table that prevents reading it, or may be wrong."""

    slug: str
    """Its kind."""
    sentence: str
    """Its description."""
    is_open: bool = False
    """True if answers from the table can be wrong because of it, unless it is repaired or
    confirmed."""
    line: int | None = None
    """The line of the table, from 1."""
    repairs: list[Repair]
    """The repairs of the table, as alternatives, and the confirmation."""
    is_error: bool
    """True if the table cannot be read without a repair."""
    column: int | None = None
    """The column of the table, from 1."""


@dataclass(kw_only=True)
class BasinMapArrays:
    """The map itself: the rows are the initial w_rec, the columns the initial w_in."""

    w_in: Array
    """The initial w_in of each column."""
    w_rec: Array
    """The initial w_rec of each row."""
    cost: list[Array]
    """The cost of the final weights; null where it overflows float64."""
    iterations: list[IntArray]
    """Iterations done from each grid point."""
    outcome: list[list[Outcome]]
    """The outcome of training from each grid point."""


@dataclass(kw_only=True)
class DelayEstimate:
    """The delay with the lowest cost."""

    value: int
    """The delay in steps."""
    costs: list[DelayCost]
    """The cost of every delay."""


@dataclass(kw_only=True)
class DifferenceReport:
    """The prediction with a plan minus that with the first plan. It is the response to the
    difference of the inputs, so that its band does not depend on the start and the level."""

    plan: str
    """The name of the plan."""
    from_: str
    """The name of the first plan."""
    total: Estimate
    """The sum over all steps."""
    outputs: Array
    """The difference at every step."""
    low: Array
    """The lower end of its confidence band."""
    high: Array
    """The upper end."""


@dataclass(kw_only=True)
class GroupGains:
    """The steady-state gains of an input in sequences with gains of their own."""

    median: float | None = None
    """That of the sequence in the middle."""
    lowest: float | None = None
    """The smallest one."""
    highest: float | None = None
    """The largest one."""
    sd: float | None = None
    """Their standard deviation, without that of their errors."""
    mean: Estimate
    """The mean for other sequences of the kind."""
    p: float | None = None
    """The p-value of the F test of the gains of all inputs against the same for all sequences."""


@dataclass(kw_only=True)
class Evaluation:
    """The cost and its gradient at one pair of weights."""

    weights: Weights
    """The weights."""
    cost: float
    """Null where it overflows float64; see log10_cost."""
    log10_cost: float | None = None
    """Null only where the cost is 0, a weight is not finite, or a relu state overflows float64."""
    weight_gradient: Weights
    """The derivatives of the cost; null where they overflow float64."""


@dataclass(kw_only=True)
class GradientCheckResponse:
    """The gradient with respect to the weights by two methods, and their difference."""

    analytic: Weights
    """By backpropagation through time."""
    numeric: Weights
    """By central differences of the cost."""
    absolute_error: float | None = None
    """The length of the difference of the gradients; null if either is not finite."""
    relative_error: float | None = None
    """The same, divided by the length of the longer gradient, or by the smallest one that the
    difference resolves if that is larger, as at an optimum."""


@dataclass(kw_only=True)
class GridMinimum:
    """The lowest cost on a grid, and its weights."""

    weights: Weights
    """The first such weights, row by row; null if every cost overflows."""
    cost: float
    """Null if every cost overflows float64."""


@dataclass(kw_only=True)
class OptimumResponse:
    """The exact global minimum of the cost, for the identity activation."""

    weights: Weights
    """Null if the infimum is at infinity, or a weight is outside the float64 range."""
    cost: float
    """The minimum, or the infimum if it is not attained."""
    log10_cost: float | None = None
    """Its decimal logarithm; null where the cost is 0."""
    attained: bool
    """True if float64 weights have this cost; false if a weight is null."""
    unique: bool
    """True if it is attained, and all other minima are higher by more than the accuracy of
    costs."""


@dataclass(kw_only=True)
class PointEvaluation:
    """The cost, its gradient and curvature, and the outputs at one pair of weights."""

    weights: Weights
    """The weights."""
    cost: float
    """Null where it overflows float64; see log10_cost."""
    log10_cost: float | None = None
    """Null only where the cost is 0, a weight is not finite, or a relu state overflows float64."""
    weight_gradient: Weights
    """The derivatives of the cost; null where they overflow float64."""
    curvature: Curvature | None = None
    """Null where it overflows float64."""
    outputs: Array
    """The last state of each sequence; null where it overflows float64."""


@dataclass(kw_only=True)
class FitSummary:
    """The fit in words, for the command line, the client, the pictures and the page."""

    level: Literal["trusted", "caution", "rejected", "no_effect", "too_few", "not_identified"]
    """The confidence in the fit. `trusted` and `caution` only if `trust.interval` is true;
    `rejected` if it is false. `no_effect` if no effect of the inputs is detected, `too_few` and
    `not_identified` if the interval excludes nothing."""
    headline: str
    """The result in one line."""
    sentences: list[str]
    """Notes on the table first, then the interval, the half-life, the delay, the effects, the
    quality, the verdict and the findings."""
    topics: list[Literal["table", "estimate", "quality", "verdict", "finding"]]
    """The topic of each sentence."""
    interval: ShownInterval
    """The interval in the first sentence."""
    w_rec: float | None = None
    """The recurrent weight that is described, with the noise model of `interval`; null with several
    time constants."""
    time_constant: float | None = None
    """Its time constant, in units of the step; null if it is undefined."""
    gains: list[Estimate] | None = None
    """The steady-state gains of the inputs that are described, with the same noise model."""


@dataclass(kw_only=True)
class GoalReport:
    """The input that reaches a goal."""

    input: str
    """The input."""
    output: float
    """The output to reach."""
    at: int | None = None
    """The step; null for the long run."""
    kind: Literal["lasting", "once"]
    """`lasting` or `once`."""
    value: float | None = None
    """The input that reaches the output; null if it has no effect there."""
    intervals: list[Span]
    """The confidence set (Fieller), in one or two pieces. An end is null where there is none, as
    where the effect of the input may be 0."""


@dataclass(kw_only=True)
class TrustReport(Trust):
    """The verdict on the interval of w_rec."""

    interval: bool
    """True if `reasons` is empty. Below 50 targets, the interval judged is the cautious one."""
    reasons: list[
        Literal[
            "no_degrees_of_freedom",
            "oscillates",
            "acts_later",
            "delay_advised",
            "range_advised",
            "levels_advised",
            "gains_differ",
            "trend_advised",
            "offset_advised",
            "gain_advised",
            "own_time_constants_advised",
            "second_time_constant_advised",
            "slow_as_drift",
            "no_visible_effect",
            "drift_or_effect",
            "not_identifiable",
            "clipped",
            "season_advised",
            "sequences_differ",
            "follow_inputs",
            "curved",
            "same_shape",
            "season",
            "noise_model_matters",
            "leads",
            "feedback",
            "changes",
            "spread",
            "neighbors",
        ]
    ]
    """Reasons not to trust it."""
    cautions: list[
        Literal[
            "too_few_to_tell",
            "interval_open",
            "several_pieces",
            "search_limited",
            "rho_at_limit",
            "confounded_with_start",
            "nearly_collinear",
            "poles_coincide",
            "negative_offset",
            "levels_alike",
            "common_trend",
            "slow_as_drift",
            "not_tested",
            "curve_turns",
            "clipped",
            "follow_inputs",
            "season",
            "feedback",
            "changes",
            "spread",
            "outliers",
            "alternate",
            "neighbors",
        ]
    ]
    """Caveats that do not invalidate the interval."""
    findings: list[Finding]
    """Reasons, then cautions, each in a sentence."""
    cautious: list[Span] | None = None
    """The pieces of the interval of w_rec with `ar1` noise, which is valid for both white and
    autocorrelated noise; null without degrees of freedom, and empty if w_rec was given or for
    several time constants."""


@dataclass(kw_only=True)
class GradientTrace:
    """The gradient at one pair of weights, traced back through time."""

    point: Weights
    """The weights."""
    gradient: Array
    """Element k is the derivative of the cost with respect to the state S_k, k = 0 … T; null where
    it overflows float64."""
    log10_magnitude: Array
    """The decimal logarithm of its magnitude; null only where it is 0."""
    sign: IntArray
    """Its sign: -1, 0 or 1."""
    weight_gradient: Weights
    """The derivatives of the cost with respect to the weights, independent of the aggregation; null
    where they overflow float64."""
    growth_per_step: float | None = None
    """The mean factor of the magnitude per step back; null if undefined."""
    regime: Regime | None = None
    """The change of the gradient over the whole sequence, based on g = growth_per_step to the power
    of the number of steps: vanishing if g is below 0.9, steady up to 1.1, exploding above; zero
    where the gradients of both weights and of all states except the last are exactly 0. Null if g
    is undefined."""


@dataclass(kw_only=True)
class InputResponse:
    """The response of the target to one unit of an input that lasts. Times are in units of the
    step, and begin after the delay."""

    time_to_63_percent: float | None = None
    """The time to 63 % (1 - 1/e) of the steady-state gain; null if it is not approached from one
    side, or without a steady state."""
    time_to_95_percent: float | None = None
    """The same for 95 %."""
    peak: Peak | None = None
    """The peak of a response that exceeds its steady state."""


@dataclass(kw_only=True)
class PiecewiseEstimate(IntervalEnds[Interval]):
    """A number, its standard error, and its confidence interval, which may have several pieces."""

    value: float | None = None
    """The number; null if it is undefined."""
    standard_error: float | None = None
    """Its standard error, from the curvature at the optimum."""
    intervals: list[Interval]
    """The pieces, in order of w_rec; none if w_rec was given."""


class MapWindow(TypedDict):
    """A rectangle of initial weights, and the resolution of its grid."""

    w_in: NotRequired[Range]
    """The range of the columns."""
    w_rec: NotRequired[Range]
    """The range of the rows."""
    resolution: NotRequired[int]
    """Grid points along each axis; the limit is 1,000 by default."""


class PictureWindow(TypedDict):
    """A rectangle of weights."""

    w_in: NotRequired[Range]
    """The range of the columns."""
    w_rec: NotRequired[Range]
    """The range of the rows."""


class Window(TypedDict):
    """A rectangle of weights, and the resolution of its grid."""

    w_in: NotRequired[Range]
    """The range of the columns."""
    w_rec: NotRequired[Range]
    """The range of the rows."""
    resolution: NotRequired[int | None]
    """By default 25 in JSON and 100 in npz."""


@dataclass(kw_only=True)
class OptimizerDescription:
    """An optimizer and its parameters."""

    name: str
    """The name in a request."""
    title: str
    """The usual name."""
    formula: str
    """One iteration of one weight w with gradient g, or of both weights."""
    source: str
    """The publication."""
    variant: str
    """The implemented variant."""
    uses_magnitude: bool
    """True if it uses the magnitude of the gradient, not only its sign."""
    accepts_clip: bool
    """True if it supports clipping."""
    parameters: list[OptimizerParameter]
    """The parameters."""


class SeriesDataset(TypedDict):
    """Sequences with named inputs and a target at every step, some of which may be missing."""

    kind: Literal["series"]
    """The source of the dataset."""
    inputs: list[str]
    """The names of the q inputs; q may be 0."""
    target: NotRequired[str]
    """The name of the target."""
    sequences: list[Sequence]
    """The sequences, whose lengths may differ."""
    step: NotRequired[StepFields]
    """The time between two targets."""


@dataclass(kw_only=True)
class PredictResponse:
    """The outputs, and the model."""

    outputs: Array
    """The last state of each sequence."""
    states: list[Array] | None = None
    """The T + 1 states of each sequence, starting with the initial state."""
    n_overflowed: int
    """Outputs that overflow float64; they are null."""
    model: ResolvedModel
    """The model of the prediction."""


@dataclass(kw_only=True)
class DatasetSummary:
    """A stored dataset, without its arrays."""

    id: str
    """A hash of the dataset."""
    name: str | None = None
    """The name given by the client, or null."""
    kind: Literal["explicit", "series"]
    """Explicit: one target per sequence. Series: a target at every step."""
    n_samples: int
    """The number of sequences."""
    n_steps: int
    """The length of the longest sequence."""
    n_targets: int
    """The number of targets that are not missing."""
    inputs: list[str] | None = None
    """The names of the inputs of a series."""
    target: str | None = None
    """The name of the target of a series."""
    step: Step | None = None
    """The time between the steps of a series."""
    sequence_names: list[str] | None = None
    """The names of the sequences of a series, or null."""
    start_times: list[str | float] | None = None
    """The times of the first steps of the sequences of a series, dates or numbers; null without
    times, or for more than 1000 sequences."""
    repairs: list[str] | None = None
    """The repairs of the table from which a series was last stored; null without any."""
    assumptions: list[Assumption] | None = None
    """Observations and assumptions about the table of a series; null without anything."""
    roles: str | None = None
    """The roles of the columns in one line, in the response to an upload that proposed them."""
    bytes: int
    """The size of both arrays as float64, in bytes."""
    input_range: NumberRange | None = None
    """The range of the inputs; null without inputs."""
    target_range: NumberRange
    """The range of the targets."""
    created_at: str
    """When it was stored."""
    created_by: str | None = None
    """The name of the API key that stored it; null without keys."""
    links: dict[str, str]
    """Paths of its files."""


@dataclass(kw_only=True)
class Problem:
    """The reason why a request failed, with the members of its detail."""

    limit: float | None = None
    """The limit that is exceeded."""
    needed: float | None = None
    """The amount that the request requires, in the unit of the limit."""
    spent: float | None = None
    """The CPU seconds after which the work was stopped."""
    known: list[str] | None = None
    """The valid names, if a name is unknown."""
    line: int | None = None
    """The line of a table, from 1."""
    column: int | None = None
    """The column of a table, from 1."""
    n_targets: int | None = None
    """The number of targets to fit."""
    n_unknowns: int | None = None
    """The number of unknowns of a fit."""
    n_gaps: int | None = None
    """The number of gaps in the times of a table, where gaps=sequences would help."""
    are_regular: bool | None = None
    """True if as many rows precede each of these gaps, as in a working week."""
    repairs: list[Repair] | None = None
    """For a table: the query parameters that would repair it, as alternatives."""
    type: str
    """/problems/ and the slug of the problem type."""
    title: str
    """A summary of the problem type."""
    status: int
    """The HTTP status."""
    detail: str
    """A description of the problem with this request."""
    request_id: str | None = None
    """The same as in the X-Request-ID header."""
    errors: list[ProblemField] | None = None
    """The invalid fields and query parameters, if there are any."""
    referrers: list[str] | None = None
    """On a conflict: up to ten resources that use this one."""
    policy: str | None = None
    """On an exceeded rate limit: the name of the policy."""


@dataclass(kw_only=True)
class TableSummary:
    """A table, and how it is read as a series."""

    encoding: str | None = None
    """The encoding of the text; null for a workbook."""
    separator: str
    """The separator of fields; a tab for a workbook."""
    decimal: str | None = None
    """The decimal mark; null if the table has an error."""
    sheet: str | None = None
    """The sheet of a workbook; null for text."""
    sheets: list[str]
    """The sheets of a workbook."""
    n_rows: int
    """The number of rows, without those below the last one."""
    header_line: int | None = None
    """The line of the header, from 1; null without one."""
    columns: list[TableColumn]
    """The columns."""
    step: Step | None = None
    """The time between two rows; null if the table has an error."""
    repairs: list[str]
    """The repairs that the query makes."""
    problems: list[TableProblem]
    """Errors, of which the first is reported, then notes."""


@dataclass(kw_only=True)
class GroupReport:
    """The differences between sequences with an offset each."""

    level_sd: float | None = None
    """The standard deviation of the offsets, without that of their errors."""
    level_p: float | None = None
    """The p-value of the F test against one offset for all."""
    gains: dict[str, GroupGains]
    """The gains, by input; empty unless each sequence has its own."""


@dataclass(kw_only=True)
class CostGrid:
    """The cost on a grid of weights."""

    w_in: Array
    """The w_in of each column."""
    w_rec: Array
    """The w_rec of each row."""
    cost: Array
    """Rows are w_rec, columns are w_in; null where it overflows float64."""
    minimum: GridMinimum
    """The lowest cost on the grid."""
    n_overflowed: int
    """Grid points whose cost overflows float64."""


@dataclass(kw_only=True)
class EvaluateResponse:
    """One evaluation per requested point, in the same order."""

    evaluations: list[PointEvaluation]
    """One evaluation per point."""


@dataclass(kw_only=True)
class FitPredictResponse:
    """Predictions with a fit: per sequence or plan, a number for every step."""

    outputs: list[Array]
    """The prediction. For a new sequence the first are null, as many as the delay of the fit."""
    low: list[Array]
    """The lower end of its confidence band."""
    high: list[Array]
    """The upper end."""
    new_low: list[Array]
    """The lower end of the band of a new observation."""
    new_high: list[Array]
    """The upper end."""
    times: list[list[str]] | None = None
    """The times of the steps, if a sequence with times is continued."""
    n_overflowed: int
    """Outputs that overflow float64; they are null."""
    model: FitPredictModel
    trust: TrustReport | None = None
    """The verdict on the interval of the fit."""
    summary: PredictionSummary
    """Notes on the predictions, in words."""
    plans: list[str] | None = None
    """The names of the plans."""
    differences: list[DifferenceReport] | None = None
    """The differences of the other plans from the first."""
    goal: GoalReport | None = None
    """The input that reaches the goal."""


@dataclass(kw_only=True)
class GradientTraceResponse:
    """One trace per requested point, in the same order."""

    traces: list[GradientTrace]
    """One trace per point."""


@dataclass(kw_only=True)
class InputEstimate:
    """The effect of one input."""

    name: str
    """The name of the input."""
    w_in: Estimate
    """Its weight: the effect within one step."""
    steady_state_gain: Estimate
    """w_in / (1 - w_rec), the long-run effect of a permanent change; null bounds if given."""
    effects: InputEffectReport | None = None
    """The test for its effect, given all other inputs; null if its gain was given, or if the
    effects of all inputs are null."""
    gains: list[SequenceEstimate] | None = None
    """The steady-state gains of single sequences; null unless each has its own. The other numbers
    are then those of their mean."""
    response: InputResponse | None = None
    """The response of the target to it; null for a fit that an older version stored."""


@dataclass(kw_only=True)
class StateEstimate:
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


@dataclass(kw_only=True)
class OptimizerList:
    """All optimizers."""

    items: list[OptimizerDescription]
    """One item per optimizer."""


@dataclass(kw_only=True)
class DatasetPage:
    """One page of stored datasets, newest first."""

    items: list[DatasetSummary]
    """Up to limit items."""
    next_cursor: str | None = None
    """Null on the last page."""


@dataclass(kw_only=True)
class BasinMap:
    """A basin map."""

    id: str | None = None
    """A hash of the request; null if not stored."""
    status: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    """The status."""
    request: dict[str, Any]
    """The request with all defaults filled in, without keep. An explicit dataset appears as the
    stored dataset with the same numbers."""
    result_version: int
    """A version that is incremented when the results of the service change."""
    shares: OutcomeShares = finished()
    """The shares of the outcomes of training."""
    optimum: OptimumResponse | None = None
    """The exact optimum; null unless the activation is the identity."""
    progress: Progress
    """The completed and the requested steps."""
    attempt: int
    """A number that is incremented when the request is repeated after a failure or cancellation."""
    error: Problem | None = None
    """The reason for a failure."""
    created_at: str | None = None
    """When it was accepted."""
    created_by: str | None = None
    """The name of the API key that started this attempt; null without keys."""
    started_at: str | None = None
    """When the computation started."""
    finished_at: str | None = None
    """When the computation ended."""
    compute_seconds: float | None = None
    """Seconds spent on the computation."""
    links: dict[str, str] | None = None
    """Paths of its parts; null if not stored."""


@dataclass(kw_only=True)
class TrainingRun:
    """A training run."""

    id: str | None = None
    """A hash of the request; null if not stored."""
    status: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    """The status."""
    request: dict[str, Any]
    """The request with all defaults filled in, without keep. An explicit dataset appears as the
    stored dataset with the same numbers."""
    result_version: int
    """A version that is incremented when the results of the service change."""
    outcome: Outcome = finished()
    """The outcome of the run."""
    initial: Evaluation = finished()
    """The cost at the initial weights."""
    final: Evaluation = finished()
    """The cost at the final weights."""
    iterations: int = finished()
    """Iterations done."""
    optimum: OptimumResponse | None = None
    """The exact optimum; null unless the activation is the identity."""
    gap_to_optimum: float | None = None
    """The final cost minus the cost of the optimum; null if unknown."""
    progress: Progress
    """The completed and the requested steps."""
    attempt: int
    """A number that is incremented when the request is repeated after a failure or cancellation."""
    error: Problem | None = None
    """The reason for a failure."""
    created_at: str | None = None
    """When it was accepted."""
    created_by: str | None = None
    """The name of the API key that started this attempt; null without keys."""
    started_at: str | None = None
    """When the computation started."""
    finished_at: str | None = None
    """When the computation ended."""
    compute_seconds: float | None = None
    """Seconds spent on the computation."""
    links: dict[str, str] | None = None
    """Paths of its parts; null if not stored."""


@dataclass(kw_only=True)
class CostSurfaceResponse:
    """One grid per requested window, in the same order."""

    windows: list[CostGrid]
    """One grid per window."""


@dataclass(kw_only=True)
class FitResource:
    """A fit."""

    id: str | None = None
    """A hash of the request; null if not stored."""
    status: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    """The status."""
    request: dict[str, Any]
    """The request with all defaults filled in, without keep. An explicit dataset appears as the
    stored dataset with the same numbers."""
    result_version: int
    """A version that is incremented when the results of the service change."""
    w_rec: PiecewiseEstimate = finished()
    """The recurrent weight; null with several time constants."""
    time_constant: PiecewiseEstimate = finished()
    """-1 / log w_rec, in units of the step; undefined unless 0 < w_rec < 1, and null with several
    time constants."""
    half_life: PiecewiseEstimate = finished()
    """The time constant times log 2."""
    states: list[StateEstimate] = finished()
    """The states of the model, the slowest first."""
    inputs: list[InputEstimate] = finished()
    """The inputs, in their order."""
    target: str = finished()
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
    delay: DelayEstimate = finished()
    """The delay of the inputs."""
    rho: float | None = None
    """The autocorrelation of the noise over one step, with `ar1` only."""
    cost: float = finished()
    """The mean squared residual, before whitening and without weights."""
    log10_cost: float | None = None
    """Its decimal logarithm; null where the cost is 0."""
    level: float | None = None
    """The cost (where there is one, the criterion) up to which w_rec is in the interval; null if
    all w_rec are."""
    rmse: float = finished()
    """The square root of the cost."""
    innovation_sd: float | None = None
    """The standard deviation of the whitened residuals, with the degrees of freedom as the divisor;
    null if there are none. With `proportional` variance, that of the residuals divided by the
    predicted values."""
    r_squared: float | None = None
    """The explained fraction of the variance of the targets, from the residuals before whitening;
    below 0 if the mean of the targets would fit better."""
    aic: float | None = None
    """Akaike's information criterion, -2 ln of the full likelihood + 2 k. The variance of the noise
    and `rho` are among the k parameters, so both kinds of noise can be compared. Null if the cost
    is 0."""
    bic: float | None = None
    """The Bayesian information criterion, with the penalty ln(n) k."""
    n_targets: int = finished()
    """The number of fitted targets."""
    degrees_of_freedom: int = finished()
    """Targets minus unknowns; collinear ones count once."""
    minima: list[Minimum] = finished()
    """All local minima, the lowest first."""
    unique: bool = finished()
    """True if a single w_rec has the lowest cost."""
    identifiable: bool = finished()
    """True if the interval excludes any w_rec of the range."""
    at_limit: bool = finished()
    """True if w_rec is at an end of the range."""
    residual_tests: ResidualTests = finished()
    """Tests for autocorrelation of the residuals."""
    effects: EffectReport | None = None
    """The test for an effect of any input; null without inputs, if they are confounded with the
    start, and if the residuals are too small to test."""
    alternatives: list[Alternative] = finished()
    """Clearly better fits, the best first."""
    trust: TrustReport = finished()
    """The verdict on the interval of w_rec."""
    verdict: FitSummary = finished()
    """The fit in words; null also for a fit that an older version of the service stored."""
    progress: Progress
    """The completed and the requested steps."""
    attempt: int
    """A number that is incremented when the request is repeated after a failure or cancellation."""
    error: Problem | None = None
    """The reason for a failure."""
    created_at: str | None = None
    """When it was accepted."""
    created_by: str | None = None
    """The name of the API key that started this attempt; null without keys."""
    started_at: str | None = None
    """When the computation started."""
    finished_at: str | None = None
    """When the computation ended."""
    compute_seconds: float | None = None
    """Seconds spent on the computation."""
    links: dict[str, str] | None = None
    """Paths of its parts; null if not stored."""


@dataclass(kw_only=True)
class BasinMapPage:
    """One page of basin maps, newest first."""

    items: list[BasinMap]
    """Up to limit items."""
    next_cursor: str | None = None
    """Null on the last page."""


@dataclass(kw_only=True)
class TrainingRunPage:
    """One page of training runs, newest first."""

    items: list[TrainingRun]
    """Up to limit items."""
    next_cursor: str | None = None
    """Null on the last page."""


@dataclass(kw_only=True)
class FitPage:
    """One page of fits, newest first."""

    items: list[FitResource]
    """Up to limit items."""
    next_cursor: str | None = None
    """Null on the last page."""


Dataset = CountOnesDataset | ExplicitDataset | RememberDataset | StoredDataset
