"""The keywords of methods. Generated from the schema by `make openapi`: do not edit."""

from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict

from linear_rnn import _inputs as i
from linear_rnn import _models as m


class BasinMapRequest(TypedDict, total=False):
    """The dataset, the grid of initial weights, the optimizer and the number of iterations."""

    dataset: i.DatasetLike | None
    """The dataset: generated, explicit, or stored."""
    keep: bool | None
    """True to store the result. If false, the response contains all of it."""
    network: i.NetworkLike | None
    """The activation and the initial state."""
    optimizer: i.OptimizerLike | None
    """The optimizer, which turns gradients into steps."""
    n_iterations: int | None
    """The maximum number of iterations; the limit is 1,000,000 by default."""
    clip: m.Clip | None
    """The clipping of the gradient, for optimizers that use its magnitude."""
    window: i.Window | None
    """The grid of initial weights."""
    target_cost: float | None
    """Training succeeds at the first cost that does not exceed this value."""


class CostSurfaceRequest(TypedDict, total=False):
    """The windows in which to compute the cost, on grids."""

    dataset: i.DatasetLike | None
    """The dataset: generated, explicit, or stored."""
    network: i.NetworkLike | None
    """The activation and the initial state."""
    windows: Sequence[i.Window] | None
    """By default the tutorial's two."""
    points: Sequence[i.WeightsLike] | None
    """Pairs of weights; by default the tutorial's six."""
    runs: Sequence[i.Stored | str] | None
    """Stored training runs whose paths to draw in a picture."""
    marks: Sequence[m.Mark] | None
    """Further marks in a picture, for the identity activation. By default both if runs are drawn,
    and none otherwise."""


class EvaluateRequest(TypedDict, total=False):
    """The weights at which to evaluate the network."""

    dataset: i.DatasetLike | None
    """The dataset: generated, explicit, or stored."""
    network: i.NetworkLike | None
    """The activation and the initial state."""
    points: Sequence[i.WeightsLike] | None
    """Pairs of weights; by default the tutorial's six."""


class FitRequest(TypedDict, total=False):
    """The model to fit, and the data."""

    keep: bool | None
    """True to store the result. If false, the response contains all of it."""
    initial_state: float | Literal["shared", "each"] | None
    """S_0, the state before the first step in use: a number, `shared` (one unknown for all
    sequences) or `each` (one unknown per sequence). By default `each` for a series, and 0 for one
    target per sequence."""
    offset: bool | float | Literal["each"] | None
    """True to fit a constant that is added to the states, `each` to fit one for each sequence, or
    that constant if it is given. By default false for one target per sequence, and true for a
    series; `each` for a series of three or more sequences, half of them with 20 or more targets,
    whose initial states are unknown."""
    gains: Mapping[str, float] | Literal["each"] | None
    """Given steady-state gains, by the name of the input: its weight is then gain · (1 - w_rec).
    `each` fits gains of each sequence that has its own offset, with one w_rec for all."""
    curves: Sequence[str] | None
    """Inputs whose squares act as well, as inputs called `name²`, so that their effects are curves.
    A square is that of the distance from the mean of the input, or from 0 if the offset or the
    initial state is given."""
    delay: int | tuple[int, int] | None
    """The delay of all inputs in steps (dead time), or a range of at most 50 delays from which the
    best is chosen. With an unknown initial state, every sequence begins after the longest delay.
    With a known one no step is skipped, and the inputs before the record are 0."""
    w_rec: i.RangeLike | None
    """The range to search for w_rec. Two equal ends give w_rec."""
    time_constants: int | Literal["per_input"] | Sequence[Sequence[str]] | None
    """The number of states with a w_rec each, 1 or 2, on which all inputs act; `per_input` for a
    state per input; or a list with the names of the inputs of each state. At most 4."""
    direct: Sequence[str] | None
    """The names of inputs that act within their step only, such as holidays. If all inputs are
    direct, the fit is a regression: w_rec is 0, and no initial state is fitted."""
    trend: bool | None
    """True to fit a straight line over the steps of each sequence."""
    season: int | m.SeasonFields | None
    """A season that is added to the states: its period in steps, or the period and the number of
    harmonics. It begins with each sequence."""
    noise: Literal["white", "ar1", "independent"] | None
    """`ar1` for first-order autoregressive noise. Its correlation is estimated; several sequences
    and gaps are supported. `independent` for white noise if every target was measured by itself:
    `ar1` is then not recommended, and the test of the effect does not allow for drift."""
    variance: Literal["constant", "proportional", "free"] | None
    """`proportional` for errors whose standard deviation is proportional to the predicted value, by
    reweighting; predictions below 2 % of the largest one count as 2 %, and the targets must have
    one sign. `free` for intervals that are valid whatever the variance of the errors depends on,
    and if errors remain correlated."""
    step: m.StepFields | None
    """The time from one step to the next; by default that of the dataset."""
    confidence: float | None
    """The confidence level of the intervals."""
    verdict: bool | None
    """False to leave out the verdict, which takes longer than the fit: `trust`, `alternatives`,
    `effects` and `summary` are then null."""
    noticed: Sequence[str] | None
    """The kinds of what was noticed about the table of a stored series, and neither repaired nor
    confirmed: the level of the summary is then at most `caution`. By default those of the series;
    an empty list confirms all."""


