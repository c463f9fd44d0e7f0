"""Signals of the processes that the service starts."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker


@contextmanager
def block_interrupts() -> Iterator[None]:
    """Block Ctrl+C in the processes that the block starts.

    A terminal sends it to all processes, of which the service stops the others itself. One that
    still imports its modules would print a traceback.
    """
    resource_tracker.ensure_running()  # its start unblocks the signal in older versions of Python
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
