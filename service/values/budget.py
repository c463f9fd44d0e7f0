"""The CPU seconds that work may spend."""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from math import inf
from time import monotonic, thread_time
from typing import Final, TypeVar, TypeVarTuple

from service.engine.interruption import interrupted_by
from service.errors import Busy, LimitExceeded

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")

CHECK_SECONDS: Final = 0.01  # between two readings of the clock of the thread, a system call
DISCONNECTED: Final = "the client has disconnected"


class OverBudget(LimitExceeded):
    """The work exceeded its CPU seconds. ``pointer`` is the field to reduce, if known."""

    def __init__(self, limit: float, spent: float, pointer: str | None = None) -> None:
        detail = (
            f"this takes more than {limit:g} seconds of one core: reduce the data, the weights or "
            "the resolution"
        )
        super().__init__(detail, pointer, limit=limit, spent=round(spent, 3))
        self.limit = limit
        self.spent = spent

    def __reduce__(self) -> tuple[type["OverBudget"], tuple[float, float]]:
        """Return the constructor and arguments, for pickling."""
        return OverBudget, (self.limit, self.spent)


@dataclass
class Budget:
    """The CPU seconds that work may spend in its thread. The engine checks it between blocks.

    Parameters
    ----------
    limit
        The CPU seconds after which the work ends.
    short_seconds, give_way
        The CPU seconds after which ``give_way`` is called, once.
    """

    limit: float
    short_seconds: float = 0.0
    give_way: Callable[[], None] | None = None
    spent: float = field(default=0.0, init=False)
    _is_abandoned: bool = field(default=False, init=False)
    _start: float = field(default=0.0, init=False)
    _next_look: float = field(default=0.0, init=False)

    def call(self, function: Callable[[*Arguments], T], *arguments: *Arguments) -> T:
        """Call a function within the budget; raises OverBudget, and Busy after `abandon`."""
        self._start = thread_time()
        token = _current_budget.set(self)
        with interrupted_by(self.check):
            try:
                return function(*arguments)
            finally:
                self.spent = thread_time() - self._start
                _current_budget.reset(token)

    @property
    def remaining(self) -> float:
        """The CPU seconds that are left."""
        return self.limit - (thread_time() - self._start)

    def spend(self, seconds: float) -> None:
        """Add CPU seconds of another process to those of the thread."""
        self._start -= seconds

    def abandon(self) -> None:
        """End the work at its next block."""
        self._is_abandoned = True

    def check(self) -> None:
        """Raise OverBudget or Busy if the work must end.

        OverBudget is raised once, so that its handler can store what has been computed.
        """
        now = monotonic()
        if now < self._next_look:
            return
        self._next_look = now + CHECK_SECONDS
        if self._is_abandoned:
            raise Busy(DISCONNECTED)
        spent = thread_time() - self._start
        if spent > self.limit:
            limit, self.limit = self.limit, inf
            raise OverBudget(limit, spent)
        if self.give_way is not None and spent > self.short_seconds:
            give_way, self.give_way = self.give_way, None
            give_way()


_current_budget: Final[ContextVar[Budget | None]] = ContextVar("current_budget", default=None)


def remaining_seconds() -> float:
    """Return the CPU seconds that the current work may still spend; infinite outside of work."""
    budget = _current_budget.get()
    return inf if budget is None else budget.remaining


def spend(seconds: float) -> None:
    """Add CPU seconds of another process to those of the current work, if any."""
    budget = _current_budget.get()
    if budget is not None:
        budget.spend(seconds)