class GradientCheckRequest(TypedDict, total=False):
    """The weights at which to compare backpropagation with finite differences of the cost."""

    dataset: i.DatasetLike | None
    """The dataset: generated, explicit, or stored."""
    network: i.NetworkLike | None
    """The activation and the initial state."""
    weights: i.WeightsLike | None
    """The weights."""
    step: float | None
    """Half the width of the central differences; 1e-4 / T if null."""


class GradientTraceRequest(TypedDict, total=False):
    """The weights at which to trace the gradient back through time."""

    dataset: i.DatasetLike | None
    """The dataset: generated, explicit, or stored."""
    network: i.NetworkLike | None
    """The activation and the initial state."""
    points: Sequence[i.WeightsLike] | None
    """Pairs of weights; by default the tutorial's six."""
    aggregation: m.Aggregation | None
    """sum: the sum over all sequences. tutorial: as in the tutorial's figure, the summed output
    gradient is backpropagated through every sequence."""


class OptimumRequest(TypedDict, total=False):
    """The dataset and the network whose optimum is computed."""

    dataset: i.DatasetLike | None
    """The dataset: generated, explicit, or stored."""
    network: i.NetworkLike | None
    """The activation and the initial state."""


class PredictRequest(TypedDict, total=False):
    """Sequences to predict, in the request or as a dataset, and the network to use."""

    weights: i.WeightsLike | None
    """The weights."""
    network: i.NetworkLike | None
    """The activation and the initial state."""
    model: i.Stored | str | m.WeightsModel | m.RunModel | None
    """A trained network, instead of weights and network."""
    dataset: i.DatasetLike | None
    """A dataset, whose inputs are used instead of `inputs`."""
    return_states: bool | None
    """True to return the states at every step."""


class TrainingRunRequest(TypedDict, total=False):
    """The dataset, the initial weights, the optimizer and the number of iterations."""

    dataset: i.DatasetLike | None
    """The dataset: generated, explicit, or stored."""
    keep: bool | None
    """True to store the result. If false, the response contains all of it."""
    network: i.NetworkLike | None
    """The activation and the initial state."""
    optimizer: i.OptimizerLike | None
    """The optimizer, which turns gradients into steps."""
    n_iterations: int | None
    """The maximum number of iterations; the limit is 1,000,000 by default."""
    clip: m.Clip | None
    """The clipping of the gradient, for optimizers that use its magnitude."""
    initial_weights: i.WeightsLike | None
    """The weights before the first iteration."""
    target_cost: float | None
    """The run ends at the first cost that does not exceed this value."""
    record_every: int | None
    """The number of iterations from one recorded iteration to the next."""


class TableOptions(TypedDict, total=False):
    """Options for reading and repairing a table."""

    clock: str | None
    """The columns that follow that of the times, separated by commas: times of day or hours after
    dates, or month, day and hour after a year; empty for none."""
    encoding: (
        Literal[
            "utf-8",
            "utf-16",
            "windows-1250",
            "windows-1251",
            "windows-1252",
            "iso-8859-15",
            "mac-roman",
            "cp850",
            "shift_jis",
            "gb18030",
        ]
        | None
    )
    """The encoding of the text. By default UTF-8, or UTF-16 with its mark, or Windows-1252 if the
    text is not UTF-8."""
    sheet: str | None
    """For series as workbooks: the sheet, by default the first one with a table."""
    header: int | None
    """The line of the header; 0 names the columns column_1, column_2, …. By default it is found."""
    skip: int | None
    """The number of lines above the table to leave out."""
    decimal: Literal[".", ","] | None
    """For series as CSV: the decimal mark, if no number proves it. The other mark is then the
    thousands separator."""
    thousands: Literal[".", ","] | None
    """For series as CSV: the thousands separator. Blanks and apostrophes between thousands are read
    in any table."""
    missing: str | None
    """Another text of a missing number, besides empty fields, NA, n.d., - and the like. A missing
    target is a gap."""
    dates: Literal["day-first", "month-first"] | None
    """The order of day and month in dates such as 1/2/2024, if no date proves it."""
    gaps: Literal["missing", "sequences"] | None
    """For series as tables with times: missing adds the steps of gaps in time, without targets;
    sequences begins a new sequence after each. By default a gap is an error."""
    repeated: Literal["mean"] | None
    """For series as tables with times: mean replaces rows of a sequence at equal times by their
    means. By default a time that repeats is an error."""
    fill: Literal["hold", "zero", "drop"] | None
    """The value of an input that is missing. hold repeats the previous value of the sequence, zero
    is 0, and drop omits the row and begins a new sequence after it. By default it is an error. drop
    also omits rows whose time cannot be read."""
    grid: str | None
    """For series as tables with times: the step of a grid, in seconds, minutes, hours, days or
    weeks, or a number like the times. Each time moves to the nearest step; of several rows at one
    step the nearest stays, and steps without a row are added."""
    between: Literal["hold", "zero"] | None
    """The inputs of steps that grid or gaps add: hold, by default, repeats the previous value, and
    zero is 0."""
    differences: str | None
    """Counters, such as meters, separated by commas. Their differences from row to row are used;
    the first row of each sequence has none and is left out."""
    every: int | None
    """Use the means of so many rows."""
    last: int | None
    """Use so many rows at the end of each sequence."""
    pivot: str | None
    """Read a long table, which has a row per time and variable, with a column per variable: the
    columns of the names of variables and of their values, separated by a colon. header reads a
    table whose header has the times, with a row per variable."""
    confirm: str | None
    """The kinds of what was noticed and is right, separated by commas."""


class FitOptions(FitRequest, TableOptions):
    """Fields of a fit, and options for reading and repairing its table."""
