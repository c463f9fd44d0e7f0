"""The options of a fit: its unknowns, and the range to search."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

InitialState: TypeAlias = float | Literal["shared", "each"]
Offset: TypeAlias = bool | float | Literal["each"]
TimeConstants: TypeAlias = int | Literal["per_input"] | tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class FitOptions:
    """The unknowns of a fit, and the range to search."""

    # S_0, the state before the first step in use: a number, "shared" (one unknown for all
    # sequences) or "each" (one unknown per sequence)
    initial_state: InitialState = "each"
    # True to fit a constant that is added to the states, "each" to fit one for each sequence, or
    # its value
    offset: Offset = True
    delay: tuple[int, int] = (0, 0)  # the shortest and the longest delay of the inputs, in steps
    w_rec: tuple[float, float] = (0.0, 1.0)  # the range to search
    # "ar1" for a first-order autoregression; "independent" for white noise that is known to be so
    noise: Literal["white", "ar1", "independent"] = "white"
    # "proportional" for errors with standard deviations proportional to the fitted values; "free"
    # for intervals that are valid whatever the variance of the errors depends on
    variance: Literal["constant", "proportional", "free"] = "constant"
    confidence: float = 0.95  # the confidence level of the intervals, between 0 and 1
    gains: Mapping[str, float] = field(default_factory=dict)  # given steady-state gains, by input
    own_gains: bool = False  # True to fit weights of the other inputs for each sequence
    curves: tuple[str, ...] = ()  # the inputs whose squares act as well
    direct: tuple[str, ...] = ()  # the inputs that act within their step only
    trend: bool = False  # True to fit a straight line
    season: tuple[int, int] | None = None  # the period in steps, and the number of harmonics
    # The number of states on which all inputs act, or the inputs of each state
    time_constants: TimeConstants = 1
    rest: bool = False  # True for an unknown initial state that is 0 instead of fitted

    @property
    def is_given(self) -> bool:
        """True if w_rec is not searched."""
        return self.w_rec[0] == self.w_rec[1]
