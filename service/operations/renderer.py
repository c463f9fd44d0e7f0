"""A process that draws pictures, one after the other, for as long as its owner is there."""

import os
import signal
from contextlib import suppress
from multiprocessing.connection import Connection
from traceback import format_exception
from typing import Any

from service.errors import ServiceError
from service.operations.drawing import draw, warm_up
from service.operations.wire import receive

NICENESS = 10  # whoever answers requests goes first where cores are few


class RendererError(Exception):
    """A drawing failed for a reason that is no caller's: the traceback, as text."""


def serve(connection: "Connection[Any, Any]") -> None:
    """Draw what comes in, answer with bytes or an exception, and end with the connection.

    The first answer is None: everything is imported, and the first picture is drawn. The system
    closes the connection when the owner ends, however it ends.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the owner, who ends this one
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    warm_up()
    answer: bytes | Exception | None = None
    with suppress(EOFError, OSError):
        while True:
            connection.send(answer)
            answer = _attempt(receive(connection))


def _attempt(drawing: Any) -> bytes | Exception:
    try:
        return draw(drawing)
    except ServiceError as error:
        return error
    except Exception as error:
        return RendererError("".join(format_exception(error)))
