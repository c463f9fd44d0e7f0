"""Requests for fits."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, PlainValidator, TypeAdapter, model_validator
from pydantic_core import PydanticCustomError

from service.engine.fit import FitOptions, list_stages
from service.schemas.arrays import NUMBERS, error_at
from service.schemas.base import NUMBER, Real, RequestModel
from service.schemas.common import State, check_state
from service.schemas.computations import ComputationRequest
from service.schemas.datasets import AnyDatasetSource, CountOnesDataset
from service.schemas.series import ColumnName, StepSchema
from service.values.numbers import LARGEST

MAX_DELAY = 10_000
MAX_DELAYS = 50
MAX_GAINS = 12
MAX_INPUTS = 32
MAX_STATES = 4
MAX_PERIOD = 10_000
MAX_HARMONICS = 26  # those of the weeks of a year
HARMONICS = 3  # by default
Start: TypeAlias = Literal["shared", "each"]

KnownGain: TypeAlias = Annotated[float, Field(ge=-LARGEST, le=LARGEST), NUMBER]
KnownGains: TypeAlias = Annotated[dict[ColumnName, KnownGain], Field(max_length=MAX_GAINS)]
KNOWN_GAINS: TypeAdapter[dict[str, float]] = TypeAdapter(KnownGains)


def _gains(value: Any) -> dict[str, float] | str:
    """Validate gains that are given, or the word for those of each sequence."""
    return "each" if value == "each" else KNOWN_GAINS.validate_python(value)


def _initial_state(value: Any) -> float | str:
    if value in ("shared", "each"):
        return str(value)
    if type(value) not in NUMBERS:
        message = "Input should be a number, 'shared' or 'each'"
        raise PydanticCustomError("initial_state", message)
    return check_state(float(value))


def _offset(value: Any) -> bool | float | str:
    if type(value) is bool:
        return value
    if value == "each":
        return str(value)
    if type(value) not in NUMBERS:
        raise PydanticCustomError("offset", "Input should be true, false, a number or 'each'")
    return check_state(float(value))


Steps: TypeAlias = Annotated[int, Field(ge=0, le=MAX_DELAY), NUMBER]
STEPS: TypeAdapter[int] = TypeAdapter(Steps)


class DelayRange(RequestModel):
    """The delays to search, in steps."""

    low: Steps
    """The lowest."""
    high: Steps
    """The highest."""

    @model_validator(mode="after")
    def _is_searchable(self) -> "DelayRange":
        n_delays = self.high - self.low + 1
        if n_delays < 1:
            raise PydanticCustomError("range_order", "low must not be above high")
        if n_delays > MAX_DELAYS:
            raise error_at("delays", f"there are {n_delays} delays; the limit is {MAX_DELAYS}")
        return self


def _delay(value: Any) -> int | dict[str, int]:
    """Validate a number of steps, or a range of them; a range of one number is that number."""
    if not isinstance(value, dict):
        return STEPS.validate_python(value)
    delays = DelayRange.model_validate(value)
    return delays.low if delays.low == delays.high else delays.model_dump()


Offset: TypeAlias = Annotated[
    bool | float | Literal["each"],
    PlainValidator(_offset, json_schema_input_type=bool | State | Literal["each"]),
]
Delay: TypeAlias = Annotated[
    int | dict[str, int], PlainValidator(_delay, json_schema_input_type=Steps | DelayRange)
]
InitialState: TypeAlias = Annotated[
    float | Start, PlainValidator(_initial_state, json_schema_input_type=State | Start)
]


class FitRange(RequestModel):
    """The range in which w_rec is searched, or a given w_rec if both ends are equal."""

    low: Real = 0.0
    """The lower end."""
    high: Real = 1.0
    """The upper end."""

    @model_validator(mode="after")
    def _is_wide(self) -> "FitRange":
        is_wide = self.low + 1e-6 * max(1.0, abs(self.low)) < self.high
        if not is_wide and self.low != self.high:
            message = "low must be below high by at least 1e-6, or equal to give w_rec"
            raise PydanticCustomError("range_width", message)
        return self


Period: TypeAlias = Annotated[int, Field(ge=2, le=MAX_PERIOD), NUMBER]
PERIOD: TypeAdapter[int] = TypeAdapter(Period)


class SeasonFields(RequestModel):
    """A season that repeats after a number of steps."""

    period: Period
    """The period in steps."""
    harmonics: Annotated[int, Field(ge=1, le=MAX_HARMONICS), NUMBER] = HARMONICS
    """The number of harmonics, at most half of the period; 3 by default, or fewer for short
    periods. More follow sharper patterns."""

    @property
    def n_harmonics(self) -> int:
        """The number of harmonics that differ at whole steps."""
        return min(self.harmonics, self.period // 2)


def read_season(value: Any) -> int | dict[str, int]:
    """Validate a period, or one with its harmonics; that with the default is only a period."""
    if not isinstance(value, dict):
        return PERIOD.validate_python(value)
    season = SeasonFields.model_validate(value)
    usual = SeasonFields(period=season.period)
    is_usual = season.n_harmonics == usual.n_harmonics
    return season.period if is_usual else season.model_dump() | {"harmonics": season.n_harmonics}


SeasonField: TypeAlias = Annotated[
    int | dict[str, int], PlainValidator(read_season, json_schema_input_type=Period | SeasonFields)
]


Groups: TypeAlias = Annotated[
    list[Annotated[list[ColumnName], Field(min_length=1, max_length=MAX_INPUTS)]],
    Field(min_length=1, max_length=MAX_STATES),
]
GROUPS: TypeAdapter[list[list[str]]] = TypeAdapter(Groups)


def _time_constants(value: Any) -> int | str | list[list[str]]:
    """Validate a number of time constants, or the inputs of each."""
    if value in (1, 2) and type(value) in NUMBERS:
        return int(value)
    if value == "per_input":
        return str(value)
    if not isinstance(value, list):
        message = "Input should be 1, 2, 'per_input' or lists of inputs"
        raise PydanticCustomError("time_constants", message)
    return GROUPS.validate_python(value)


TimeConstants: TypeAlias = Annotated[
    int | str | list[list[str]],
    # Generators of clients support neither lists of lists nor numbers in a choice with text.
    PlainValidator(_time_constants, json_schema_input_type=Any),
]


class FitRequest(ComputationRequest):
    """The model to fit, and the data."""

    dataset: AnyDatasetSource = CountOnesDataset()
    initial_state: InitialState | None = None
    """S_0, the state before the first step in use: a number, `shared` (one unknown for all
    sequences) or `each` (one unknown per sequence). By default `each` for a series, and 0 for one
    target per sequence."""
    offset: Offset | None = None
    """True to fit a constant that is added to the states, `each` to fit one for each sequence, or
    that constant if it is given. By default false for one target per sequence, and true for a
    series; `each` for a series of three or more sequences, half of them with 20 or more targets,
    whose initial states are unknown."""
    gains: Annotated[
        dict[str, float] | Literal["each"],
        PlainValidator(_gains, json_schema_input_type=KnownGains | Literal["each"]),
        Field(default_factory=dict, examples=[{}]),
    ]
    """Given steady-state gains, by the name of the input: its weight is then gain · (1 - w_rec).
    `each` fits gains of each sequence that has its own offset, with one w_rec for all."""
    curves: Annotated[
        list[ColumnName], Field(max_length=MAX_GAINS, default_factory=list, examples=[[]])
    ]
    """Inputs whose squares act as well, as inputs called `name²`, so that their effects are curves.
    A square is that of the distance from the mean of the input, or from 0 if the offset or the
    initial state is given."""
    delay: Delay = 0
    """The delay of all inputs in steps (dead time), or a range of at most 50 delays from which the
    best is chosen. With an unknown initial state, every sequence begins after the longest
    delay. With a known one no step is skipped, and the inputs before the record are 0."""
    w_rec: FitRange = FitRange()
    """The range to search for w_rec. Two equal ends give w_rec."""
    time_constants: TimeConstants = 1
    """The number of states with a w_rec each, 1 or 2, on which all inputs act; `per_input` for a
    state per input; or a list with the names of the inputs of each state. At most 4."""
    direct: Annotated[
        list[ColumnName], Field(max_length=MAX_INPUTS, default_factory=list, examples=[[]])
    ]
    """The names of inputs that act within their step only, such as holidays. If all inputs are
    direct, the fit is a regression: w_rec is 0, and no initial state is fitted."""
    trend: Annotated[bool, Field(strict=True)] = False
    """True to fit a straight line over the steps of each sequence."""
    season: SeasonField | None = None
    """A season that is added to the states: its period in steps, or the period and the number of
    harmonics. It begins with each sequence."""
    noise: Literal["white", "ar1", "independent"] = "white"
    """`ar1` for first-order autoregressive noise. Its correlation is estimated; several sequences
    and gaps are supported. `independent` for white noise if every target was measured by itself:
    `ar1` is then not recommended, and the test of the effect does not allow for drift."""
    variance: Literal["constant", "proportional", "free"] = "constant"
    """`proportional` for errors whose standard deviation is proportional to the predicted value,
    by reweighting; predictions below 2 % of the largest one count as 2 %, and the targets must have
    one sign. `free` for intervals that are valid whatever the variance of the errors depends on,
    and if errors remain correlated."""
    step: StepSchema | None = None
    """The time from one step to the next; by default that of the dataset."""
    confidence: Annotated[float, Field(gt=0, lt=1), NUMBER] = 0.95
    """The confidence level of the intervals."""
    verdict: Annotated[bool, Field(strict=True)] = True
    """False to leave out the verdict, which takes longer than the fit: `trust`, `alternatives`,
    `effects` and `summary` are then null."""

    noticed: list[str] | None = None
    """The kinds of what was noticed about the table of a stored series, and neither repaired nor
    confirmed: the level of the summary is then at most `caution`. By default those of the series;
    an empty list confirms all."""

    @property
    def delays(self) -> tuple[int, int]:
        """The lowest and the highest delay."""
        if isinstance(self.delay, dict):
            return self.delay["low"], self.delay["high"]
        return self.delay, self.delay

    @property
    def range(self) -> tuple[float, float]:
        """The range of w_rec."""
        return self.w_rec.low, self.w_rec.high

    @property
    def is_weighted(self) -> bool:
        """True if the targets have weights, which depend on the fit."""
        return self.variance == "proportional"

    @property
    def n_searches(self) -> int:
        """The number of searches over w_rec: one per delay."""
        low, high = self.delays
        return high - low + 1

    def count_states(self, n_inputs: int) -> int:
        """Return the number of states for so many inputs, as far as a fit allows."""
        groups = self.time_constants
        if groups == "per_input":
            groups = [[]] * max(n_inputs - len(self.direct), 1)
        return min(len(groups) if isinstance(groups, list) else int(groups), MAX_STATES)

    @property
    def progress_total(self) -> int:
        """The number of searches, and of what is computed after the last of them."""
        return self.n_searches + len(list_stages(has_verdict=self.verdict))

    @property
    def seasonal(self) -> tuple[int, int] | None:
        """The period of the season and the number of harmonics."""
        if self.season is None:
            return None
        fields = self.season if isinstance(self.season, dict) else {"period": self.season}
        season = SeasonFields.model_validate(fields)
        return season.period, season.n_harmonics

    def to_options(self) -> FitOptions:
        """Return the options for the engine; the initial state and the offset must be set."""
        return FitOptions(
            initial_state=0.0 if self.initial_state is None else self.initial_state,
            offset=False if self.offset is None else self.offset,
            delay=self.delays,
            w_rec=self.range,
            noise=self.noise,
            variance=self.variance,
            confidence=self.confidence,
            gains={} if isinstance(self.gains, str) else self.gains,
            own_gains=self.gains == "each",
            curves=tuple(self.curves),
            direct=tuple(self.direct),
            trend=self.trend,
            season=self.seasonal,
            time_constants=self._groups,
        )

    @property
    def _groups(self) -> Any:
        """The time constants as an option of the engine."""
        groups = self.time_constants
        return tuple(map(tuple, groups)) if isinstance(groups, list) else groups
