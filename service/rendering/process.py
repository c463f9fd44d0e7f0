"""A process that draws pictures one after the other, until its owner ends."""

import multiprocessing
import os
import signal
import tempfile
from contextlib import suppress
from multiprocessing.connection import Connection
from traceback import format_exception
from typing import Any

from service.errors import ServiceError
from service.rendering.ipc import receive, send
from service.rendering.requests import Drawing

START_SECONDS = 60.0  # a process that is not warm by then never will be
NICENESS = 10  # whoever answers requests goes first where cores are few


class RendererError(Exception):
    """A drawing failed for a reason that is no caller's: the traceback, as text."""


class Lost(Exception):
    """The process ended before its answer; ``overdue`` where it was ended for taking too long."""

    def __init__(self, *, overdue: bool = False) -> None:
        super().__init__()
        self.overdue = overdue


class RenderProcess:
    """A process that draws; made in a thread, since it takes a while until it is warm."""

    def __init__(self) -> None:
        """Start it and wait until it is warm; raises Lost."""
        context = _context()
        self._connection: Connection[Any, Any]
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        self._lost = self._overdue = False
        if not self._connection.poll(START_SECONDS):
            self.kill()
        self._receive()

    @property
    def pid(self) -> int | None:
        """The number of the process."""
        pid: int | None = self._process.pid
        return pid

    def draw(self, drawing: Drawing) -> bytes:
        """Send the drawing over and wait for its bytes; raises Lost, or what the drawing did."""
        try:
            send(self._connection, drawing)
        except OSError:
            self._lost = True
            raise Lost(overdue=self._overdue) from None
        answer = self._receive()
        if isinstance(answer, Exception):
            raise answer
        return bytes(answer)

    def _receive(self) -> Any:
        try:
            return self._connection.recv()
        except (EOFError, OSError):
            self._lost = True
            raise Lost(overdue=self._overdue) from None

    def is_alive(self) -> bool:
        """Tell whether it can draw: one that has nothing to do has nothing to say, but an end."""
        return not (self._lost or self._connection.poll())

    def kill(self) -> None:
        """End it at once."""
        self._overdue = True
        self._process.kill()


class RenderThread:
    """Draws in the process that answers, where the system allows no others."""

    def draw(self, drawing: Drawing) -> bytes:
        """Draw in the calling thread."""
        from service.rendering.draw import draw  # noqa: PLC0415 - imports Matplotlib

        return draw(drawing)

    def is_alive(self) -> bool:
        """Tell that it can always draw."""
        return True

    def kill(self) -> None:
        """Do nothing: a thread ends by itself."""


def serve(connection: "Connection[Any, Any]") -> None:
    """Draw what comes in, answer with bytes or an exception, and end with the connection.

    The first answer is None: everything is imported, and the first picture is drawn. The system
    closes the connection when the owner ends, however it ends.
    """
    from service.rendering.draw import warm_up  # noqa: PLC0415 - imports Matplotlib

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
    from service.rendering.draw import draw  # noqa: PLC0415 - imports Matplotlib

    try:
        return draw(drawing)
    except ServiceError as error:
        return error
    except Exception as error:
        return RendererError("".join(format_exception(error)))


def _context() -> Any:
    """Return how processes are started.

    A fork server imports once for all of them: two are warm in 0.8 s instead of 1.2 s, another
    one in 0.1 s instead of 0.7 s, and each has 37 MB of its own instead of 66 MB.
    """
    try:
        tempfile.gettempdir()  # where the fork server has its socket
    except OSError:
        return multiprocessing.get_context("spawn")
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        [
            "service.rendering.draw",
            "matplotlib.backends.backend_svg",
            "matplotlib.backends.backend_pdf",
        ]
    )
    return context
