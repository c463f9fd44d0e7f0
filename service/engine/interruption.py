"""Interruption of long computations: the engine calls a hook between blocks of work.

A block takes at most about 50 ms. The engine does not use clocks or requests: it calls
`check_interruption`, where the caller of the engine may raise an exception. The state of a run or a
map is a value that a block replaces when it ends, so an interruption loses one block.

A fit has no such value. It is repeated from the start instead, with the results of all completed
blocks: its blocks are pure functions that `recall` calls. A block is identified by its function and
arguments and those of all previous blocks, so that the result of another block is never used: if
the code or the data have changed, the block is computed again.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from hashlib import blake2b
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

BlockResult: TypeAlias = tuple[NDArray[Any], ...]

SAMPLE: Final = 1000  # the most numbers of an array that identify it, about


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


def identify(block: partial[BlockResult], previous: int) -> int:
    """Return a digest of a block of work and of all previous blocks.

    Parameters
    ----------
    block
        A function with its arguments. Arrays are identified by their shape and evenly spaced
        elements, and other arguments, among them the object of a method, by their ``repr``.
    previous
        The digest of the previous block.

    Returns
    -------
    int
        In the range of int64.
    """
    name = getattr(block.func, "__qualname__", "")
    digest = blake2b(f"{previous} {name}".encode(), digest_size=8)
    owner = getattr(block.func, "__self__", None)
    for value in (owner, *block.args, *block.keywords.values()):
        if isinstance(value, np.ndarray):
            digest.update(repr(value.shape).encode())
            digest.update(value.flat[:: value.size // SAMPLE + 1].tobytes())
        else:
            digest.update(repr(value).encode())
    return int.from_bytes(digest.digest(), "big", signed=True)


class Record:
    """The results of the blocks of a computation.

    Parameters
    ----------
    results
        The results of an earlier, interrupted computation, by the digests of their blocks. New
        results are added.
    after_block
        Called after each computed block.
    """

    def __init__(self, results: dict[int, BlockResult], after_block: Callable[[], None]) -> None:
        self.results = results
        self._after_block = after_block
        self._digest = 0

    def get(self, block: partial[BlockResult]) -> BlockResult:
        """Return the result of the next block; compute it if it is not recorded.

        Parameters
        ----------
        block
            A pure function with its arguments.

        Returns
        -------
        BlockResult
            The stored result, or that of the block.
        """
        digest = identify(block, self._digest)
        if digest not in self.results:
            self.results[digest] = block()
            self._after_block()
        self._digest = digest  # also after a block that contains others
        return self.results[digest]


_record: Final[ContextVar[Record | None]] = ContextVar("record", default=None)


def recall(block: partial[BlockResult]) -> BlockResult:
    """Return the result of a pure function: from the record of the computation, if it has one.

    Parameters
    ----------
    block
        The function with its arguments, which must be distinguishable by `identify`.

    Returns
    -------
    BlockResult
        The stored result, or that of the block.
    """
    record = _record.get()
    return block() if record is None else record.get(block)


@contextmanager
def recorded_by(record: Record) -> Iterator[None]:
    """Use a record for the computation in this context."""
    token = _record.set(record)
    try:
        yield
    finally:
        _record.reset(token)
