"""Interruption of long computations: the engine asks its caller between blocks of work.

A block takes about 50 ms at most. The engine knows neither clocks nor requests: it calls
`check_interruption`, and the caller of the engine may raise an exception there. The state of a run
or a map is a value that a block replaces when it ends, so an interruption loses one block.

A fit has no such value. It is repeated from the start instead, with the results of all blocks that
were completed: its blocks are pure functions that `recall` calls, always in the same order.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, TypeAlias

from numpy.typing import NDArray

BlockResult: TypeAlias = tuple[NDArray[Any], ...]


# Without a caller that limits the computation, it does nothing.
_check: Final[ContextVar[Callable[[], None]]] = ContextVar("check", default=lambda: None)


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


class Record:
    """The results of the blocks of a computation, in the order of their calls.

    Parameters
    ----------
    results
        Of a computation of the same that was interrupted; they are not computed again.
    after_block
        Called after each block that is computed.
    """

    def __init__(self, results: list[BlockResult], after_block: Callable[[], None]) -> None:
        self.results = results
        self._after_block = after_block
        self._n_used = 0

    def next(self, block: Callable[[], BlockResult]) -> BlockResult:
        """Return the result of the next block.

        Parameters
        ----------
        block
            Computes it.

        Returns
        -------
        BlockResult
        """
        self._n_used += 1
        if self._n_used > len(self.results):
            self.results.append(block())
            self._after_block()
        return self.results[self._n_used - 1]


_record: Final[ContextVar[Record | None]] = ContextVar("record", default=None)


def recall(block: Callable[[], BlockResult]) -> BlockResult:
    """Return the result of a pure function: from the record of the computation, if it has one.

    Parameters
    ----------
    block
        The function, which the same computation always calls in the same order.

    Returns
    -------
    BlockResult
    """
    record = _record.get()
    return block() if record is None else record.next(block)


@contextmanager
def recorded_by(record: Record) -> Iterator[None]:
    """Use a record for the computation in this context."""
    token = _record.set(record)
    try:
        yield
    finally:
        _record.reset(token)
