"""Interruption of long computations: the engine calls a hook between blocks of work.

A block takes at most about 50 ms. The engine does not use clocks or requests: it calls
`check_interruption`, where the caller of the engine may raise an exception. The state of a run or a
map is a value that a block replaces when it ends, so an interruption loses one block.

A fit has no such value. Its long parts are stages, whose results are recorded. After an
interruption it begins again, and takes the results of the stages that had ended from the record. It
has the same stages in the same order again: the request, the data and these results determine them.
"""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, Final, NamedTuple, TypeVar, TypeVarTuple

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")

# By default, it does nothing.
_check: Final[ContextVar[Callable[[], None]]] = ContextVar("check", default=lambda: None)


def check_interruption() -> None:
    """Raise the exception of the caller that ends this computation, if any."""
    _check.get()()


@contextmanager
def interrupted_by(check: Callable[[], None]) -> Iterator[None]:
    """Call a function between the blocks of all computations in this context."""
    token = _check.set(check)
    try:
        yield
    finally:
        _check.reset(token)


class Stages(NamedTuple):
    """The stages of a computation.

    Attributes
    ----------
    known
        The results of the stages that ended before an interruption, in their order. They are
        removed when they are used.
    finish
        Called with the result of each other stage when it ends.
    """

    known: deque[Any]
    finish: Callable[[Any], None]


def _refuse(_: Any) -> None:
    raise RuntimeError("a stage within a stage")


WITHIN: Final = Stages(deque(), _refuse)  # a stage

_stages: Final[ContextVar[Stages | None]] = ContextVar("stages", default=None)


@contextmanager
def recorded_by(stages: Stages) -> Iterator[None]:
    """Record the stages of the computation in this context."""
    token = _stages.set(stages)
    try:
        yield
    finally:
        _stages.reset(token)


def stage(function: Callable[[*Arguments], T]) -> Callable[[*Arguments], T]:
    """Make a function a stage of the computations that call it.

    Parameters
    ----------
    function
        Its result follows from its arguments. It calls no other stage: a result that the stage
        has in common with others would be missing when it is repeated.

    Returns
    -------
    function
        Its result comes from the record of the computation, if there is one that has it.
    """

    @wraps(function)
    def find(*arguments: *Arguments) -> T:
        stages = _stages.get()
        if stages is None:
            return function(*arguments)
        if stages.known:
            known: T = stages.known.popleft()
            return known
        with recorded_by(WITHIN):
            result = function(*arguments)
        stages.finish(result)
        return result

    return find
