"""Interruption of long computations: the engine asks its caller between blocks of work.

A block takes about 50 ms at most. The engine knows neither clocks nor requests: it calls
`check_interruption`, and the caller of the engine may raise an exception there. The state of a run
or a map is a value that a block replaces when it ends, so an interruption loses one block.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final


def _continue() -> None:
    """Do nothing: no caller limits the computation."""


_check: Final[ContextVar[Callable[[], None]]] = ContextVar("check", default=_continue)


def check_interruption() -> None:
    """Raise what the caller of this computation raises to end it, if anything."""
    _check.get()()


@contextmanager
def interrupted_by(check: Callable[[], None]) -> Iterator[None]:
    """Call a function between the blocks of all computations in this context."""
    token = _check.set(check)
    try:
        yield
    finally:
        _check.reset(token)
